"""pure: what a part whose file is made by a task will be planned from, as JSON; and then, with that file, its plan.

The access point plans it before its job begins (node/plan_part.py), and whoever follows the run plans it again from the
same values: the same plan. Files of this machine are not there: those that may be needed have been sent, to places
that the JSON tells.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import PurePath, PurePosixPath
from typing import Any

from roost.block_yaml import Items
from roost.errors import UsageError
from roost.workflow.abstract import SubWorkflow
from roost.workflow.around import Around, Given, Wanted
from roost.workflow.catalogs import Source
from roost.workflow.clustering import Kind, Policy
from roost.workflow.executable import Deferred, ExecutableWorkflow, PlannedJob, Site, Upload
from roost.workflow.mistakes import Mistakes
from roost.workflow.nesting import around_part, uuid_of_part
from roost.workflow.planning import Options, planned
from roost.workflow.profiles import Profiles
from roost.workflow.properties import Data, Properties
from roost.workflow.reading import workflow as read_workflow
from roost.workflow.run_paths import RunPaths
from roost.workflow.sources import Sources
from roost.workflow.sub_reading import SECTIONS, with_document
from roost.yaml_lines import Document

SCHEMA = "roost/part/1"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def deferred(
    executable: ExecutableWorkflow,
    job: PlannedJob,
    sub: SubWorkflow,
    site: Site,
    options: Options,
    policy: Policy | None,
) -> Deferred:
    """Of a part whose file is not there yet; `options` and `policy` are what holds for it."""
    assert sub.inherits is not None, "it is known what it inherits"
    paths = executable.paths.part(job.part)
    uploads = tuple(
        Upload(local=one, remote=paths.executables / f"{number}-{one.name}") for number, one in enumerate(sub.programs)
    )
    catalogs = {name: [_source(one) for one in getattr(sub.inherits, name)] for name in SECTIONS.values()}
    named = set(_VARIABLE.findall(json.dumps(catalogs, default=_plain)))
    context = {
        "schema": SCHEMA,
        "name": sub.file,
        "uuid": uuid_of_part(executable, job),
        "planned_at": executable.planned_at.isoformat(),
        "paths": {"run": paths.run, "submit_at": paths.submit_at, "output_at": paths.output_at},
        "site": asdict(site),
        "options": {"force": options.force, "cleanup": options.cleanup},
        "policy": None if policy is None else {**asdict(policy), "kinds": sorted(policy.kinds)},
        "around": asdict(around_part(executable, job)),
        "catalogs": catalogs,
        "properties": asdict(sub.inherits.properties),
        "variables": {name: text for name, text in sub.inherits.variables.items() if name in named},
        "dagman": dict(sub.dagman),
        "sent": {str(one.local): str(one.remote) for one in uploads},
    }
    text = json.dumps(context, default=_plain, ensure_ascii=False)
    return Deferred(
        paths=paths,
        file=executable.remote(sub.file),
        context=text,
        uploads=uploads,
        path=(*executable.around.path, job.part),
    )


def sent_to(context: str) -> dict[str, str]:
    """Files of this machine that were sent: their places on the access point."""
    found: dict[str, str] = json.loads(context)["sent"]
    return found


def plan_deferred(context: str, document: Document) -> ExecutableWorkflow:
    """Raises UsageError with every mistake in the document."""
    said: dict[str, Any] = json.loads(context)
    if said.get("schema") != SCHEMA:
        raise UsageError(f"this is no {SCHEMA}", "plan the workflow again")
    around = _around(said["around"])
    sent: Mapping[str, str] = said["sent"]
    properties = _properties(said["properties"])
    variables = said["variables"]
    replicas, transformations, sites = (
        tuple(_source_of(one, variables) for one in said["catalogs"][name]) for name in SECTIONS.values()
    )
    inherited = Sources(
        workflow=document,
        replicas=replicas,
        transformations=transformations,
        sites=sites,
        properties=properties,
        variables=variables,
    )
    directory = PurePath(said["paths"]["submit_at"])
    found = read_workflow(
        with_document(inherited, document, directory),
        lambda path: str(path) in sent,
        Mistakes(label_key=properties.label_key),
        given=frozenset(around.given),
    )
    _require_outputs(found.source, around, {one.lfn for task in found.jobs for one in task.outputs})
    places = {key: PurePosixPath(path) for key, path in said["paths"].items()}
    policy = said["policy"] and Policy(**{**said["policy"], "kinds": frozenset(map(Kind, said["policy"]["kinds"]))})
    return planned(
        replace(found, dagman={**found.dagman, **said["dagman"]}),
        Site(name=said["site"]["name"], profiles=Profiles(**said["site"]["profiles"])),
        RunPaths(run=places["run"], submit_at=places["submit_at"], output_at=places["output_at"]),
        Options(**said["options"]),
        uuid=said["uuid"],
        planned_at=datetime.fromisoformat(said["planned_at"]),
        policy=policy,
        around=around,
    )


def _require_outputs(source: str, around: Around, made: set[str]) -> None:
    missing = [lfn for lfn in around.wanted if lfn not in made]
    if missing:
        said = [f"{source}:1: no task makes '{lfn}', which is an output of this workflow's job" for lfn in missing]
        raise UsageError("\n".join(said), "say in its `uses` what it makes")


def _plain(value: object) -> object:
    return list(value) if isinstance(value, Items) else str(value)


def _source(one: Source) -> dict[str, Any]:
    return {"source": one.document.source, "value": one.value, "directory": one.directory}


def _source_of(said: Mapping[str, Any], variables: Mapping[str, str]) -> Source:
    document = Document(said["source"], said["value"])
    return Source(
        document=document, path=(), value=said["value"], directory=PurePath(said["directory"]), variables=variables
    )


def _around(said: Mapping[str, Any]) -> Around:
    given = {
        lfn: Given(
            place=PurePosixPath(one["place"]),
            sums=one["sums"] and PurePosixPath(one["sums"]),
            sums_begin=one["sums_begin"],
            sha256=one["sha256"],
            link=one["link"],
        )
        for lfn, one in said["given"].items()
    }
    wanted = {
        lfn: Wanted(place=PurePosixPath(one["place"]), sums=PurePosixPath(one["sums"]))
        for lfn, one in said["wanted"].items()
    }
    return Around(path=tuple(said["path"]), root_uuid=said["root_uuid"], stem=said["stem"], given=given, wanted=wanted)


def _properties(said: Mapping[str, Any]) -> Properties:
    return Properties(**{**said, "data": Data(said["data"]), "profiles": Profiles(**said["profiles"])})
