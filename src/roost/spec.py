"""pure: pool.yml -> PoolSpec (frozen). Every key, every default and every mistake a user can make in one file.

All mistakes are reported at once, each with its file, line and the nearest valid word.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_core import PydanticCustomError

from roost.errors import UsageError
from roost.yaml_lines import Document, did_you_mean, parse_yaml

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_PACKAGE = r"^[a-z0-9][a-z0-9.+-]+$"  # Debian policy manual, 5.6.7
_NAME = r"^[a-z][a-z0-9-]{0,30}$"
_REGION = r"^[a-z]{2}(-[a-z]+)+-\d$"
_HOST = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"
_USER = r"^[A-Za-z_][A-Za-z0-9_.-]*$"  # useradd(8); nothing that a ClassAd string could take for its end
_IMAGE = r"^ami-[0-9a-f]{8,17}$"
_SUBNET = r"^subnet-[0-9a-f]{8,17}$"
_PLACE = r"^/[a-z0-9][a-z0-9_-]{0,30}$"
_SYSTEM = {
    "bin",
    "boot",
    "dev",
    "etc",
    "home",
    "lib",
    "lib64",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "srv",
    "sys",
    "tmp",
    "usr",
    "var",
}
_BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"  # S3 User Guide, "General purpose bucket naming rules"
_PROFILE = r"^[\w+=,.@-]{1,128}$"  # IAM API reference, InstanceProfile
_TARGET = r"^(/[^/\x00]+)+$"
# What each asks for, as a sentence.
_PATTERNS = {
    _PACKAGE: "a Debian package is written like samtools or python3-numpy",
    _NAME: "a pool's name is 1 to 31 lower-case letters, digits and hyphens, and begins with a letter",
    _REGION: "a region is written like us-east-1",
    _HOST: "a host is written as an address, 192.0.2.7, or a name, submit.example.org",
    _USER: "a user is written like alice",
    _IMAGE: "an image's id is written like ami-0123456789abcdef0",
    _SUBNET: "a subnet's id is written like subnet-0123456789abcdef0",
    _PLACE: "a shared file system is a directory of its own below /, such as /shared",
    _BUCKET: "a bucket's name is 3 to 63 lower-case letters, digits, dots and hyphens",
    _PROFILE: "an instance profile is named by its name, not by its ARN",
    _TARGET: "a file's place on the image is written like /opt/reference/genes.fa",
}


def seconds(value: object) -> object:
    """A duration as people write it, in seconds; anything else is handed on for pydantic to judge.

    >>> seconds("3h"), seconds("15m"), seconds(90)
    (10800, 900, 90)
    """
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
        return round(float(found[1]) * _UNITS_S[found[2]])
    return value


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _port_range(value: str | None) -> str | None:
    if value is None:
        return None
    found = re.fullmatch(r"(\d{4,5})-(\d{4,5})", value)
    if not found or not 1024 < int(found[1]) < int(found[2]) < 65536:
        raise PydanticCustomError("ports", "a range of ports is written like 40000-40050, from 1025 to 65535")
    return value


def _of_kind(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


Duration = Annotated[int, BeforeValidator(seconds), Field(ge=60, le=14 * 86400)]
User = Annotated[str, Field(pattern=_USER)]
Package = Annotated[str, Field(pattern=_PACKAGE)]
Target = Annotated[str, Field(pattern=_TARGET)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Workers(_Part):
    """The execution points: how many, and the instance types to try, in this order."""

    count: int = Field(default=2, ge=1, le=1000, strict=True)  # `true` is no number here
    type: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)] = (
        "c7i.large",
        "c6i.large",
        "m7i.large",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Mentioned:
    """A file or directory that a recipe names."""

    path: Path  # here
    target: str  # on the image; of the script: none
    at: str  # where it is named: pool.yml:7


class Image(_Part):
    """What is on the instances' disk: an image that exists (`id`), or a recipe: Debian packages on top of HTCondor,
    files (path here, relative to pool.yml -> path there) and a script that root runs there."""

    packages: tuple[Package, ...] = ()
    files: dict[str, Target] = {}
    script: str | None = None
    base: str | None = Field(default=None, pattern=_IMAGE)
    id: str | None = Field(default=None, pattern=_IMAGE)
    _directory: Path = PrivateAttr(default=Path())
    _places: tuple[tuple[str, str], ...] = PrivateAttr(default=())  # (what is named, where)

    @property
    def mentioned_files(self) -> tuple[Mentioned, ...]:
        return tuple(self._mentioned(name, self.files[name]) for name in sorted(self.files))

    @property
    def mentioned_script(self) -> Mentioned | None:
        return self._mentioned(self.script, "") if self.script is not None else None

    def located(self, document: Document, directory: Path) -> "Image":
        """The same, which knows where its files are and in which line they are named."""
        named = [(name, ("image", "files", name)) for name in self.files]
        located = self.model_copy()
        located._directory = directory
        located._places = tuple((name, document.at(path)) for name, path in named) + (
            ((self.script, document.at(("image", "script"))),) if self.script is not None else ()
        )
        return located

    def _mentioned(self, name: str, target: str) -> Mentioned:
        return Mentioned(path=self._directory / name, target=target, at=dict(self._places).get(name, "image"))


class Network(_Part):
    """How execution points are reached: they call out, or are called at their own address."""

    mode: Literal["auto", "outbound", "direct"] = "auto"
    ports: Annotated[str | None, AfterValidator(_port_range)] = None  # for direct mode; None: the one shared port

    @property
    def port_range(self) -> tuple[int, int] | None:
        """First and last."""
        if self.ports is None:
            return None
        first, _, last = self.ports.partition("-")
        return int(first), int(last)


class Shared(_Part):
    """What all instances see under one path, or none of that: HTCondor moves each job's files by itself."""

    kind: Literal["none", "gluster", "nfs", "efs", "s3"] = "none"
    at: str = Field(default="/shared", pattern=_PLACE)
    layout: Literal["distribute", "replica"] = "distribute"  # of gluster
    copies: int = Field(default=2, ge=2, le=4, strict=True)  # of each file, with layout replica
    bucket: str | None = Field(default=None, pattern=_BUCKET)  # of s3
    profile: str | None = Field(default=None, pattern=_PROFILE)  # of s3: the access point's instance profile


