"""shell (the localec2 program, HTTPS): where EC2 is, and who we are to it.

In: the cloud and region of a spec. Out: an Endpoint. For `local` EC2 on this machine is started when it does not run.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from roost.cloud.clients import Access, require_credentials
from roost.errors import CloudError, NotFoundError, RoostError, UsageError

# Any credentials are accepted; long ones, since tools mask a secret wherever they print it.
_LOCAL_CREDENTIALS = ("roost-on-this-machine", "no-secret-is-needed-on-this-machine")
_SAYS_NO = "localec2: "  # how its error begins
_ADDRESS_URL = "https://checkip.amazonaws.com"  # EC2 User Guide, "Security group rules for different use cases"


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    access: Access
    own_address: str  # ours, as the instances see it; "" where it is not known, and nobody needs it
    was_started: bool = False  # by us, just now
    proxy_command: str | None = None  # ssh needs it to get to the instances; None: straight on


def connect(
    cloud: str, region: str, *, say: Callable[[str], None], start: bool = True, needs_address: bool = True
) -> Endpoint:
    """Raises NotFoundError where EC2 on this machine does not run and `start` is False.

    `needs_address`: whoever opens no port is told that ours could not be learnt, and goes on: `roost down` has to work
    where a firewall keeps us from asking.
    """
    if cloud == "aws":
        access = Access(region=region)
        require_credentials(access)  # without them nobody cares for our address
        try:
            return Endpoint(access=access, own_address=own_address_on_the_internet())
        except CloudError as error:
            if needs_address:
                raise
            say(error.message)
            return Endpoint(access=access, own_address="")
    status = local_status()
    was_running = bool(status["running"])
    if not was_running and not start:
        raise NotFoundError("EC2 on this machine does not run, so there is no pool on it", "roost local start")
    if not was_running:
        localec2(["start"], say=say)
        status = local_status()
    return Endpoint(
        access=Access(
            region=status["region"],
            endpoint_url=os.environ.get("ROOST_EC2_ENDPOINT") or status["endpoint_url"],
            credentials=_LOCAL_CREDENTIALS,
        ),
        own_address=_given_address() or status["host_public_ip"],
        proxy_command=status.get("proxy_command"),
        was_started=not was_running,
    )


def local_status() -> dict[str, Any]:
    """What `localec2 status --json` says: running, endpoint_url, region, host_public_ip, ..."""
    said: dict[str, Any] = json.loads(localec2(["status", "--json"], say=lambda _: None))
    return said


def local_checks() -> list[dict[str, Any]]:
    """What `localec2 check --json` says of this machine: ok, sentence, remedy, required."""
    argv = [sys.executable, "-m", "localec2", "check", "--json"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    try:
        said: list[dict[str, Any]] = json.loads(done.stdout)  # its exit code is 1 where something is missing
    except ValueError as error:
        raise _said(done.stderr.splitlines(), done.returncode) from error
    return said


def localec2(arguments: Sequence[str], *, say: Callable[[str], None]) -> str:
    """Run EC2 on this machine's own program; its progress lines go to `say`, what it prints is returned.

    Raises RoostError in its words.
    """
    argv = [sys.executable, "-m", "localec2", *arguments]
    lines: list[str] = []
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        if process.stdout is None or process.stderr is None:
            raise RoostError("the localec2 process has no pipes")
        for line in process.stderr:
            lines.append(line.rstrip())
            if not any(one.startswith(_SAYS_NO) for one in lines):
                say(line.rstrip())
        printed = process.stdout.read()
    if process.returncode != 0:
        raise _said(lines, process.returncode)
    return printed


def control(path: str, body: object = None) -> Any:
    """Ask or tell EC2 on this machine itself (`/_localec2/...`): what goes wrong on purpose. Raises RoostError."""
    return json.loads(localec2(["control", path, *([] if body is None else [json.dumps(body)])], say=lambda _: None))


def _said(lines: Sequence[str], exit_code: int) -> RoostError:
    """Its last words as our error: a line that begins with its name, and one that says what to type.

    >>> error = _said(["started", "localec2: port 5950 is taken", "Choose one with `localec2 start --port N`."], 1)
    >>> error.message, error.hint
    ('EC2 on this machine: port 5950 is taken', 'Choose one with `roost local start --port N`.')
    """
    starts = [number for number, line in enumerate(lines) if line.startswith(_SAYS_NO)]
    if not starts:
        last = " / ".join(lines[-3:]) or "without a word"
        return RoostError(f"EC2 on this machine ended with exit code {exit_code}: {last}", "roost local status")
    said = lines[starts[0]].removeprefix(_SAYS_NO)
    said = said if said.startswith("EC2 on this machine") else f"EC2 on this machine: {said}"
    hint = " ".join(lines[starts[0] + 1 :])
    return RoostError(said, re.sub(r"\blocalec2 (start|stop|status)\b", r"roost local \1", hint))


def _given_address() -> str | None:
    given = os.environ.get("ROOST_MY_ADDRESS")
    if not given:
        return None
    return _address(given, UsageError("ROOST_MY_ADDRESS is no IPv4 address: " + given, "ROOST_MY_ADDRESS=192.0.2.7"))


def own_address_on_the_internet() -> str:
    given = _given_address()
    if given:
        return given
    problem = CloudError(
        f"could not learn this machine's public address from {_ADDRESS_URL}",
        "set it yourself: ROOST_MY_ADDRESS=<your public IPv4 address>",
    )
    try:
        with urllib.request.urlopen(_ADDRESS_URL, timeout=10) as answer:
            return _address(answer.read(64).decode(errors="replace").strip(), problem)
    except OSError as error:
        raise problem from error


def _address(text: str, problem: RoostError) -> str:
    try:
        return str(IPv4Address(text))
    except AddressValueError as error:
        raise problem from error
