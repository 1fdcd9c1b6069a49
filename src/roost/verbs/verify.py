"""`roost verify`."""

import sys

import click

from roost.verbs.which_pool import cloud_option, json_option, pool_argument

_TIMEOUT_S = 120.0


@click.command("verify")
@pool_argument
@cloud_option
@json_option
def command(pool: str | None, cloud: str | None, as_json: bool) -> None:
    """Prove for each instance that it joined, matched, ran a job and returned its file.

    Exit code 4: some did not.
    """
    import json
    from dataclasses import asdict

    from roost.boot.roles import Role
    from roost.errors import NotFoundError, PartialError
    from roost.pool.verification import verification
    from roost.pool.verify import Verdict
    from roost.report.reporter import reporter_for
    from roost.verbs.entrance import access_point
    from roost.verbs.which_pool import found_pool

    with reporter_for(sys.stderr) as reporter:
        spec, site, found = found_pool(pool, cloud, say=reporter.note)
        workers = found.with_role(Role.EXECUTION_POINT)
        if not workers:
            raise NotFoundError(f"the pool {spec.name} has no execution point", "roost up")
        reporter.step(f"verify {len(workers)} execution points of {spec.name}")
        checks = []
        with access_point(spec, site, found) as reached:
            for check in verification(reached, [w.id for w in workers], timeout_s=_TIMEOUT_S):
                checks.append(check)
                if not as_json:
                    with reporter.paused():
                        click.echo(f"{'yes' if check.verdict is Verdict.YES else 'NO '}  {check.sentence}")
    if as_json:
        click.echo(json.dumps({"schema": "roost/verify/1", "checks": [asdict(c) for c in checks]}, indent=2))
    failed = {check.instance_id for check in checks if check.verdict is not Verdict.YES}
    if failed:
        raise PartialError(
            f"{len(failed)} of {len(workers)} execution points did not pass: {', '.join(sorted(failed))}",
            f"roost status {spec.name}",
        )