class PoolSpec(_Part):
    """A pool as its user wants it. Durations are seconds."""

    name: str = Field(default="roost", pattern=_NAME)
    cloud: Literal["local", "aws"] = "local"
    region: str = Field(default="us-east-1", pattern=_REGION)
    subnet: str | None = Field(default=None, pattern=_SUBNET)  # None: the region's default VPC
    access_point: Literal["cloud", "here"] = "cloud"
    access_point_type: str = "t3.medium"
    submit_host: str | None = Field(default=None, pattern=_HOST)
    owners: Annotated[tuple[User, ...], BeforeValidator(_listed)] = ()
    workers: Workers = Workers()
    image: Image = Image()
    network: Network = Network()
    shared: Annotated[Shared, BeforeValidator(_of_kind)] = Shared()
    lease: Duration = 3 * 3600
    idle: Duration = 15 * 60
    condor_config: str = ""
    _read_from: Document | None = PrivateAttr(default=None)  # where `condor_config` is written

    def condor_config_at(self, line: int | None) -> str:
        """`file:line` of a line of `condor_config`, as the start of a sentence about a mistake in it.

        >>> parse("name: a\\ncondor_config: |\\n  A = 1\\n  B = 2\\n", Path("pool.yml")).condor_config_at(2)
        'pool.yml:4'
        """
        if self._read_from is None:
            return "condor_config" if line is None else f"condor_config, line {line}"
        path = ("condor_config",)
        number = self._read_from.line(path) if line is None else self._read_from.line_of_text(path, line)
        return f"{self._read_from.source}:{number}"

    @property
    def instance_types(self) -> tuple[str, ...]:
        """Every type that may be launched."""
        return (*((self.access_point_type,) if self.access_point == "cloud" else ()), *self.workers.type)


def parse(text: str, source: Path) -> PoolSpec:
    """The spec that `text` (of the file `source`) asks for. Raises UsageError with every mistake in it."""
    document = parse_yaml(text, str(source))
    if document.value is None:
        return PoolSpec()
    if not isinstance(document.value, dict):
        raise UsageError(f"{document.at(())}: a pool is a list of `key: value` lines", f"edit {source}")
    try:
        spec = PoolSpec.model_validate(document.value)
    except ValidationError as error:
        mistakes = sorted((_mistake(document, dict(e)) for e in error.errors()), key=lambda m: m[0])
        raise UsageError("\n".join(text for _, text in mistakes), f"edit {source}") from error
    disagreements = sorted((document.line(path), f"{document.at(path)}: {said}") for path, said in _shared_wrong(spec))
    if disagreements:
        raise UsageError("\n".join(text for _, text in disagreements), f"edit {source}")
    if spec.condor_config:
        spec._read_from = document
    if spec.image.files or spec.image.script is not None:
        return spec.model_copy(update={"image": spec.image.located(document, source.parent)})
    return spec


def named(word: str) -> PoolSpec:
    """The spec of which only the name is known. Raises UsageError for what no pool can be called.

    >>> named("galaxy").name
    'galaxy'
    """
    if not re.fullmatch(_NAME, word):
        raise UsageError(f"'{word}' names no pool: {_PATTERNS[_NAME]}", "a pool's name, or a file that ends in .yml")
    return PoolSpec(name=word)


