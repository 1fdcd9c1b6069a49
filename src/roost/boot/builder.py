"""pure: what a builder is told, and what Roost runs on it by ssh: from a base image to one that is a pool's own.

Each command is an argument list for that machine. Packages come from the archives that the base image names.
"""

import gzip
import json
import shlex
from collections.abc import Sequence
from importlib import resources

REQUIRED = ("condor", "nftables")  # of every execution and access point
CLEANING = "node/clean.py"  # fed to a builder by ssh
USER = "debian"  # Debian's own images for EC2 have `admin`
STAGING = f"/home/{USER}/.roost-bake"
# On the image, so that its instances have it whatever they are told (cloud-init: "Users and Groups", default_user).
CLOUD_CONFIG = {"/etc/cloud/cloud.cfg.d/80-roost.cfg": f"system_info: {{default_user: {{name: {USER}}}}}\n"}
_IDLE_WORK = ("apt-daily.timer", "apt-daily-upgrade.timer", "unattended-upgrades.service", "dpkg-db-backup.timer")
_PUT_BACK = "roost-put-back"
_KEPT_PROGRAM = "/run/roost-clean.py"
_SET_ASIDE = "/run/roost-set-aside.tar"  # of the cleaning program's
_WORD = "/run/roost-set-aside-word"
_HAD_CONDOR = "/run/roost-had-condor"
# The watch would count the time without HTCondor, and end the instance: it goes on when the collector lists it again.
_PUT_BACK_NOW = f"""\
python3 {_KEPT_PROGRAM} put-back || exit 1
if [ -e {_HAD_CONDOR} ]; then
    systemctl start condor.service
    for _ in $(seq 60); do
        condor_status -startd -af Name 2>/dev/null | grep -q "$(hostname -s)" && break
        sleep 1
    done
    rm -f {_HAD_CONDOR}
fi
systemctl kill --signal=SIGCONT roost-watch.service 2>/dev/null
true
"""
_APT = "-q -o=Acquire::Retries=3 -o=DPkg::Lock::Timeout=300 -o=Dpkg::Use-Pty=0"


def user_data(lease_s: int) -> bytes:
    """A cloud-config: the builder ends itself after `lease_s`, counted again from each boot."""
    end = "printf 'roost: the lease ends, powering off\\r\\n' > /dev/console; systemctl poweroff"
    timer = ["systemd-run", "--unit=roost-lease", f"--on-active={lease_s}s"]
    cloud_config = {
        "bootcmd": [[*timer, "--timer-property=DefaultDependencies=no", "sh", "-c", end]],
        "ssh_genkeytypes": ["ed25519"],
        "user": {"name": USER},
    }
    text = "#cloud-config\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in cloud_config.items())
    return gzip.compress(text.encode(), mtime=0)


def wait_for_cloud_init() -> list[str]:
    """Its own packages and users are there; whatever it thinks of itself."""
    return ["sh", "-c", "cloud-init status --wait >/dev/null 2>&1; true"]


def install(packages: Sequence[str]) -> list[str]:
    """Prints apt's lines. Tried three times: an archive may be updated while it is read.

    No service is started by an installation: HTCondor's first start is that of a pool. Small images have no manual
    pages and no directory for them, without which Java's package cannot be set up.
    """
    wanted = shlex.join(packages)
    script = f"""\
set -u
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
mkdir -p /usr/share/man/man1
code=1
for pause in 2 10 0; do
    apt-get update {_APT} && apt-get install {_APT} --yes --no-install-recommends {wanted} && code=0 && break
    code=$?
    sleep $pause
done
rm -f /usr/sbin/policy-rc.d
exit $code
"""
    return _as_root(script)


def disable(units: Sequence[str]) -> list[str]:
    """They no longer start by themselves, and apt looks for nothing at a boot."""
    apart = "".join(f"systemctl disable {unit} 2>/dev/null || true\n" for unit in _IDLE_WORK)
    return _as_root(f"{apart}systemctl disable {shlex.join(units)}")


def place_files(targets: Sequence[str]) -> list[str]:
    """What was sent to `STAGING`/0, /1, ... goes to its place, as root's."""
    steps = ["set -eu"]
    for number, target in enumerate(targets):
        staged = f"{STAGING}/{number}"
        steps += [
            f"mkdir -p -- {shlex.quote(target.rpartition('/')[0] or '/')}",
            f"chown -R root:root {staged}",
            f"rm -rf -- {shlex.quote(target)}",
            f"mv -T -- {staged} {shlex.quote(target)}",
        ]
    return _as_root("\n".join(steps))


def run_script() -> list[str]:
    """The recipe's script, sent to `STAGING`/script; as root, by what its first line names."""
    return _as_root(
        f'cd / && chmod 755 {STAGING}/script && export HOME=/root DEBIAN_FRONTEND=noninteractive && "{STAGING}/script"'
    )


def finish() -> list[str]:
    """Nothing of ours stays, and what is written is on the disk."""
    return _as_root(
        f"rm -rf {STAGING}; mkdir -p /run/systemd/system/systemd-random-seed.service.d && "
        # the shutdown before the disk is copied shall not save a seed for everybody
        "printf '[Service]\\nExecStop=\\n' > /run/systemd/system/systemd-random-seed.service.d/roost.conf && "
        "systemctl daemon-reload; sync"
    )


def list_packages() -> list[str]:
    return ["dpkg-query", "--show", "--showformat=${Package}=${Version} ${db:Status-Abbrev}\n"]


def packages(printed: str) -> dict[str, str]:
    """Installed packages with their versions.

    >>> packages("bwa=0.7.18-1 ii \\nold=1 rc \\n")
    {'bwa': '0.7.18-1'}
    """
    found = {}
    for line in printed.splitlines():
        named, _, status = line.partition(" ")
        name, _, version = named.partition("=")
        if status.startswith("ii"):
            found[name] = version
    return found


def cleaning(*arguments: str) -> list[str]:
    """`CLEANING` with these arguments; the program is its standard input."""
    return ["sudo", "-n", "python3", "-", *arguments]


def cleaning_program() -> bytes:
    return resources.files("roost.boot").joinpath(*CLEANING.split("/")).read_bytes()


def arm_put_back(after_s: int) -> list[str]:
    """The program is its standard input. Who sets aside says `keep_aside` from then on; after `after_s` without a word
    everything is put back.

    HTCondor stops: what its daemons write would be on the image. It starts when all is back.
    """
    unheard = f"while [ $(( $(date +%s) - $(stat -c %Y {_WORD}) )) -lt {after_s} ]; do sleep 5; done\n"
    return _as_root(
        f"cat > {_KEPT_PROGRAM} && systemctl stop {_PUT_BACK}.service 2>/dev/null\n"
        f"systemctl is-active --quiet condor.service && touch {_HAD_CONDOR}\n"
        "systemctl kill --signal=SIGSTOP roost-watch.service 2>/dev/null\n"
        "systemctl stop condor.service\n"
        f"touch {_WORD}; systemd-run --collect --unit={_PUT_BACK} sh -c {shlex.quote(unheard + _PUT_BACK_NOW)}"
    )


def keep_aside() -> list[str]:
    """Fails when everything has been put back."""
    return _as_root(f"[ -e {_SET_ASIDE} ] && touch {_WORD}")


def put_back() -> list[str]:
    return _as_root(f"systemctl stop {_PUT_BACK}.service\n{_PUT_BACK_NOW}")


def _as_root(script: str) -> list[str]:
    return ["sudo", "-n", "sh", "-c", f"exec 2>&1\n{script}"]
