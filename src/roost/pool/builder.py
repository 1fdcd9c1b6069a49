"""shell (AccessPoint): the machine that becomes an image: packages, files, a script; then cleaned, and looked through.

In: a machine that is reached by ssh as a user who may become root. Out: what is installed, what was removed. Raises
RoostError in the words of what failed there.
"""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from roost.boot import builder, image_programs
from roost.errors import RoostError
from roost.pool.access_point import AccessPoint
from roost.spec import Image

Say = Callable[[str], None]
_CLEANING_TIMEOUT_S = 1800.0  # every file of the disk is read
_COPYING_TIMEOUT_S = 3600.0
_LAST_LINES = 12


def install(machine: AccessPoint, image: Image, packages: Sequence[str], *, say: Say) -> None:
    """All that the recipe asks for, in this order: packages, files, the script."""
    wanted = [*builder.REQUIRED, *(name for name in packages if name not in builder.REQUIRED)]
    say(f"install {', '.join(wanted)}")
    _followed(machine, builder.install(wanted), "install the packages", _apt_lines(say))
    files = image.mentioned_files
    if files:
        say(f"copy {', '.join(each.target for each in files)}")
        machine.put(
            {f"{builder.STAGING}/{number}": each.path for number, each in enumerate(files)},
            timeout_s=_COPYING_TIMEOUT_S,
        )
        _require(machine, builder.place_files([each.target for each in files]), "put the files in their places")
    script = image.mentioned_script
    if script:
        say(f"run {script.path}")
        machine.put({f"{builder.STAGING}/script": script.path})
        _followed(machine, builder.run_script(), f"run {script.path}", say)


def installed(machine: AccessPoint) -> dict[str, str]:
    """Packages with their versions. Raises RoostError where HTCondor is not one of them."""
    found = builder.packages(_require(machine, builder.list_packages(), "list the packages"))
    if "condor" not in found:
        raise RoostError("HTCondor is not on this machine: no pool could use the image", "install the package condor")
    return found


def put_boot_programs(machine: AccessPoint) -> None:
    """What makes an image understand user data by itself (see `roost.boot.image_programs`), and lets `debian` in."""
    texts = {**image_programs.files(), **builder.CLOUD_CONFIG}
    with tempfile.TemporaryDirectory(prefix="roost-") as directory:
        local = {target: Path(directory, str(number)) for number, target in enumerate(texts)}
        for target, path in local.items():
            path.write_text(texts[target])
        machine.put({f"{builder.STAGING}/{number}": path for number, path in enumerate(local.values())})
    _require(machine, builder.place_files(list(local)), "install the boot programs")
    _require(machine, builder.disable(image_programs.DISABLED_UNITS), "disable HTCondor's own start")


def removable(machine: AccessPoint) -> Mapping[str, int]:
    """What a cleaning would remove, and how many files of it."""
    found: dict[str, int] = json.loads(_cleaning(machine, "list"))
    return found


def clean(machine: AccessPoint, *, say: Say) -> None:
    told: dict[str, int] = json.loads(_cleaning(machine, "clean"))
    say(f"removed: {', '.join(told) or 'nothing'}")


def set_aside(machine: AccessPoint, *, for_s: int) -> None:
    """The same for a machine that goes on working: it has all back at `put_back`, or by itself when `keep_aside` was
    not said for `for_s`."""
    _require(machine, builder.arm_put_back(for_s), "prepare the way back", input=builder.cleaning_program())
    _cleaning(machine, "set-aside")


def keep_aside(machine: AccessPoint) -> None:
    """To be said all the time meanwhile. Raises RoostError when it was put back: what is copied holds it again."""
    _require(machine, builder.keep_aside(), "keep apart what belongs to the instance alone")


def put_back(machine: AccessPoint) -> None:
    _require(machine, builder.put_back(), "put back what was set aside")


def refuse_secrets(machine: AccessPoint, *, allowed: Sequence[str]) -> None:
    """Raises RoostError with the list, where a secret would be on the image."""
    found = json.loads(_cleaning(machine, "scan", *allowed))
    if found:
        listed = "".join(f"\n  {each['path']}: {each['what']}" for each in found)
        raise RoostError(
            f"no image is made, for whoever gets it would have this:{listed}",
            "remove it there, or in the recipe's script; `--not-secret PATH` where it is none",
        )


def settle(machine: AccessPoint) -> None:
    _require(machine, builder.finish(), "write everything to the disk")


def _cleaning(machine: AccessPoint, *arguments: str) -> str:
    done = machine.run(builder.cleaning(*arguments), input=builder.cleaning_program(), timeout_s=_CLEANING_TIMEOUT_S)
    if done.exit_code != 0:
        said = done.stderr.strip().splitlines() or [f"exit code {done.exit_code}"]
        raise RoostError(f"the cleaning program failed ({arguments[0]}): {said[-1]}")
    return done.stdout


def _require(machine: AccessPoint, argv: Sequence[str], what: str, *, input: bytes | None = None) -> str:
    done = machine.run(argv, input=input, timeout_s=_CLEANING_TIMEOUT_S)
    if done.exit_code != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.exit_code}"]
        raise RoostError(f"could not {what}: {said[-1]}")
    return done.stdout


def _followed(machine: AccessPoint, argv: Sequence[str], what: str, say: Say) -> None:
    """Its lines as they come; the last ones in the error."""
    last: list[str] = []
    try:
        for line in machine.lines(argv):
            last = [*last, line][-_LAST_LINES:]
            say(f"  {line}")
    except RoostError as error:
        words = "".join(f"\n  {line}" for line in last)
        raise type(error)(f"could not {what} on the builder: {error.message}{words}", "") from error


def _apt_lines(say: Say) -> Say:
    """The few of apt's lines that tell how far it is."""

    def chosen(line: str) -> None:
        if line.strip().startswith(("Setting up", "Fetched", "E:", "W:", "Err:")):
            say(line)

    return chosen
