"""shell (terminal): argv -> what to do -> exit code. Imports late, so that --help is fast."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from localec2.failures import Localec2Error

_STATE_DIR = click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="LOCALEC2_STATE_DIR",
    help="Where everything is kept (LOCALEC2_STATE_DIR; default: ~/.local/state/localec2).",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def main() -> None:
    try:
        cli.main(standalone_mode=False)
    except Localec2Error as error:
        _fail(error.message, error.hint, error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        _fail("interrupted", "", 130)


@click.group()
def cli() -> None:
    """EC2 on this machine: an EC2 endpoint whose instances really boot."""


@cli.command()
@_STATE_DIR
@click.option("--port", type=click.IntRange(1, 65535), help="The API's port on 127.0.0.1 (default: 5950 and up).")
@click.option("--region", help="The one region that it is (default: us-east-1).")
def start(state_dir: Path | None, port: int | None, region: str | None) -> None:
    """Start the service in the background and wait until it is ready."""
    from localec2 import daemon, preflight

    raised = preflight.raise_inotify_limit()
    if raised:
        _say(raised)
    started = daemon.start(_resolved(state_dir), port=port, region=region)
    _say("already running" if started.was_running else "started")
    click.echo(started.config.endpoint_url)


@cli.command()
@_STATE_DIR
@click.option("--all", "everything", is_flag=True, help="Terminate all instances and leave nothing on the machine.")
def stop(state_dir: Path | None, everything: bool) -> None:
    """End the service. Instances keep running and are found again at the next start."""
    from localec2 import daemon

    daemon.stop(_resolved(state_dir), everything=everything)
    _say("stopped; nothing is left" if everything else "stopped; instances keep running")


@cli.command()
@_STATE_DIR
@_JSON
def status(state_dir: Path | None, as_json: bool) -> None:
    """Say whether the service runs, and what it holds."""
    facts = _facts(_resolved(state_dir))
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo("running" if facts["running"] else "not running")
    holds = facts.pop("service") or {"instances": {}, "images": []}
    for name, value in facts.items():
        if name != "running" and value is not None:
            click.echo(f"{name}: {value}")
    counts = [f"{many} {state}" for state, many in holds["instances"].items() if many]
    click.echo(f"instances: {', '.join(counts) or 'none'}")
    for image in holds["images"]:
        click.echo(f"image: {image['id']}  {image['name']}  {image['state']}")


@cli.command()
@_STATE_DIR
@click.option("--port", type=click.IntRange(1, 65535))
@click.option("--region", help="The one region that it is (default: us-east-1).")
@click.option("--verbose", is_flag=True, help="Log every request.")
@click.option("--listen-fd", type=int, hidden=True)
def serve(state_dir: Path | None, port: int | None, region: str | None, verbose: bool, listen_fd: int | None) -> None:
    """Run the service in the foreground."""
    import logging

    from localec2 import preflight, rootless, service, slots

    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(threadName)s: %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    if rootless.is_needed():
        raise Localec2Error("a plain user's service runs in the background only", "Type `localec2 start`.")
    preflight.require()
    preflight.raise_inotify_limit()
    directory = _resolved(state_dir)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    service.serve(slots.claim(directory, port=port, region=region).config, listen_fd=listen_fd)


@cli.command(hidden=True)
@_STATE_DIR
def clear(state_dir: Path | None) -> None:
    """Take away what the service made (`stop --all` calls it inside a plain user's namespaces)."""
    from localec2 import daemon

    daemon.clear(_config(_resolved(state_dir)))


@cli.command()
@_STATE_DIR
@click.argument("instance_id")
def console(state_dir: Path | None, instance_id: str) -> None:
    """Print an instance's console."""
    from localec2 import rootless
    from localec2.console import Console
    from localec2.engine import Engine

    config = _config(_resolved(state_dir))
    rootless.go_inside(config.state_dir)
    text = Console(config, Engine(config)).text(instance_id)
    if not text:
        raise Localec2Error(f"there is no console of {instance_id}", exit_code=3)
    click.echo(text, nl=False)


@cli.command()
@_STATE_DIR
@click.argument("path")
@click.argument("body", required=False, metavar="[JSON]")
def control(state_dir: Path | None, path: str, body: str | None) -> None:
    """Call one of the service's own paths, such as `faults`; with JSON it is a POST."""
    from localec2 import daemon

    try:
        given = None if body is None else json.loads(body)
    except json.JSONDecodeError as error:
        raise click.UsageError(f"the body is no JSON: {error}") from error
    click.echo(json.dumps(daemon.control(_config(_resolved(state_dir)), path, given), indent=2))


@cli.command()
@_STATE_DIR
def env(state_dir: Path | None) -> None:
    """Print what points AWS CLI, boto3 and others here: eval "$(localec2 env)"."""
    config = _config(_resolved(state_dir))
    for name, value in {
        "AWS_ENDPOINT_URL": config.endpoint_url,
        "AWS_DEFAULT_REGION": config.region,
        "AWS_REGION": config.region,
        "AWS_ACCESS_KEY_ID": "localec2",
        "AWS_SECRET_ACCESS_KEY": "localec2-any-secret-is-accepted",
    }.items():
        click.echo(f"export {name}={value}")


@cli.command("ssh-proxy")
@_STATE_DIR
@click.argument("host")
@click.argument("port", type=click.IntRange(1, 65535))
def ssh_proxy(state_dir: Path | None, host: str, port: int) -> None:
    """Join standard input and output to an instance's port (ssh -o ProxyCommand='localec2 ssh-proxy %h %p')."""
    from localec2 import rootless
    from localec2.proxy import join

    config = _config(_resolved(state_dir))
    rootless.go_inside(config.state_dir, has_network=True, has_mounts=False)
    join(host, port)


@cli.command()
@_JSON
def check(as_json: bool) -> None:
    """Say what this machine has and lacks for instances."""
    from localec2 import preflight

    checks = list(preflight.checks())
    if as_json:
        shown = [{"ok": c.is_ok, "sentence": c.sentence, "remedy": c.remedy, "required": c.is_required} for c in checks]
        click.echo(json.dumps(shown, indent=2))
    else:
        for each in checks:
            click.echo(f"{'yes' if each.is_ok else 'no ' if each.is_required else 'hm '}  {each.sentence}")
            if not each.is_ok:
                click.echo(f"     {each.remedy}")
    if any(each.is_required and not each.is_ok for each in checks):
        sys.exit(1)


@cli.group()
def image() -> None:
    """Machine images."""


@image.command()
@_STATE_DIR
@_JSON
@click.option("--name", required=True)
@click.option("--description", required=True)
@click.option("--suite", default="trixie", show_default=True, help="The Debian release.")
@click.option("--package", "packages", multiple=True, help="A package on top of the base ones (repeatable).")
@click.option("--add", "added", multiple=True, metavar="FILE:PATH", help="A file to put on the image (repeatable).")
@click.option("--disable", "disabled", multiple=True, metavar="UNIT", help="A unit that shall not start by itself.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag of the image (repeatable).")
def build(state_dir: Path | None, as_json: bool, name: str, description: str, **recipe: Any) -> None:
    """Build a Debian image, once, and register it. Prints its id."""
    from localec2 import images, rootless

    config = _config(_resolved(state_dir))
    rootless.go_inside(config.state_dir)  # podman's storage is there
    order = images.Order(
        name=name,
        description=description,
        recipe=images.recipe(
            suite=recipe["suite"],
            packages=recipe["packages"],
            added=recipe["added"],
            disabled=recipe["disabled"],
        ),
        tags=images.parsed_tags(recipe["tags"]),
    )
    registered = images.build_and_register(config, order, cache_dir=_cache_dir(), progress=_say)
    click.echo(json.dumps(registered) if as_json else registered["image_id"])


@image.command("ls")
@_STATE_DIR
@_JSON
def list_images(state_dir: Path | None, as_json: bool) -> None:
    """List the images of the service."""
    from localec2 import images

    found = images.registered(_config(_resolved(state_dir)))
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        click.echo(f"{each['image_id']}  {each['state']:<10}  {each['name']}")


@image.command()
@_STATE_DIR
@click.argument("name")
def executables(state_dir: Path | None, name: str) -> None:
    """Print the paths of all executables on an image, one per line."""
    from localec2 import images

    click.echo(images.executables(_config(_resolved(state_dir)), name, cache_dir=_cache_dir()), nl=False)


@image.command("exec", context_settings={"ignore_unknown_options": True})
@_STATE_DIR
@click.argument("name")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(state_dir: Path | None, name: str, argv: tuple[str, ...]) -> None:
    """Run one command on an image: as root, without a network, and without a trace."""
    from localec2 import images, rootless
    from localec2.engine import run_once

    config = _config(_resolved(state_dir))
    reference = images.find(config, name)["engine_ref"]
    if not reference:
        raise Localec2Error(f"the image {name} is a disk: no container starts from it")
    rootless.go_inside(config.state_dir)
    sys.exit(run_once(reference, argv))


def _facts(directory: Path) -> dict[str, Any]:
    from localec2 import daemon, rootless, slots

    config, pid = slots.existing(directory), daemon.running_pid(directory)
    return {
        "running": pid is not None,
        "pid": pid,
        "endpoint_url": config.endpoint_url if config else None,
        "region": config.region if config else None,
        "slot": config.slot if config else None,
        "public_network": str(config.public_network) if config else None,
        "host_public_ip": config.host_public_ip if config else None,
        "proxy_command": rootless.proxy_command(config) if config else None,
        "state_dir": str(directory),
        "log": str(config.log) if config else None,
        "service": daemon.control(config, "status") if config and pid else None,
    }


def _config(directory: Path) -> Any:
    from localec2 import slots

    config = slots.existing(directory)
    if config is None:
        raise Localec2Error(f"no service has its state in {directory}", "`localec2 start` starts one.", exit_code=3)
    return config


def _resolved(state_dir: Path | None) -> Path:
    if state_dir is not None:
        return state_dir.absolute()
    from platformdirs import user_state_path

    return user_state_path("localec2")


def _cache_dir() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("localec2")


def _say(text: str) -> None:
    click.echo(text, err=True)


def _fail(message: str, hint: str, exit_code: int) -> None:
    _say(f"localec2: {message}")
    if hint:
        _say(hint)
    sys.exit(exit_code)
