"""shell (moto): what moto does right, and the few facts of its state that instances need.

Security groups, key pairs, networks, IAM, STS, S3, SSM, launch templates and the catalogue of instance types are
moto's. Its state is one pickle per service in the world, written after each call that may change it; a pickle belongs
to moto's version and is not read by another one. moto's own instances, images and spot requests are never used.
"""

import importlib
import logging
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import moto
from moto.backends import list_of_moto_modules
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import AWSPreparedRequest, BotocoreStubber
from moto.ec2.exceptions import FilterNotImplementedError

from localec2 import protocol
from localec2.config import Config
from localec2.errors import INTERNAL_ERROR, INVALID_ACTION, INVALID_FILTER
from localec2.model import Rule, SecurityGroup
from localec2.protocol import Params, Result
from localec2.world import World

log = logging.getLogger(__name__)
_SERVICES = ("ec2", "iam", "sts", "s3", "ssm")
_HOP_BY_HOP = frozenset({"connection", "transfer-encoding"})
_NO_SUCH_HOST = "Not yet implemented"
_READS = ("Describe", "Get", "List", "Search", "Head")


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Subnet:
    id: str
    vpc_id: str
    vpc_cidr: str
    cidr: str
    zone: str
    zone_id: str
    is_default: bool
    gives_public_ip: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceType:
    name: str
    vcpus: int
    memory_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    arn: str
    id: str
    role_arn: str | None


class Moto:
    def __init__(self, world: World, config: Config) -> None:
        os.environ.setdefault("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # 1300 of them, and images are ours
        self._world = world
        self._config = config
        self._dispatcher = BotocoreStubber()
        self._groups: list[SecurityGroup] | None = None
        self._restore()

    # ---- calls

    @staticmethod
    def knows_service(service: str) -> bool:
        """Whether moto serves requests that are signed for it."""
        return service in list_of_moto_modules()

    def call(self, service: str, *, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """A request of any service but EC2. Raises `NotImplementedError` for what moto does not have."""
        answer = self._run(service, method=method, path=path, headers=headers, body=body)
        target = headers.get("X-Amz-Target", "").rpartition(".")[2]  # the action, in services that speak JSON
        if method not in ("GET", "HEAD") and not target.startswith(_READS):
            self._save()
        return answer

    def ec2(self, action: str, form: Mapping[str, str]) -> Answer:
        """An EC2 request that is moto's. Raises `Ec2Error` for what moto does not have."""
        body = urlencode({**form, "Action": action, "Version": protocol.VERSION}).encode()
        scope = f"ANY/20260101/{self._config.region}/ec2/aws4_request"
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none",
        }
        try:
            answer = self._run("ec2", method="POST", path="/", headers=headers, body=body)
        except FilterNotImplementedError as error:
            raise INVALID_FILTER(name=str(error).split("'")[1]) from error
        except NotImplementedError as error:
            raise INVALID_ACTION(action=action) from error
        except KeyError as error:  # how some of moto's filters say that they do not know a name
            if error.args[0] not in _filter_names(form):
                raise
            raise INVALID_FILTER(name=error.args[0]) from error
        if answer.status >= 500:
            raise INTERNAL_ERROR()
        if not action.startswith(_READS):
            self._save()
        return answer

    def ask(self, action: str, params: Params) -> Result:
        """moto's answer as values. Raises `Ec2Error` as EC2 would."""
        answer = self.ec2(action, protocol.form(action, params))
        return protocol.read(action, answer.body, answer.status)

    # ---- views

    def security_groups(self) -> list[SecurityGroup]:
        with self._world.lock:
            if self._groups is None:
                self._groups = [_group(each) for vpc in self._ec2.groups.values() for each in vpc.values()]
            return self._groups

    def default_group(self, vpc_id: str) -> SecurityGroup | None:
        return next((each for each in self.security_groups() if each.vpc_id == vpc_id and each.name == "default"), None)

    def public_key(self, key_name: str) -> str | None:
        """The key pair's OpenSSH line."""
        pair = self._ec2.key_pairs.get(key_name)
        return None if pair is None else str(pair.public_key).strip()

    def subnets(self) -> list[Subnet]:
        return [self._subnet(each) for zone in self._ec2.subnets.values() for each in zone.values()]

    def instance_type(self, name: str) -> InstanceType | None:
        found = next((each for each in self._ec2.instance_types if each.get("InstanceType") == name), None)
        if found is None:
            return None
        return InstanceType(
            name=name, vcpus=found["VCpuInfo"]["DefaultVCpus"], memory_mib=found["MemoryInfo"]["SizeInMiB"]
        )

    def instance_types(self) -> dict[str, Result]:
        """The whole catalogue by name, as DescribeInstanceTypes shows it."""
        return {each["InstanceType"]: dict(each) for each in self._ec2.instance_types}

    def profile(self, *, name: str | None = None, arn: str | None = None) -> Profile | None:
        for each in self._backend("iam", "aws").get_instance_profiles():
            if (name or arn) in (each.name, each.arn):
                role = each.roles[0].arn if each.roles else None
                return Profile(arn=each.arn, id=each.id, role_arn=role)
        return None

    def launch_template(self, spec: Params) -> Params:
        """The data of a launch template's version, as parameters of RunInstances. Raises `Ec2Error`."""
        wanted: Params = {"Versions": [str(spec.get("Version") or "$Default")]}
        name: Params = {key: spec[key] for key in ("LaunchTemplateId", "LaunchTemplateName") if key in spec}
        versions = self.ask("DescribeLaunchTemplateVersions", {**name, **wanted})["LaunchTemplateVersions"]
        data: Params = versions[0]["LaunchTemplateData"]
        return data

    def role_credentials(self, role_arn: str, *, session: str) -> Mapping[str, Any]:
        """Credentials of an instance's role, that moto's IAM and STS know."""
        role = self._backend("sts", "aws").assume_role(
            region_name=self._config.region,
            role_session_name=session,
            role_arn=role_arn,
            policy=None,
            duration=21600,
            external_id=None,
        )
        self._save()
        return {
            "role_name": role_arn.rpartition("/")[2],
            "access_key_id": role.access_key_id,
            "secret_access_key": role.secret_access_key,
            "token": role.session_token,
            "expires_at": role.expiration.timestamp(),
        }

    # ---- inside

    @property
    def _ec2(self) -> Any:
        return self._backend("ec2", self._config.region)

    def _backend(self, service: str, region: str) -> Any:
        return _backends(service)[self._config.account_id][region]

    def _subnet(self, subnet: Any) -> Subnet:
        return Subnet(
            id=subnet.id,
            vpc_id=subnet.vpc_id,
            vpc_cidr=self._ec2.vpcs[subnet.vpc_id].cidr_block,
            cidr=subnet.cidr_block,
            zone=subnet.availability_zone,
            zone_id=subnet.availability_zone_id,
            is_default=bool(subnet.default_for_az),
            gives_public_ip=str(subnet.map_public_ip_on_launch).lower() == "true",
        )

    def _run(self, service: str, *, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """By the address that AWS has for the service, whatever host the client called; some have no region."""
        for host in (f"{service}.{self._config.region}.amazonaws.com", f"{service}.amazonaws.com"):
            own = {**headers, "Host": host, "X-Moto-Account-Id": self._config.account_id}
            request = AWSPreparedRequest(method, f"https://{host}{path}", own, body, False)
            found = self._dispatcher.process_request(request)
            if found is not None and found[2] != _NO_SUCH_HOST:
                return _answer(*found, has_body=method != "HEAD")
        raise NotImplementedError(f"moto has no service {service}")

    def _save(self) -> None:
        self._groups = None
        states = {service: self._pickled(service) for service in _SERVICES}
        self._world.put_blob("moto", pickle.dumps({"version": moto.__version__, "states": states}))

    def _pickled(self, service: str) -> bytes | None:
        """None for a service whose state cannot be kept."""
        regions: Mapping[str, Any] = _backends(service)[self._config.account_id]
        try:
            return pickle.dumps(dict(regions))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            log.debug("the state of %s cannot be kept: %s", service, error)
            return None

    def _restore(self) -> None:
        """Start from what the world says, and from nothing else: moto keeps its state in the process."""
        blob = self._world.blob("moto")
        kept: dict[str, Any] = pickle.loads(blob) if blob is not None else {"version": "", "states": {}}
        if kept["version"] != moto.__version__:
            if blob is not None:
                log.warning("the state of moto %s is not read by %s", kept["version"], moto.__version__)
            kept = {"states": {}}
        for service in _SERVICES:
            backends = _backends(service)
            backends.pop(self._config.account_id, None)
            state = kept["states"].get(service)
            for region, backend in (pickle.loads(state) if state else {}).items():
                dict.__setitem__(backends[self._config.account_id], region, backend)
        if not kept["states"]:
            self._admit_own_members()

    def _admit_own_members(self) -> None:
        """A default group admits its own members (VPC User Guide, "Default security groups"); moto's does not."""
        for group in self.security_groups():
            own = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group.id}]}
            self.ask("AuthorizeSecurityGroupIngress", {"GroupId": group.id, "IpPermissions": [own]})


