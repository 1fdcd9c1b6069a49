"""pure: the instance metadata service (IMDSv1 and v2).

In: a request and the instance it comes from. Out: the answer. The tree is EC2's (EC2 User Guide, "Instance metadata
categories"); everything that a listing names can be fetched, since cloud-init fetches all of it.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from localec2.model import Instance, SecurityGroup

VERSIONS = (
    "1.0",
    "2007-01-19",
    "2009-04-04",
    "2014-11-05",
    "2016-09-02",
    "2018-09-24",
    "2020-10-27",
    "2021-01-03",
    "2021-03-23",
    "2022-09-24",
    "latest",
)
TOKEN_HEADER = "x-aws-ec2-metadata-token"
TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds"
MAX_TTL_S = 21600

Tree = dict[str, "Tree | str"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleCredentials:
    """What an instance's role may use for a while."""

    role_name: str
    access_key_id: str
    secret_access_key: str
    token: str
    updated_at: float
    expires_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SpotNotice:
    """What a spot instance is told before it is taken away. Times are seconds since the epoch."""

    action: str | None = None  # terminate | stop | hibernate
    action_at: float = 0.0
    rebalance_at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """The instance that asks, and what the service knows of it beyond its record."""

    instance: Instance
    account_id: str
    groups: Sequence[SecurityGroup] = ()
    credentials: RoleCredentials | None = None
    spot: SpotNotice | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)
    hop_limit: int | None = None  # how far the packets of this answer may travel


def answer(request: Request, asking: Subject, *, secret: bytes, now: float) -> Answer:
    """What EC2 answers this instance; `secret` is what tokens are signed with."""
    options = asking.instance.metadata
    if options.http_endpoint == "disabled":
        return _refusal(403, "Forbidden")
    path = request.path.split("?")[0]
    if request.method == "PUT":
        return _token_answer(request, path, asking.instance, secret=secret, now=now)
    if request.method not in ("GET", "HEAD"):
        return _refusal(405, "Method Not Allowed")
    token = request.headers.get(TOKEN_HEADER)
    if token is None and options.http_tokens == "required":
        return _refusal(401, "Unauthorized")
    if token is not None and not token_holds(token, asking.instance.id, secret=secret, now=now):
        return _refusal(401, "Unauthorized")
    return _item([part for part in path.split("/") if part], asking)


def wants_credentials(path: str) -> bool:
    """Credentials are made only when they are asked for."""
    return "/iam/security-credentials" in path


