"""`roost join`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from roost.pool.condor_daemons import DraftedKey
    from roost.pool.here import Host


@click.command("join")
@click.option("--dry-run", is_flag=True, help="Only print the file that would be written, and what else would be done.")
@click.option("--undo", is_flag=True, help="Take away exactly what an earlier `roost join` has written.")
@click.option(
    "--submit-host",
    metavar="ADDRESS",
    help="The public address that a NAT forwards to this machine, where it has none itself.",
)
@click.option("--yes", is_flag=True, help="Do not ask before something is written.")
def command(dry_run: bool, undo: bool, submit_host: str | None, yes: bool) -> None:
    """Let execution points on EC2 join the HTCondor pool of this machine.

    For the administrator of a pool: call it once, as root, on the machine that has its collector and its schedd. It
    writes one configuration file, prints it first, and asks. Then `access_point: here` in a pool.yml is all that
    users need. docs/burst.md says what a firewall has to let in.
    """
    if undo:
        _undo(dry_run=dry_run, yes=yes)
    else:
        _join(dry_run=dry_run, yes=yes, forwarded=_address(submit_host))


def _join(*, dry_run: bool, yes: bool, forwarded: str | None) -> None:
    from roost.pool import here, joining
    from roost.pool.condor_daemons import KeyFile

    host = here.host()
    directory = Path(joining.drop_in_directory(here.configured(["LOCAL_CONFIG_DIR"])))
    file = directory / joining.FILE
    if joining.going(file).exists() and not dry_run:
        _require_root("join")
        _complete_undo(joining.going(file))
    config = here.configured(joining.SETTINGS, without=file)
    _refuse_what_cannot_be_reached(host, forwarded)
    before = file.read_text() if file.exists() else ""
    nat = joining.Nat(public=forwarded, private=here.own_address()) if forwarded else joining.nat(before)
    missing = joining.changes(config, trust_domain=host.trust_domain, nat=nat)
    key = KeyFile(Path(config["SEC_TOKEN_POOL_SIGNING_KEY_FILE"] or directory.parent / "passwords.d" / "POOL"))
    text = joining.drop_in(missing, joining.made_key(before))
    makes_key = key.is_missing()
    if text == before and not makes_key:
        if not dry_run:
            _catch_up(file, text, host)
        _say(f"this pool ({host.trust_domain}) has joined already; nothing was changed")
        return
    _show(file, text, needs_restart=joining.needs_restart(before + text))
    if makes_key:
        _say(f"There is no signing key: one is made in {key.path}.")
    _say(_firewall(host, forwarded))
    if dry_run:
        return
    _require_root("join")
    _ask("Write it?", yes=yes)
    made = key.draft() if makes_key else None
    new = joining.drop_in(missing, made.key if made else joining.made_key(before))
    _write(file, new, before=before, made=made, host=host)
    _say(f"the pool {host.trust_domain} takes execution points from EC2 now; `roost join --undo` ends that")
    if nat:
        _say(
            "Other machines of this pool need the same PRIVATE_NETWORK_NAME in their configuration, or they call this "
            "one by its public address."
        )
        if not here.answers(nat.public, host.collector.port):
            _say(
                f"{nat.public} port {host.collector.port} does not lead back here: jobs will not start, unless"
                " the NAT does that too, or pool.yml says `network: {mode: direct}`."
            )


def _write(file: Path, text: str, *, before: str, made: "DraftedKey | None", host: "Host") -> None:
    """What is there before stays there, unless HTCondor works with what is new.

    The file comes before the key that it speaks of: who was killed in between has made nothing that nobody knows of.
    """
    from roost.pool import condor_daemons, here, joining

    needs_restart = joining.needs_restart(before + text)
    running = condor_daemons.running()
    try:
        condor_daemons.replace(file, text)
        if made:
            made.write()
        values = here.configured(["ALLOW_ADVERTISE_STARTD", "ALLOW_ADVERTISE_MASTER"])
        if not joining.is_joined(values, host.trust_domain):
            from roost.errors import RoostError

            raise RoostError(
                f"{file} is read, but another file sets ALLOW_ADVERTISE_STARTD or ALLOW_ADVERTISE_MASTER after it",
                "condor_config_val -verbose ALLOW_ADVERTISE_STARTD",
            )
        condor_daemons.take_up(running, needs_restart=needs_restart)
        _verify(host)
    except BaseException:
        running = condor_daemons.running()
        condor_daemons.replace(file, before)
        if made:
            condor_daemons.KeyFile(Path(made.key.path)).remove(made.key)
        condor_daemons.take_up(running, needs_restart=needs_restart)
        raise


def _catch_up(file: Path, text: str, host: "Host") -> None:
    """The file is there: has HTCondor read it? Whoever wrote it may have been killed before it said so."""
    from roost.pool import condor_daemons, joining

    is_behind = joining.needs_restart(text) and condor_daemons.are_older_than(file)
    if is_behind:
        _require_root("join")
        _say("HTCondor runs since before that was written: it is restarted")
    if is_behind or os.geteuid() == 0:
        condor_daemons.take_up(condor_daemons.running(), needs_restart=is_behind)
    _verify(host)


def _undo(*, dry_run: bool, yes: bool) -> None:
    from roost.pool import condor_daemons, here, joining

    file = Path(joining.drop_in_directory(here.configured(["LOCAL_CONFIG_DIR"]))) / joining.FILE
    going = joining.going(file)
    there = file if file.exists() else going
    if not there.exists():
        _say(f"there is no {file}: nothing was changed")
        return
    text = there.read_text()
    made = joining.made_key(text)
    _say(f"{file} goes:" if there is file else f"{file} has gone, and the rest of it goes:")
    click.echo(text, nl=False)
    if made:
        _say(f"So does the signing key {made.path}, which `roost join` made: every token of this pool is void then.")
    if dry_run:
        return
    _require_root("join --undo")
    _ask("Take it away?", yes=yes)
    condor_daemons.require_running()
    if there is file:
        file.replace(going)
    _complete_undo(going)
    _say("this pool is as it was before `roost join`")


def _complete_undo(going: Path) -> None:
    """HTCondor does not read the file any more, by its name. It goes last: who is killed here is completed by it."""
    from roost.pool import condor_daemons, joining

    text = going.read_text()
    made = joining.made_key(text)
    if made and not condor_daemons.KeyFile(Path(made.path)).remove(made):
        _say(f"{made.path} is another key than the one that `roost join` made; it stays")
    condor_daemons.forget_joining()
    condor_daemons.take_up(condor_daemons.running(), needs_restart=joining.needs_restart(text))
    going.unlink()


def _refuse_what_cannot_be_reached(host: "Host", forwarded: str | None) -> None:
    from roost.errors import RoostError

    for daemon, address in (("collector", host.collector), ("schedd", host.schedd)):
        if address.is_loopback and forwarded is None:
            raise RoostError(
                f"this machine's {daemon} listens on {address.host}, where no other machine can reach it",
                "condor_config_val -verbose NETWORK_INTERFACE, and -verbose CONDOR_HOST: name an address of this "
                "machine there, and restart HTCondor",
            )


def _verify(host: "Host") -> None:
    """A joining token is made and tried, as an execution point would."""
    from roost.pool import condor_daemons

    said = condor_daemons.try_joining(host.trust_domain)
    _say(f"tried: {said}")


def _show(file: Path, text: str, *, needs_restart: bool) -> None:
    _say(f"{file}:")
    click.echo(text, nl=False)
    _say(
        "HTCondor is restarted: jobs that run on this machine itself start over, others go on."
        if needs_restart
        else "HTCondor reads it without a restart."
    )


def _firewall(host: "Host", forwarded: str | None) -> str:
    where = f"{forwarded}, forwarded to {host.collector.host}," if forwarded else host.collector.host
    return (
        f"A firewall has to let TCP in to {where} port {host.collector.port} from the instances: on AWS from "
        "the region's address ranges, since a public address is known only when the instance is there. Whoever "
        "connects has to prove itself with a token. Nothing else is needed: no other port, no UDP."
    )


def _require_root(what: str) -> None:
    from roost.errors import RoostError

    if os.geteuid() != 0:
        raise RoostError("only root may change this machine's HTCondor", f"sudo roost {what}")


def _ask(question: str, *, yes: bool) -> None:
    from roost.errors import UsageError

    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("this changes HTCondor's configuration, and nobody is there to say yes", "add --yes")
    click.confirm(question, abort=True, err=True)


def _address(text: str | None) -> str | None:
    from ipaddress import AddressValueError, IPv4Address

    from roost.errors import UsageError

    if text is None:
        return None
    try:
        return str(IPv4Address(text))
    except AddressValueError as error:
        raise UsageError(f"--submit-host {text} is no IPv4 address", "--submit-host 192.0.2.7") from error


def _say(text: str) -> None:
    click.echo(text, err=True)
