"""pure: (pool, role, settings) -> the cloud-config an instance is launched with.

It carries the node programs and the instructions as JSON; nothing is downloaded at boot. One document serves every
instance of a launch. It holds no long-lived secret: the joining token expires within minutes. The whole is compressed,
which cloud-init undoes by itself ("User data formats", gzip compressed content).
"""

import ast
import gzip
import json
import re
from collections.abc import Mapping
from importlib import resources

from roost.boot.roles import Role
from roost.boot.settings import PROGRAMS, BootSettings, Instructions, Intervals, Joining, Shape, instructions_json
from roost.errors import UsageError

__all__ = ["LIMIT_BYTES", "BootSettings", "Intervals", "Joining", "Shape", "user_data"]

LIMIT_BYTES = 16_384  # of EC2, before base64 (User Guide, "Run commands when you launch an EC2 instance")

# What an instance runs, as paths below `roost/boot`: standard library only.
SHIPPED = (
    "roles.py",
    "settings.py",
    "network.py",
    "facts.py",
    "condor_config.py",
    "execution_point.py",
    "node/system.py",
    "node/timeline.py",
    "node/metadata.py",
    "node/probe.py",
    "node/contextualise.py",
    "node/own_token.py",
    "node/watch.py",
    "node/approve_tokens.py",
)
# ... and where the pool shares something, by its kind.
_SHARE = ("shared_fs.py", "node/shared.py")
SHIPPED_TO_SHARE = {
    "gluster": (*_SHARE, "gluster.py", "node/shared_look.py", "node/gluster_peers.py"),
    "nfs": (*_SHARE, "node/nfs.py"),
    "efs": (*_SHARE, "node/nfs.py"),
    "s3": ("node/s3_keys.py",),
}
# Room is scarce: what the programs of one role run, the other one does without.
_NOT_SHIPPED = {
    Role.ACCESS_POINT: {"execution_point.py", "node/own_token.py", "node/shared_look.py"},
    Role.EXECUTION_POINT: {"node/approve_tokens.py", "node/gluster_peers.py", "gluster.py"},
}

# `bootcmd` is the earliest hook of a cloud-config (cloud-init's network stage), and the only list that runs at every
# boot. It ends before systemd's sysinit.target, that is before any service: HTCondor needs no restart and loses no
# time. `write_files` and `runcmd` run once per instance, and after condor.service has started.
_UNPACK = f"""\
import json, os, pathlib, sys
os.umask(0o077)
state = pathlib.Path("/var/lib/roost")
state.mkdir(parents=True, exist_ok=True)
(state / "instructions.json").write_text(sys.argv[2])
os.umask(0o022)
for name, text in json.loads(sys.argv[1]).items():
    path = pathlib.Path("{PROGRAMS}", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
os.environ["PYTHONPATH"] = "{PROGRAMS}"
os.execvp("python3", ["python3", "-m", "roost.boot.node.contextualise"])
"""


def user_data(
    *, pool: str, role: Role, types: Mapping[str, Shape], settings: BootSettings, joining: Joining | None
) -> bytes:
    """A gzip-compressed cloud-config, at most 16 KiB; UsageError when the settings make it longer."""
    instructions = Instructions(pool=pool, role=role, types=types, settings=settings, joining=joining)
    cloud_config = {
        "bootcmd": [["python3", "-c", _UNPACK, programs(role, settings), instructions_json(instructions)]],
        "manage_etc_hosts": False,  # Debian's cloud images would point the host's name at 127.0.1.1
        "ssh_genkeytypes": ["ed25519"],  # the first boot does not wait for an RSA key
        "user": {"name": "debian"},  # whom ssh lets in; Debian's own images for EC2 have `admin`
    }
    # JSON is YAML: no writer of YAML decides how a token is quoted
    text = "#cloud-config\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in cloud_config.items())
    compressed = gzip.compress(text.encode(), mtime=0)
    size = len(compressed)
    if size > LIMIT_BYTES:
        raise UsageError(
            f"the compressed user data of each {role} of the pool {pool} has {size} bytes; "
            f"EC2 takes at most {LIMIT_BYTES}",
            f"shorten condor_config ({len(settings.condor_config.encode())} bytes) or the list of worker types "
            f"({len(types)}) by some {size - LIMIT_BYTES} bytes",
        )
    return compressed


def shipped(role: Role, settings: BootSettings) -> tuple[str, ...]:
    """What such an instance runs."""
    names = (*SHIPPED, *(SHIPPED_TO_SHARE[settings.sharing.kind] if settings.sharing else ()))
    return tuple(name for name in names if name not in _NOT_SHIPPED[role])


def programs(role: Role, settings: BootSettings) -> str:
    """The node programs as JSON: path -> text."""
    boot = resources.files("roost.boot")
    names = shipped(role, settings)
    texts = {f"roost/boot/{name}": without_words(boot.joinpath(*name.split("/")).read_text()) for name in names}
    return json.dumps(texts)


def without_words(source: str) -> str:
    """A program without what only people and mypy read: a third of its size, which is better spent on `condor_config`.

    >>> without_words("def add(a: int, b: int) -> int:\\n    'The sum.'\\n    return a + b  # why\\n")
    'def add(a, b):\\n return a + b'
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() if ast.get_docstring(node) is not None:
                node.body = node.body[1:] or [ast.Pass()]
            case ast.arg():
                node.annotation = None
        if isinstance(node, ast.FunctionDef):
            node.returns = None
    # `unparse` writes a string on one line, whatever is in it: what a line begins with is indentation
    return re.sub(r"^ +", lambda found: " " * (len(found[0]) // 4), ast.unparse(tree), flags=re.MULTILINE)
