"""shell (records, files): the EBS direct APIs, by which clients write and read snapshots block by block.

They speak REST with JSON, not EC2's query protocol. What is said here is in the EBS direct APIs' reference. Not here:
ListChangedBlocks, parents, keys of one's own.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from localec2.blocks import BLOCK_BYTES, Blocks
from localec2.context import Context
from localec2.identities import new_id
from localec2.model import Snapshot

_BLOCKS_PER_GIB = 2**30 // BLOCK_BYTES
_LARGEST_GIB = 65536
_TOKENS_LIVE_S = 7 * 24 * 3600.0
_PAGE = (100, 10_000)
_ROUTES = {
    "StartSnapshot": ("POST", re.compile(r"/snapshots")),
    "CompleteSnapshot": ("POST", re.compile(r"/snapshots/completion/(?P<id>[^/]+)")),
    "PutSnapshotBlock": ("PUT", re.compile(r"/snapshots/(?P<id>[^/]+)/blocks/(?P<index>\d+)")),
    "GetSnapshotBlock": ("GET", re.compile(r"/snapshots/(?P<id>[^/]+)/blocks/(?P<index>\d+)")),
    "ListSnapshotBlocks": ("GET", re.compile(r"/snapshots/(?P<id>[^/]+)/blocks")),
}


class EbsError(Exception):
    def __init__(self, code: str, message: str, *, reason: str = "", status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.answer = Answer(
            status=status, headers={"x-amzn-ErrorType": code}, said={"Message": message, "Reason": reason}
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    action: str
    snapshot_id: str
    index: int
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    said: Mapping[str, Any] | None = None  # as JSON
    data: bytes = b""

    @property
    def body(self) -> bytes:
        return self.data if self.said is None else json.dumps(self.said).encode()


def asked(method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Asked | None:
    """None for an action that is not here."""
    for action, (its_method, route) in _ROUTES.items():
        found = route.fullmatch(path)
        if method == its_method and found:
            part = found.groupdict()
            return Asked(
                action=action,
                snapshot_id=part.get("id", ""),
                index=int(part.get("index", 0)),
                query=query,
                headers=headers,
                body=body,
            )
    return None


def answer(this: Asked, context: Context) -> Answer:
    """Raises `EbsError`."""
    blocks = Blocks(context.config.snapshot_dir)
    match this.action:
        case "StartSnapshot":
            return _start(this, context)
        case "PutSnapshotBlock":
            return _put(this, _snapshot(this, context, state="pending"), blocks)
        case "CompleteSnapshot":
            return _complete(this, context, blocks)
        case "ListSnapshotBlocks":
            return _list(this, _snapshot(this, context, state="completed"), context.now, blocks)
        case _:
            return _get(this, _snapshot(this, context, state="completed"), blocks)


def _start(this: Asked, context: Context) -> Answer:
    try:
        given = json.loads(this.body or b"{}")
        size = int(given["VolumeSize"])
        tags = {str(tag["Key"]): str(tag.get("Value", "")) for tag in given.get("Tags") or []}
    except (ValueError, KeyError, TypeError) as error:
        raise _invalid(f"no request: {error}") from error
    if not 1 <= size <= _LARGEST_GIB:
        raise _invalid(f"VolumeSize {size} is not 1 to {_LARGEST_GIB} GiB")
    if any(key.startswith("aws:") for key in tags):
        raise _invalid("Tag keys starting with 'aws:' are reserved", reason="INVALID_TAG")
    token = str(given.get("ClientToken") or "")
    with context.world.lock:
        same = next((each for each in context.world.all(Snapshot) if token and each.client_token == token), None)
        if same is not None and (same.size_gib, same.tags) != (size, tags):
            raise EbsError("ConflictException", "the client token was used for another request", status=409)
        snapshot = same or Snapshot(
            id=new_id("snap", context.rng),
            description=str(given.get("Description") or ""),
            owner_id=context.config.account_id,
            size_gib=size,
            started_at=context.now,
            encrypted=bool(given.get("Encrypted")),
            client_token=token,
            tags=tags,
        )
        context.world.put(snapshot)
    said = {
        "SnapshotId": snapshot.id,
        "OwnerId": snapshot.owner_id,
        "Status": snapshot.state,
        "StartTime": snapshot.started_at,
        "VolumeSize": snapshot.size_gib,
        "BlockSize": BLOCK_BYTES,
        "Description": snapshot.description,
        "Tags": [{"Key": key, "Value": value} for key, value in snapshot.tags.items()],
    }
    return Answer(status=201, headers={}, said=said)


def _put(this: Asked, snapshot: Snapshot, blocks: Blocks) -> Answer:
    if this.index >= snapshot.size_gib * _BLOCKS_PER_GIB:
        raise _invalid(f"the block {this.index} is beyond the end of {snapshot.id}")
    if len(this.body) != BLOCK_BYTES or _header(this, "x-amz-Data-Length") != str(BLOCK_BYTES):
        raise _invalid(f"a block has {BLOCK_BYTES} bytes, this one {len(this.body)}", reason="INVALID_CONTENT_LENGTH")
    if _header(this, "x-amz-Checksum-Algorithm") != "SHA256":
        raise _invalid("the checksum's algorithm is SHA256")
    checksum = base64.b64encode(hashlib.sha256(this.body).digest()).decode()
    if _header(this, "x-amz-Checksum") != checksum:
        raise _invalid(f"the checksum of block {this.index} is {checksum}", reason="INVALID_BLOCK")
    blocks.put(snapshot.id, this.index, this.body)
    return Answer(status=201, headers={"x-amz-Checksum": checksum, "x-amz-Checksum-Algorithm": "SHA256"}, said={})


def _complete(this: Asked, context: Context, blocks: Blocks) -> Answer:
    snapshot = _snapshot(this, context, state="pending")
    indexes = blocks.indexes(snapshot.id)
    if _header(this, "x-amz-ChangedBlocksCount") != str(len(indexes)):
        raise _invalid(f"{snapshot.id} has {len(indexes)} blocks", reason="INVALID_PARAMETER_VALUE")
    claimed = _header(this, "x-amz-Checksum")
    if claimed:
        each = (hashlib.sha256(blocks.get(snapshot.id, index) or b"").digest() for index in indexes)
        whole = base64.b64encode(hashlib.sha256(b"".join(each)).digest()).decode()
        if claimed != whole:
            raise _invalid(f"the checksum of the {len(indexes)} blocks is {whole}")
    context.world.put(replace(snapshot, state="completed"))
    return Answer(status=202, headers={}, said={"Status": "completed"})


def _list(this: Asked, snapshot: Snapshot, now: float, blocks: Blocks) -> Answer:
    try:
        first = int(this.query.get("pageToken") or this.query.get("startingBlockIndex") or 0)
        size = int(this.query.get("maxResults") or _PAGE[1])
    except ValueError as error:
        raise _invalid(f"{error}", reason="INVALID_PAGE_TOKEN") from error
    if not _PAGE[0] <= size <= _PAGE[1]:
        raise _invalid(f"maxResults is {_PAGE[0]} to {_PAGE[1]}")
    indexes = [index for index in blocks.indexes(snapshot.id) if index >= first]
    said = {
        "Blocks": [{"BlockIndex": index, "BlockToken": _token(snapshot.id, index)} for index in indexes[:size]],
        "ExpiryTime": now + _TOKENS_LIVE_S,
        "VolumeSize": snapshot.size_gib,
        "BlockSize": BLOCK_BYTES,
        **({"NextToken": str(indexes[size])} if len(indexes) > size else {}),
    }
    return Answer(status=200, headers={}, said=said)


def _get(this: Asked, snapshot: Snapshot, blocks: Blocks) -> Answer:
    data = blocks.get(snapshot.id, this.index)
    if data is None:
        raise EbsError("ResourceNotFoundException", f"no block {this.index}", reason="SNAPSHOT_NOT_FOUND", status=404)
    if this.query.get("blockToken") != _token(snapshot.id, this.index):
        raise _invalid("the block's token is another one", reason="INVALID_BLOCK_TOKEN")
    checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
    headers = {
        "Content-Type": "application/octet-stream",
        "x-amz-Data-Length": str(len(data)),
        "x-amz-Checksum": checksum,
        "x-amz-Checksum-Algorithm": "SHA256",
    }
    return Answer(status=200, headers=headers, data=data)


def _snapshot(this: Asked, context: Context, *, state: str) -> Snapshot:
    found = context.world.get(Snapshot, this.snapshot_id)
    if found is None:
        words = f"The snapshot '{this.snapshot_id}' does not exist."
        raise EbsError("ResourceNotFoundException", words, reason="SNAPSHOT_NOT_FOUND", status=404)
    if found.state != state:
        raise EbsError("ConflictException", f"The snapshot '{found.id}' is {found.state}.", status=409)
    return found


def _invalid(words: str, *, reason: str = "INVALID_PARAMETER_VALUE") -> EbsError:
    return EbsError("ValidationException", words, reason=reason)


def _header(this: Asked, name: str) -> str:
    return {key.lower(): value for key, value in this.headers.items()}.get(name.lower(), "")


def _token(snapshot_id: str, index: int) -> str:
    return base64.urlsafe_b64encode(f"{snapshot_id}:{index}".encode()).decode()
