"""shell (boto3): EFS, the file system that AWS keeps for a pool: made encrypted and tagged, and deleted with it.

In: a pool's name and tags, a subnet and a group. Out: what EFS describes under the pool's tag, as values. It can be
killed anywhere and called again: a file system is found by its tag, and made with a token that is the same then.
"""

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from roost.cloud.clients import Access, open_client, translated
from roost.cloud.model import EXPIRES_TAG, OWNER_TAG, POOL_TAG, FileSystem
from roost.cloud.things import Kind, Thing
from roost.errors import WaitTimeoutError

_PATIENCE_S = 300.0  # a mount target takes a minute or two
_POLL_S = 2.0


class Efs:
    def __init__(
        self,
        access: Access,
        *,
        pause: Callable[[float], None] = time.sleep,  # s
        clock: Callable[[], float] = time.monotonic,  # s
    ) -> None:
        self._pause, self._clock = pause, clock
        self._region = access.region
        self._client: Any = open_client("efs", access)

    def describe(self, pool: str) -> tuple[FileSystem, ...]:
        """The file systems that carry the pool's tag."""
        with translated(f"look for the file system of the pool {pool}"):
            return tuple(self._filled(one) for tags, one in self._tagged() if tags[POOL_TAG] == pool)

    def things(self) -> list[Thing]:
        """The file systems of all pools, as `gc` lists them."""
        with translated(f"list the file systems in {self._region}"):
            return [self._thing(tags, one) for tags, one in self._tagged()]

    def make(self, pool: str, *, tags: Mapping[str, str], subnet_id: str, group_id: str) -> FileSystem:
        """The pool's file system with an address in that subnet; as far as it is not there.

        It may take a minute until it can be mounted: see `wait_until_mountable`.
        """
        with translated(f"create the file system of the pool {pool}"):
            if not self.describe(pool):
                self._create(pool, tags=tags, group_id=group_id)
            found = self._until(pool, lambda one: one is not None and one.state == "available", "available")
            if found is not None and not found.targets:
                self._create_target(found.id, subnet_id=subnet_id, group_id=group_id)
            found = self._until(pool, lambda one: one is not None and bool(one.address), "given an address")
        if found is None:
            raise WaitTimeoutError(f"the file system of the pool {pool} has vanished", "`roost up` again makes another")
        return found

    def wait_until_mountable(self, pool: str) -> None:
        with translated(f"wait for the file system of the pool {pool}"):
            self._until(pool, lambda one: one is not None and one.is_mountable, "mountable")

    def delete(self, pool: str) -> None:
        """The mount targets, and when those are gone the file system with all that is on it."""
        with translated(f"delete the file system of the pool {pool}"):
            for one in self.describe(pool):
                for target in one.targets:
                    self._unless_gone(self._client.delete_mount_target, MountTargetId=target)
            self._until(pool, lambda one: one is None or not one.targets, "let go of its mount targets")
            for one in self.describe(pool):
                self._unless_gone(self._client.delete_file_system, FileSystemId=one.id)
            self._until(pool, lambda one: one is None, "deleted")

    def _tagged(self) -> list[tuple[dict[str, str], Any]]:
        """(tags, description) of all that Roost has made and that is not on its way out."""
        pages = self._client.get_paginator("describe_file_systems").paginate()
        all_of_them = [
            ({tag["Key"]: tag["Value"] for tag in one.get("Tags", [])}, one)
            for page in pages
            for one in page["FileSystems"]
            if one["LifeCycleState"] != "deleted"
        ]
        return [(tags, one) for tags, one in all_of_them if POOL_TAG in tags]

    def _thing(self, tags: Mapping[str, str], described: Any) -> Thing:
        gib = math.ceil(described.get("SizeInBytes", {}).get("Value", 0) / 2**30)
        expires = tags.get(EXPIRES_TAG)
        return Thing(
            kind=Kind.FILE_SYSTEM,
            id=described["FileSystemId"],
            region=self._region,
            pool=tags[POOL_TAG],
            owner=tags.get(OWNER_TAG, ""),
            created_at=described["CreationTime"],
            expires_at=datetime.fromisoformat(expires) if expires else None,
            detail=f"{gib} GiB",
            state=described["LifeCycleState"],
            size_gib=gib,
        )

    def _filled(self, described: Any) -> FileSystem:
        targets = self._client.describe_mount_targets(FileSystemId=described["FileSystemId"])["MountTargets"]
        return FileSystem(
            id=described["FileSystemId"],
            state=described["LifeCycleState"],
            size_bytes=int(described.get("SizeInBytes", {}).get("Value", 0)),
            targets=tuple(one["MountTargetId"] for one in targets),
            address=next((one["IpAddress"] for one in targets if one.get("IpAddress")), ""),
            is_mountable=any(one["LifeCycleState"] == "available" for one in targets),
        )

    def _create(self, pool: str, *, tags: Mapping[str, str], group_id: str) -> None:
        # The group's id makes it new for every pool, also for one of the same name that has long been gone.
        token = hashlib.sha256(f"{group_id}/{pool}".encode()).hexdigest()
        try:
            self._client.create_file_system(
                CreationToken=token,
                PerformanceMode="generalPurpose",
                Encrypted=True,
                ThroughputMode="elastic",
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "FileSystemAlreadyExists":  # a call whose answer was lost
                raise

    def _create_target(self, file_system_id: str, *, subnet_id: str, group_id: str) -> None:
        try:
            self._client.create_mount_target(FileSystemId=file_system_id, SubnetId=subnet_id, SecurityGroups=[group_id])
        except ClientError as error:
            if error.response["Error"]["Code"] != "MountTargetConflict":
                raise

    def _until(self, pool: str, is_so: Callable[[FileSystem | None], bool], what: str) -> FileSystem | None:
        """Look until it is so; what was seen then."""
        deadline = self._clock() + _PATIENCE_S
        while True:
            found = next(iter(self.describe(pool)), None)
            if is_so(found):
                return found
            if self._clock() > deadline:
                raise WaitTimeoutError(
                    f"the file system of the pool {pool} was not {what} within {_PATIENCE_S:.0f} s",
                    f"type the same again, or `roost down {pool}`",
                )
            self._pause(_POLL_S)

    def _unless_gone(self, call: Callable[..., object], **words: str) -> None:
        try:
            call(**words)
        except ClientError as error:
            if not error.response["Error"]["Code"].endswith("NotFound"):
                raise
