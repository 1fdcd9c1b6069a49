"""pure: the real planner: what pegasus-plan and pegasus-run are told, and what they answer.

The only module that knows the command lines of `pegasus-*`. In: where a run lies on the access point, and what these
programs printed there. Out: argument vectors, a PegasusPlan. Flags are those of Pegasus 5.1.2 (pegasus-plan(1),
pegasus-run(1)); what it says when it refuses is in `pegasus_errors`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from roost.errors import RoostError, UsageError
from roost.workflow.run_paths import RunPaths
from roost.workflow.static_bp import StaticJob, StaticPlan
from roost.yaml_lines import parse_yaml

PROGRAM = "pegasus-plan"
BIG_TASKS = 1000  # from here on its drawing of the graph takes longer than all the rest

# `$1` is the run's directory, `$2` 1 for a big workflow, the rest pegasus-plan's arguments. PEGASUS_METRICS: nothing is
# told to the Pegasus project over the network. The drawing has no flag: a program of its name that does nothing is
# found first. Java is looked for here, since pegasus-plan without it ends without a word.
_PLAN = """\
cd -- "$1" || exit 1
[ "$2" = 1 ] && mkdir -p .without && ln -sf /bin/true .without/pegasus-graphviz && PATH="$PWD/.without:$PATH"
shift 2
command -v java >/dev/null || [ -n "$JAVA_HOME" ] || [ -x /usr/lib/jvm/default-java/bin/java ] || {
    echo 'ERROR: java not found.' >&2
    exit 1
}
PEGASUS_METRICS=false exec "$@"
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is to be planned: files in the run's directory on the access point."""

    run: PurePosixPath
    sites: tuple[str, ...]  # that jobs may run on
    staging_sites: Mapping[
        str, str
    ]  # site: where its files are staged; of those that have another than Pegasus' default
    clusterings: tuple[str, ...] = ()
    force: bool = False
    cleanup: str | None = None  # None: inplace, as it does by itself
    tasks: int = 0
    workflow: str = "workflow.yml"
    properties: str = "pegasus.properties"


@dataclass(frozen=True, kw_only=True, slots=True)
class PegasusPlan:
    """What pegasus-plan made, as its braindump tells it."""

    name: str
    uuid: str
    version: str
    submit: PurePosixPath
    dag: str  # file names in `submit`
    log: str

    @property
    def dagman_out(self) -> str:
        return f"{self.dag}.dagman.out"

    @property
    def dagman_log(self) -> str:
        """DAGMan's own log of events: that of the jobs, and how their POST scripts ended."""
        return f"{self.dag}.nodes.log"


@dataclass(frozen=True, kw_only=True, slots=True)
class PegasusRunning:
    """What has to be known of a run to follow it: as Roost's own plan has it."""

    plan: PegasusPlan
    graph: StaticPlan
    paths: RunPaths
    done: tuple[str, ...] = ()  # by its rescue DAG: DAGMan empties its own log when it goes on from one

    @property
    def jobs(self) -> tuple[StaticJob, ...]:
        return self.graph.jobs

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        return self.graph.edges

    @property
    def log(self) -> str:
        """DAGMan's own: whether a job was done is what its POST script says."""
        return self.plan.dagman_log

    @property
    def dagman_out(self) -> str:
        return self.plan.dagman_out


def plan_argv(asked: Asked) -> list[str]:
    """Its submit directory is `submit` in the run's directory, as that of Roost's planner is."""
    argv = [
        *(PROGRAM, "--json", "--conf", asked.properties),
        *("--dir", str(asked.run), "--relative-submit-dir", "submit"),
        *("--sites", ",".join(asked.sites), "--output-sites", "local"),
    ]
    if asked.staging_sites:
        argv += ["--staging-site", ",".join(f"{site}={staging}" for site, staging in asked.staging_sites.items())]
    if asked.clusterings:
        argv += ["--cluster", ",".join(asked.clusterings)]
    argv += ["--force"] if asked.force else []
    argv += ["--cleanup", asked.cleanup] if asked.cleanup else []
    is_big = "1" if asked.tasks >= BIG_TASKS else "0"
    return ["sh", "-c", _PLAN, "sh", str(asked.run), is_big, *argv, asked.workflow]


def from_braindump(text: str) -> PegasusPlan | None:
    """The same from a submit directory's braindump.yml; None where it is none of pegasus-plan's.

    >>> from_braindump('planner: "/opt/x"') is None
    True
    """
    try:
        told = parse_yaml(text, "braindump.yml").value
        return _plan(told) if "pegasus-plan" in str(told["planner"]) else None
    except (UsageError, KeyError, TypeError):
        return None


def done_in_rescue(text: str) -> tuple[str, ...]:
    """The jobs that a rescue DAG (HTCondor's manual, "The Rescue DAG") says are done.

    >>> done_in_rescue("# Rescue DAG file\\nDONE a_ID1\\nRETRY b_ID2 1\\n")
    ('a_ID1',)
    """
    return tuple(line.split()[1] for line in text.splitlines() if line.startswith("DONE "))


def run_argv(plan: PegasusPlan) -> list[str]:
    return ["env", "PEGASUS_METRICS=false", "pegasus-run", str(plan.submit)]


def planned(printed: str) -> PegasusPlan:
    """What `--json` prints. Raises RoostError where it is something else.

    >>> planned('{"dax_label": "w", "wf_uuid": "u", "planner_version": "5.1.2", "submit_dir": "/r/submit",'
    ...         ' "dag": "w-0.dag", "condor_log": "w-0.log"}').dagman_out
    'w-0.dag.dagman.out'
    """
    try:
        return _plan(json.loads(printed[printed.index("{") :]))
    except (ValueError, KeyError, TypeError) as error:
        said = " ".join(printed.split())[:200] or "nothing"
        raise RoostError(
            f"pegasus-plan ended well and said {said}, not where its submit directory is",
            "Roost knows the output of Pegasus 5.1",
        ) from error


def _plan(told: Mapping[str, str]) -> PegasusPlan:
    return PegasusPlan(
        name=told["dax_label"],
        uuid=told["wf_uuid"],
        version=told["planner_version"],
        submit=PurePosixPath(told["submit_dir"]),
        dag=told["dag"],
        log=told["condor_log"],
    )