def _shared_wrong(spec: PoolSpec) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path, sentence) for each key of `shared` that does not go with another one."""
    shared, given = spec.shared, spec.shared.model_fields_set
    of = {"layout": "gluster", "copies": "gluster", "bucket": "s3", "profile": "s3"}
    for key in sorted(given & of.keys()):
        if shared.kind != of[key]:
            yield ("shared", key), f"'{key}' is a matter of `kind: {of[key]}`, and this is `kind: {shared.kind}`"
    if shared.at.removeprefix("/") in _SYSTEM:
        yield ("shared", "at"), f"'at' cannot be '{shared.at}': {_PATTERNS[_PLACE]}"
    if shared.kind in ("gluster", "nfs") and spec.access_point == "here":
        yield (
            ("shared",),
            f"'shared' of kind {shared.kind} needs an access point that is an instance: it brings it about",
        )
    if shared.profile and spec.access_point == "here":
        yield (
            ("shared", "profile"),
            "'profile' is that of an access point that is an instance",
        )
    if shared.kind == "s3" and shared.bucket is None:
        yield ("shared",), "'shared' of kind s3 needs the name of a bucket: `bucket: ...`"
    if shared.kind == "gluster" and "copies" in given and shared.layout == "distribute":
        yield ("shared", "copies"), "'copies' is a matter of `layout: replica`: distribute keeps one of each file"
    if shared.kind == "gluster" and shared.layout == "replica" and spec.workers.count % shared.copies:
        yield (
            ("workers", "count"),
            f"'count' cannot be {spec.workers.count}: {shared.copies} copies of each file need a multiple of"
            f" {shared.copies} execution points",
        )


def _mistake(document: Document, error: dict[str, Any]) -> tuple[int, str]:
    """(line, sentence) for one of pydantic's errors."""
    path: tuple[str | int, ...] = tuple(error["loc"])
    key, given = _spelt(path), error.get("input")
    match error["type"]:
        case "invalid_key" | "extra_forbidden":
            key, path = str(path[-1]), (*path[:-1], str(path[-1]))
            said = f"unknown key '{key}'{did_you_mean(key, _keys(path[:-1]))}"
        case "literal_error":
            valid = [word.strip("'") for word in re.findall(r"'[^']*'", error["ctx"]["expected"])]
            said = f"'{key}' cannot be '{given}'{did_you_mean(str(given), valid)}"
        case "string_pattern_mismatch":
            said = f"'{key}' cannot be '{given}': {_PATTERNS[error['ctx']['pattern']]}"
        case "int_parsing" | "int_type" if key in {"lease", "idle"}:
            said = f"'{key}' cannot be '{given}': write a duration as 90s, 15m, 3h or 2d"
        case "greater_than_equal" | "less_than_equal" if key in {"lease", "idle"}:
            said = f"'{key}' cannot be '{given}': it has to be between 1m and 14d"
        case "greater_than_equal":
            said = f"'{key}' cannot be {given!r}: it has to be at least {error['ctx']['ge']}"
        case "less_than_equal":
            said = f"'{key}' cannot be {given!r}: it has to be at most {error['ctx']['le']}"
        case "int_parsing" | "int_type" | "int_from_float":
            said = f"'{key}' cannot be '{given}': it has to be a whole number"
        case "dict_type":
            said = f"'{key}' cannot be {given!r}: it has lines of its own below it, indented: `path here: /path there`"
        case "string_type":
            said = f"'{key}' cannot be {given!r}: it has to be text (in quotes, where YAML takes it for something else)"
        case "too_short":
            said = f"'{key}' cannot be empty"
        case "model_type":
            said = f"'{key}' cannot be {given!r}: it has lines of its own below it, indented: {', '.join(_keys(path))}"
        case _:
            detail = error["msg"][0].lower() + error["msg"][1:]
            said = f"'{key}' cannot be {given!r}: {detail}"
    return document.line(path), f"{document.at(path)}: {said}"


def _spelt(path: tuple[str | int, ...]) -> str:
    """The name of a place: its key, and which item where that is a list.

    >>> _spelt(("image", "packages", 1)), _spelt(("lease",))
    ('packages[1]', 'lease')
    """
    last = max((at for at, step in enumerate(path) if isinstance(step, str)), default=0)
    return str(path[last]) + "".join(f"[{step}]" for step in path[last + 1 :])


def _keys(path: tuple[str | int, ...]) -> list[str]:
    """The valid keys of the part of the spec at `path`."""
    part: Any = PoolSpec
    for step in path:
        part = part.model_fields[step].annotation if isinstance(step, str) and step in part.model_fields else None
        if part is None:
            return []
    return list(part.model_fields)