def _backends(service: str) -> "BackendDict[Any]":
    found: BackendDict[Any] = getattr(importlib.import_module(f"moto.{service}.models"), f"{service}_backends")
    return found


def _filter_names(form: Mapping[str, str]) -> set[str]:
    return {value for key, value in form.items() if key.startswith("Filter.") and key.endswith(".Name")}


def _answer(status: Any, headers: Mapping[str, Any], body: str | bytes, *, has_body: bool) -> Answer:
    """The length of a body is the server's to say, except where there is none."""
    left_out = _HOP_BY_HOP | ({"content-length"} if has_body else set())
    return Answer(
        status=int(status),
        headers=[(str(name), str(value)) for name, value in headers.items() if name.lower() not in left_out],
        body=body.encode() if isinstance(body, str) else bytes(body),
    )


def _group(group: Any) -> SecurityGroup:
    return SecurityGroup(
        id=group.id,
        name=group.name,
        vpc_id=group.vpc_id or "",
        ingress=tuple(_rule(each) for each in group.ingress_rules),
        egress=tuple(_rule(each) for each in group.egress_rules),
    )


def _rule(rule: Any) -> Rule:
    cidr, peer = rule.cidr_ipv4, rule.source_group.get("GroupId")
    return Rule(
        protocol=str(rule.ip_protocol),
        from_port=_port(rule.from_port),
        to_port=_port(rule.to_port),
        cidrs=(cidr,) if cidr else (),
        group_ids=(peer,) if peer else (),
    )


def _port(port: Any) -> int | None:
    return None if port in (None, "", -1, "-1") else int(port)
