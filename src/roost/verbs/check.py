"""`roost check`."""

import sys

import click

from roost.verbs.which_pool import cloud_option, json_option, pool_argument


@click.command("check")
@pool_argument
@cloud_option
@json_option
def command(pool: str | None, cloud: str | None, as_json: bool) -> int:
    """Say whether a pool could be launched from here: true or not, and what to do.

    Launches and changes nothing. A sentence that begins with `hm` is good to know, and no obstacle. Exit code 1: one
    that has to be true is not.
    """
    import json
    from dataclasses import asdict

    from roost.report.reporter import reporter_for
    from roost.verbs.checking import checks
    from roost.verbs.which_pool import spec_of

    spec = spec_of(pool, cloud)
    told = []
    with reporter_for(sys.stderr) as reporter:
        reporter.step(f"check what {spec.name} needs")
        for each in checks(spec):
            told.append(each)
            if not as_json:
                with reporter.paused():
                    verdict = "yes" if each.is_true else "NO " if each.is_required else "hm "
                    click.echo(f"{verdict}  {each.sentence}")
                    if not each.is_true and each.remedy:
                        click.echo(f"     Try: {each.remedy}")
    is_ready = all(each.is_true for each in told if each.is_required)
    if as_json:
        shown = {"schema": "roost/check/1", "is_ready": is_ready, "checks": [asdict(each) for each in told]}
        click.echo(json.dumps(shown, indent=2))
    return 0 if is_ready else 1
