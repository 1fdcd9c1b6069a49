"""A machine with an HTCondor pool of its own, which is no instance: one container on a network of its own.

It has a central manager, a schedd and a startd, users `alice` (who may use sudo) and `bob`, and an address behind this
machine; HTCondor is the container's first process, or a service of systemd's as Debian's package has it. What Roost
needs of Python is this machine's, mounted at the same paths: roost runs there as it does on any submit host.
"""

import ipaddress
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
SOURCE = CHECKOUT / "src"
NAME = "submit.physics.example"
# What an administrator's own files may hold.
CONFIG = """\
use ROLE:CentralManager
use ROLE:Submit
use ROLE:Execute
CONDOR_HOST = $(FULL_HOSTNAME)
UID_DOMAIN = physics.example
TRUST_DOMAIN = physics.example
NUM_CPUS = 1
MEMORY = 512
ENABLE_IPV6 = False
NEGOTIATOR_INTERVAL = 1
NEGOTIATOR_MIN_INTERVAL = 1
NEGOTIATOR_CYCLE_DELAY = 1
SCHEDD_INTERVAL = 2
SCHEDD_MIN_INTERVAL = 1
UPDATE_INTERVAL = 5
"""
_PREPARE = """\
chmod a+x /root
for user in alice bob; do useradd --create-home --shell /bin/bash $user; done
echo 'alice ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/alice
"""
# What systemd would do, without systemd.
_START = """\
install -d -o condor -g condor /run/condor /run/lock/condor
exec condor_master -f
"""
# It is no machine of a cloud.
_BOOT = """\
systemctl --quiet enable condor
touch /etc/cloud/cloud-init.disabled
exec /sbin/init
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolHost:
    container: str
    namespace: str
    link: str
    address: str
    gateway: str  # this machine, on that network

    def __call__(
        self,
        *argv: str,
        user: str = "root",
        feed: str = "",
        timeout_s: float = 120,
        env: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """A command there, whatever its exit code."""
        settings = [word for name, value in (env or {}).items() for word in ("--env", f"{name}={value}")]
        home = "/root" if user == "root" else f"/home/{user}"
        return subprocess.run(
            ["podman", "exec", "-i", *settings, "--user", user, "--workdir", home, self.container, *argv],
            input=feed,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    def out(self, *argv: str, user: str = "root", feed: str = "") -> str:
        done = self(*argv, user=user, feed=feed)
        assert done.returncode == 0, f"{argv}: {done.stdout} {done.stderr}"
        return done.stdout

    def roost(
        self,
        *argv: str,
        user: str = "root",
        env: Mapping[str, str] | None = None,
        timeout_s: float = 240,
        pid_file: str = "",
    ) -> "subprocess.CompletedProcess[str]":
        """`pid_file`: where its process id is to be written, for whoever wants to kill it."""
        # Not the virtual environment's own link, which may lead to the other machine's Python.
        packages = f"{SOURCE}:{sysconfig.get_path('purelib')}"
        environment = {"PYTHONPATH": packages, "TERM": "dumb", "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        python = str(Path(sys.executable).resolve())
        noted = ("sh", "-c", 'echo $$ > "$0"; exec "$@"', pid_file) if pid_file else ()
        return self(*noted, python, "-m", "roost", *argv, user=user, env=environment, timeout_s=timeout_s)


def started(
    image: str,
    *,
    number: int,
    public_network: str,
    router_source: str,
    config: str = CONFIG,
    boots_systemd: bool = False,
) -> PoolHost:
    """`number` keeps hosts of several services apart; `router_source` is this machine as instances see it."""
    network = ipaddress.ip_network("198.51.100.0/24")
    gateway, address = str(network[number * 4 + 1]), str(network[number * 4 + 2])
    host = PoolHost(
        container=f"roost-pool-host-{number}-{os.getpid()}",
        namespace=f"roost-pool-host-{number}",
        link=f"rph{number}",
        address=address,
        gateway=gateway,
    )
    ended(host)
    _run("ip", "netns", "add", host.namespace)
    _run(*f"ip link add {host.link} type veth peer name eth0 netns {host.namespace}".split())
    _run(*f"ip addr add {gateway}/30 dev {host.link}".split())
    _run(*f"ip link set {host.link} up".split())
    inside = ["ip", "-n", host.namespace]
    for words in (
        "link set lo up",
        f"addr add {address}/30 dev eth0",
        "link set eth0 up",
        f"route add default via {gateway}",
    ):
        _run(*inside, *words.split())
    # Its way to EC2 is a NAT's: instances see this machine.
    _run(
        "nft",
        "-f",
        "-",
        feed=f"table ip {host.namespace} {{ chain out {{ type nat hook postrouting priority srcnat - 10; policy accept;"
        f" ip saddr {address} ip daddr {public_network} snat to {router_source}; }}; }}\n",
    )
    hybrid = Path("/sys/fs/cgroup/unified")
    runtime = ["--runtime", "runc"] if hybrid.is_dir() else []
    init: tuple[str, ...] = ()
    if boots_systemd:
        init = ("--systemd=always", *(("--volume", f"{hybrid}:/sys/fs/cgroup:rw") if hybrid.is_dir() else ()))
    script = _PREPARE + (_BOOT if boots_systemd else _START)
    mounts = [word for path in _python() for word in ("--volume", f"{path}:{path}:ro")]
    _run(
        *("podman", *runtime, "run", "--detach", "--name", host.container, "--hostname", NAME, *init),
        *("--ulimit", "nofile=1024:20000", "--ulimit", "nproc=4096:4096"),
        # a resolver that refuses at once: daemons look up whoever calls them
        *(
            "--add-host",
            f"{NAME}:{address}",
            "--dns",
            "127.0.0.1",
            "--network",
            f"ns:/run/netns/{host.namespace}",
            *mounts,
        ),
        *(image, "sh", "-c", f"cat > /etc/condor/config.d/50-site.config <<'END'\n{config}END\n{script}"),
    )
    deadline = time.monotonic() + 90
    while not host("condor_status", "-schedd", "-af", "Name").stdout.strip():
        assert time.monotonic() < deadline, host("sh", "-c", "tail -n 20 /var/log/condor/*Log").stdout
        time.sleep(0.3)
    return host


def _python() -> list[str]:
    """Roost, its libraries and the interpreter that runs this test: another one than that of the machine there."""
    interpreter = [sys.base_prefix]
    if sys.base_prefix == "/usr":  # of this machine's distribution: only what is Python's
        interpreter = [str(Path(sys.executable).resolve()), sysconfig.get_path("stdlib")]
    return list(dict.fromkeys([str(CHECKOUT), sys.prefix, *interpreter]))


def ended(host: PoolHost) -> None:
    subprocess.run(
        ["podman", "rm", "--force", "--ignore", "--time", "1", host.container], capture_output=True, check=False
    )
    for argv in (
        ["nft", "delete", "table", "ip", host.namespace],
        ["ip", "link", "del", host.link],
        ["ip", "netns", "del", host.namespace],
    ):
        subprocess.run(argv, capture_output=True, check=False)


def _run(*argv: str, feed: str = "") -> None:
    done = subprocess.run(argv, input=feed, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{' '.join(argv)[:300]}: {done.stderr}"
