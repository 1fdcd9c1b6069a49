"""`roost why`."""

import json
import re
from typing import TYPE_CHECKING

import click

from roost.verbs.which_pool import cloud_option, json_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roost.pool.evidence import Cause

_JOB = re.compile(r"(?P<cluster>\d+)(?:\.(?P<process>\d+))?")


@click.command("why")
@click.argument("what", metavar="INSTANCE|JOB")
@click.option("--pool", metavar="POOL", help="The pool of a job (a name or a pool.yml; default: as `roost status`).")
@cloud_option
@json_option
def command(what: str, pool: str | None, cloud: str | None, as_json: bool) -> None:
    """Say why an instance is not in the pool, or why a job does not run.

    Causes, the likeliest first, each with what shows it and what to type.

    INSTANCE is i-...; it may have ended, and been terminated. JOB is 12 or 12.0, as `condor_q` has it.
    """
    from roost.errors import UsageError

    if what.startswith("i-"):
        sentence, causes, more = _instance(what, cloud)
    elif found := _JOB.fullmatch(what):
        sentence, causes, more = _job(pool, cloud, cluster=int(found["cluster"]), process=_process(found["process"]))
    else:
        raise UsageError(f"'{what}' is neither an instance (i-...) nor a job (12 or 12.0)", "roost status")
    if as_json:
        told = [
            {"sentence": c.sentence, "likelihood": c.likelihood, "evidence": c.evidence, "remedy": c.remedy}
            for c in causes
        ]
        click.echo(json.dumps({"schema": "roost/why/1", "what": what, "sentence": sentence, "causes": told, **more}))
        return
    from roost.pool.why import lines

    click.echo(sentence)
    for line in lines(causes) if causes else ["nothing wrong can be seen"]:
        click.echo(line)
    if more.get("kept_at"):
        click.echo(f"\nkept: {more['kept_at']}")


def _instance(instance_id: str, cloud: str | None) -> "tuple[str, Sequence[Cause], dict[str, str]]":
    from dataclasses import replace

    from roost.cloud.model import InstanceState
    from roost.errors import NotFoundError
    from roost.pool.evidence import InstanceEvidence
    from roost.pool.why import causes, condition
    from roost.verbs.keeping import kept, kept_ids
    from roost.verbs.looking import evidence_of
    from roost.verbs.which_pool import found_instance, spec_of
    from roost.yaml_lines import nearest

    try:
        spec, site, found, instance = found_instance(instance_id, cloud, say=_say)
    except NotFoundError as error:
        spec = spec_of(None, cloud)
        before = kept(spec, instance_id)
        if before is None:
            near = nearest(instance_id, kept_ids(spec.cloud))
            if near is None or "did you mean" in error.message:
                raise
            raise NotFoundError(f"{error.message}; something was kept of {near}", f"roost why {near}") from error
        evidence = InstanceEvidence(
            instance=replace(before.instance, state=InstanceState.TERMINATED),
            pool=before.pool,
            now=before.at,
            console=before.console,
            inside=before.inside,
            kept_at=str(before.directory),
        )
        sentence = f"{instance_id} of {before.pool} is gone; this is what was kept of it"
        return sentence, causes(evidence), {"kept_at": str(before.directory)}
    evidence = evidence_of(spec, site, found, instance, say=_say)
    return condition(evidence), causes(evidence), {"kept_at": evidence.kept_at} if evidence.kept_at else {}


def _job(
    pool: str | None, cloud: str | None, *, cluster: int, process: int | None
) -> "tuple[str, Sequence[Cause], dict[str, str]]":
    from roost.boot.roles import Role
    from roost.errors import RoostError
    from roost.pool.job_evidence import ask_argv, job_evidence
    from roost.pool.why_job import job_causes, job_condition
    from roost.verbs.entrance import access_point
    from roost.verbs.which_pool import found_pool

    spec, site, found = found_pool(pool, cloud, say=_say)
    with access_point(spec, site, found) as reached:
        asked = reached.run(ask_argv(cluster, process))
    workers = [instance.id for instance in found.with_role(Role.EXECUTION_POINT)]
    if "@@ analysis" not in asked.stdout:
        raise RoostError(f"HTCondor could not be asked: {asked.stderr.strip()}", f"roost status {spec.name}")
    there = "" if spec.access_point == "here" else f"roost ssh {spec.name} -- "
    evidence = job_evidence(asked.stdout, cluster=cluster, process=process, pool=spec.name, there=there, points=workers)
    return job_condition(evidence), job_causes(evidence), {"pool": spec.name}


def _process(word: str | None) -> int | None:
    return None if word is None else int(word)


def _say(text: str) -> None:
    click.echo(text, err=True)
