"""shell (this machine, the localec2 program, ssh): HTCondor reads `condor_config` before anything is launched with it.

On EC2 on this machine the pool's own image reads it. For AWS this machine's HTCondor does, where there is one; it may
be of another version than the image's, so the access point reads it again, before execution points are launched.
"""

import shutil
import subprocess
from collections.abc import Sequence

from roost.boot.config_check import check, runs_programs, verdict
from roost.boot.roles import Role
from roost.cloud.endpoint import localec2
from roost.cloud.image import PoolImage
from roost.cloud.model import Action, Launch
from roost.errors import UsageError
from roost.pool.access_point import SshAccessPoint
from roost.report.reporter import Reporter
from roost.spec import PoolSpec

_TIMEOUT_S = 60.0


def before_anything(spec: PoolSpec, image: PoolImage, actions: Sequence[Action], reporter: Reporter) -> bool:
    """False: the access point is still to be asked. Raises UsageError in HTCondor's words."""
    if not spec.condor_config.strip() or not any(
        isinstance(action, Launch) and action.role is Role.EXECUTION_POINT for action in actions
    ):
        return True
    if spec.cloud == "local":
        reporter.step("HTCondor reads condor_config, on the image")
        _judge(spec, localec2(["image", "exec", image.id, "--", *check(spec.condor_config)], say=_unheard), reporter)
        return True
    if shutil.which("condor_config_val") and not runs_programs(spec.condor_config):
        reporter.step("this machine's HTCondor reads condor_config")
        argv = check(spec.condor_config)
        try:
            done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return False
        _judge(spec, done.stdout, reporter)
    return False


def on_access_point(spec: PoolSpec, access_point: SshAccessPoint, reporter: Reporter) -> None:
    """Raises UsageError in HTCondor's words: no execution point has been launched yet."""
    reporter.step("HTCondor reads condor_config, on the access point")
    try:
        _judge(spec, access_point.run(check(spec.condor_config), timeout_s=_TIMEOUT_S).stdout, reporter)
    except UsageError as error:
        hint = f"correct it and `roost up` again; `roost down {spec.name}` ends the access point"
        raise UsageError(error.message, hint) from error


def _judge(spec: PoolSpec, printed: str, reporter: Reporter) -> None:
    found = verdict(printed, spec.condor_config)
    for note in found.notes:
        reporter.note(f"{spec.condor_config_at(note.line)}: {note.words}")
    if found.rejected is not None:
        lines = spec.condor_config.splitlines()
        line = found.rejected.line
        written = f" '{lines[line - 1].strip()}'" if line is not None and line <= len(lines) else ""
        raise UsageError(
            f"{spec.condor_config_at(line)}: HTCondor rejects{written}: {found.rejected.words}", "edit condor_config"
        )


def _unheard(_: str) -> None:
    """Nothing of what podman says is of interest where the answer tells."""
