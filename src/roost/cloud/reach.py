"""shell (HTTP, TCP): what of the network lies between this machine and a cloud, and what time it is there."""

import socket
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from roost.errors import CloudError

_TIMEOUT_S = 8.0


def time_at(url: str) -> datetime:
    """The clock of a web server, from the Date of its answer, whatever that says. Raises CloudError without one."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=_TIMEOUT_S) as answer:
            date = answer.headers["Date"]
    except urllib.error.HTTPError as error:
        date = error.headers["Date"]
    except OSError as error:
        raise _out_of_reach(url, error) from error
    try:
        return parsedate_to_datetime(date)
    except (TypeError, ValueError) as error:
        raise CloudError(f"{url} answers without a Date", "a proxy in between? Look at HTTPS_PROXY") from error


def reached(host: str, port: int) -> str:
    """The address that took a TCP connection. Raises CloudError where none comes about."""
    try:
        with socket.create_connection((host, port), timeout=_TIMEOUT_S) as connection:
            return str(connection.getpeername()[0])
    except OSError as error:
        raise CloudError(
            f"no connection to {host}, port {port}: {_reason(error)}",
            f"let this machine connect to TCP port {port} of the instances (a firewall of this network?)",
        ) from error


def _out_of_reach(url: str, error: OSError) -> CloudError:
    host = urllib.parse.urlsplit(url).hostname
    return CloudError(f"no answer from {host}: {_reason(error)}", "look at the network, HTTPS_PROXY and `region:`")


def _reason(error: OSError) -> str:
    inner = getattr(error, "reason", error)
    return str(getattr(inner, "strerror", None) or inner)


class _Stay(urllib.request.HTTPRedirectHandler):
    """EC2's endpoint sends a browser to its advertisement: the answer is all we want."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None