def new_token(instance_id: str, expires_at: float, *, secret: bytes) -> str:
    """A token that needs no memory: it proves itself, also after a restart of the service."""
    body = f"{int(expires_at)}.{instance_id}"
    signature = hmac.new(secret, body.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(signature + str(int(expires_at)).encode()).decode()


def token_holds(token: str, instance_id: str, *, secret: bytes, now: float) -> bool:
    try:
        expires_at = int(base64.urlsafe_b64decode(token.encode())[32:])
    except ValueError:
        return False
    return expires_at >= now and hmac.compare_digest(token, new_token(instance_id, expires_at, secret=secret))


def metadata_tree(subject: Subject) -> Tree:
    """Everything under /latest: a mapping is a listing, a text is an item."""
    instance = subject.instance
    names = "\n".join(group.name for group in _own_groups(subject))
    tree: Tree = {
        "ami-id": instance.image_id,
        "ami-launch-index": str(instance.launch_index),
        "ami-manifest-path": "(unknown)",
        "block-device-mapping": {"ami": "/dev/xvda", "root": "/dev/xvda"},
        "events": _events(subject.spot),
        "hostname": instance.private_dns_name,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": instance.lifecycle or "on-demand",
        "instance-type": instance.instance_type,
        "local-hostname": instance.private_dns_name,
        "local-ipv4": instance.private_ip,
        "mac": instance.mac,
        "metrics": {"vhostmd": '<?xml version="1.0" encoding="UTF-8"?>'},
        "network": {"interfaces": {"macs": {instance.mac: _interface(subject)}}},
        "placement": {
            "availability-zone": instance.zone,
            "availability-zone-id": instance.zone_id,
            "region": instance.region,
        },
        "profile": "default-hvm",
        "reservation-id": instance.reservation_id,
        "security-groups": names,
        "services": {"domain": "amazonaws.com", "partition": "aws"},
        "system": "nitro",
        **_public(instance),
        **_public_keys(instance),
        **_role(subject),
        **_spot(subject.spot),
        **_tags(instance),
    }
    identity: Tree = {"document": identity_document(subject), "pkcs7": "", "signature": "", "rsa2048": ""}
    return {"meta-data": tree, "dynamic": {"instance-identity": identity}}


def identity_document(subject: Subject) -> str:
    instance = subject.instance
    document = {
        "accountId": subject.account_id,
        "architecture": "x86_64",
        "availabilityZone": instance.zone,
        "billingProducts": None,
        "devpayProductCodes": None,
        "marketplaceProductCodes": None,
        "imageId": instance.image_id,
        "instanceId": instance.id,
        "instanceType": instance.instance_type,
        "kernelId": None,
        "pendingTime": _iso(instance.launched_at),
        "privateIp": instance.private_ip,
        "ramdiskId": None,
        "region": instance.region,
        "version": "2017-09-30",
    }
    return json.dumps(document, indent=2)


def _token_answer(request: Request, path: str, instance: Instance, *, secret: bytes, now: float) -> Answer:
    if path != "/latest/api/token":
        return _refusal(405, "Method Not Allowed")
    if "x-forwarded-for" in request.headers:
        return _refusal(403, "Forbidden")
    try:
        ttl_s = int(request.headers.get(TTL_HEADER, ""))
    except ValueError:
        return _refusal(400, "Bad Request")
    if not 1 <= ttl_s <= MAX_TTL_S:
        return _refusal(400, "Bad Request")
    return Answer(
        status=200,
        body=new_token(instance.id, now + ttl_s, secret=secret).encode(),
        headers={"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": str(ttl_s)},
        hop_limit=instance.metadata.hop_limit,
    )


def _item(parts: list[str], subject: Subject) -> Answer:
    if not parts:
        return _text("\n".join(VERSIONS))
    version, *rest = parts
    if version not in VERSIONS:
        return _not_found()
    user_data = subject.instance.user_data
    if not rest:
        return _text("\n".join(["dynamic", "meta-data", *(["user-data"] if user_data else [])]))
    if rest == ["user-data"]:
        if not user_data:
            return _not_found()
        return Answer(status=200, body=base64.b64decode(user_data), content_type="application/octet-stream")
    node: Tree | str = metadata_tree(subject)
    for part in rest:
        if not isinstance(node, dict) or part not in node:
            return _not_found()
        node = node[part]
    if isinstance(node, str):
        return _text(node)
    if rest[-2:] == ["meta-data", "public-keys"]:
        return _text(f"0={subject.instance.key_name}")
    return _text(_listing(node))


def _listing(node: Tree) -> str:
    """EC2 marks what can be listed further with a slash, except below `security-credentials`."""
    return "\n".join(f"{name}/" if isinstance(node[name], dict) else name for name in sorted(node))


def _own_groups(subject: Subject) -> list[SecurityGroup]:
    by_id = {group.id: group for group in subject.groups}
    return [by_id[group_id] for group_id in subject.instance.group_ids if group_id in by_id]


def _interface(subject: Subject) -> Tree:
    instance = subject.instance
    own = _own_groups(subject)
    interface: Tree = {
        "device-number": "0",
        "interface-id": instance.interface_id,
        "local-hostname": instance.private_dns_name,
        "local-ipv4s": instance.private_ip,
        "mac": instance.mac,
        "network-card": "0",
        "owner-id": subject.account_id,
        "security-group-ids": "\n".join(group.id for group in own),
        "security-groups": "\n".join(group.name for group in own),
        "subnet-id": instance.subnet_id,
        "subnet-ipv4-cidr-block": instance.subnet_cidr,
        "vpc-id": instance.vpc_id,
        "vpc-ipv4-cidr-block": instance.vpc_cidr,
        "vpc-ipv4-cidr-blocks": instance.vpc_cidr,
    }
    if instance.public_ip:
        interface["ipv4-associations"] = {instance.public_ip: instance.private_ip}
        interface["public-hostname"] = instance.public_dns_name
        interface["public-ipv4s"] = instance.public_ip
    return interface


def _public(instance: Instance) -> Tree:
    if not instance.public_ip:
        return {}
    return {"public-hostname": instance.public_dns_name, "public-ipv4": instance.public_ip}


def _public_keys(instance: Instance) -> Tree:
    if not instance.public_key or not instance.key_name:
        return {}
    line = instance.public_key.strip()
    commented = line if len(line.split()) > 2 else f"{line} {instance.key_name}"
    return {"public-keys": {"0": {"openssh-key": commented}}}


def _role(subject: Subject) -> Tree:
    instance, credentials = subject.instance, subject.credentials
    if not instance.profile_arn:
        return {}
    info = {
        "Code": "Success",
        "LastUpdated": _iso(instance.launched_at),
        "InstanceProfileArn": instance.profile_arn,
        "InstanceProfileId": instance.profile_id or "",
    }
    iam: Tree = {"info": json.dumps(info, indent=2)}
    if credentials is not None:
        iam["security-credentials"] = {credentials.role_name: _credentials(credentials)}
    return {"iam": iam}


def _credentials(credentials: RoleCredentials) -> str:
    document = {
        "Code": "Success",
        "LastUpdated": _iso(credentials.updated_at),
        "Type": "AWS-HMAC",
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "Token": credentials.token,
        "Expiration": _iso(credentials.expires_at),
    }
    return json.dumps(document, indent=2)


def _events(notice: SpotNotice | None) -> Tree:
    events: Tree = {"maintenance": {"history": "[]", "scheduled": "[]"}}
    if notice is not None and notice.rebalance_at is not None:
        events["recommendations"] = {"rebalance": json.dumps({"noticeTime": _iso(notice.rebalance_at)})}
    return events


def _spot(notice: SpotNotice | None) -> Tree:
    if notice is None or notice.action is None:
        return {}
    when = _iso(notice.action_at)
    spot: Tree = {"instance-action": json.dumps({"action": notice.action, "time": when})}
    if notice.action == "terminate":
        spot["termination-time"] = when
    return {"spot": spot}


def _tags(instance: Instance) -> Tree:
    if instance.metadata.instance_tags != "enabled":
        return {}
    return {"tags": {"instance": {key: value for key, value in instance.tags.items() if not key.startswith("aws:")}}}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(body: str) -> Answer:
    return Answer(status=200, body=body.encode())


def _not_found() -> Answer:
    return _refusal(404, "Not Found")


def _refusal(status: int, title: str) -> Answer:
    page = (
        '<?xml version="1.0" encoding="iso-8859-1"?>\n'
        f"<html><head><title>{status} - {title}</title></head><body><h1>{status} - {title}</h1></body></html>"
    )
    return Answer(status=status, body=page.encode(), content_type="text/html")
