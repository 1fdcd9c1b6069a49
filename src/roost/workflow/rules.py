"""pure: pegasus profiles -> how a task is started, and what its run is judged by beside its exit code and outputs.

Pegasus' user guide, "Staging of Job Checkpoint Files" and pegasus-exitcode; where only `maxwalltime` is said, its
Kickstart.java.
"""

from collections.abc import Mapping
from typing import NamedTuple

_KILL_S = 5.0  # after SIGTERM, as pegasus-kickstart where nobody says how long
_BEFORE_S = 300.0  # `maxwalltime`, where nobody says when; and where a task is shorter than that:
_SHORTLY_BEFORE_S = 10.0


class Rules(NamedTuple):
    limits: tuple[tuple[float, str], ...] = ()  # (seconds, the signal that it is sent after them), one after another
    failure: str = ""  # what it says when it has failed
    success: str = ""  # what it says when it has not
    options: str = ""  # of what starts its container, as a shell would split them
    launcher: str = ""  # the same: what starts that


def rules_of(pegasus: Mapping[str, str]) -> Rules | None:
    """None: its exit code and its outputs say all.

    Of the time between SIGTERM and `maxwalltime` one half is for writing, and one for bringing home what was written.

    >>> rules_of({"checkpoint.time": "1", "maxwalltime": "2"}).limits, rules_of({"maxwalltime": "60"}).limits
    (((60.0, 'SIGTERM'), (30.0, 'SIGKILL')), ((3300.0, 'SIGTERM'), (150.0, 'SIGKILL')))
    """
    most_s = float(pegasus.get("maxwalltime", "0")) * 60
    at_s = float(pegasus.get("checkpoint.time", "0")) * 60
    if most_s and not at_s:
        at_s = most_s - _BEFORE_S if most_s > _BEFORE_S else max(most_s - _SHORTLY_BEFORE_S, most_s / 2)
    wait_s = max((most_s - at_s) / 2 if most_s else 0.0, _KILL_S)
    limits = ((at_s, "SIGTERM"), (wait_s, "SIGKILL")) if at_s else ()
    launcher = (pegasus.get("container.launcher", ""), pegasus.get("container.launcher.arguments", ""))
    rules = Rules(
        limits,
        pegasus.get("exitcode.failuremsg", ""),
        pegasus.get("exitcode.successmsg", ""),
        pegasus.get("container.arguments", ""),
        " ".join(launcher).strip() if launcher[0] else "",
    )
    return rules if any(rules) else None
