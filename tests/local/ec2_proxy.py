"""An HTTP proxy in front of an EC2 endpoint: it sees every call, and can act at an exact place in a client's life.

In: an endpoint URL. Out: a second endpoint URL, and the names of the actions that were called on it, in their order.
Calls are counted from 1, and only those that change something (not Describe*, not Get*).
"""

import http.client
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

Hook = Callable[[], object]
_EXPIRED = (
    b"<Response><Errors><Error><Code>RequestExpired</Code><Message>Request has expired.</Message></Error></Errors>"
    b"<RequestID>r</RequestID></Response>"
)
_UNAUTHORIZED = (
    b"<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>%s</Message></Error></Errors>"
    b"<RequestID>r</RequestID></Response>"
)
_SCOPE = re.compile(r"Credential=[^/]*/[^/]*/(?P<region>[^/]*)/")  # of AWS' signature version 4
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class Ec2Proxy:
    """Use it as a context manager.

    `before[n]` is called when the nth changing call has arrived and EC2 does not have it yet; `after[n]` when EC2 has
    done it and answered, and the client has not heard the answer. Once `expires_after` changing calls have arrived,
    the credentials have expired: every further call is refused, also one that only looks. `regions`: other endpoints,
    for the calls that are signed for them. `guard`: why a request's body is not authorised; "" where it is.
    """

    def __init__(
        self,
        endpoint_url: str,
        *,
        regions: Mapping[str, str] | None = None,
        guard: Callable[[bytes], str] | None = None,
        address: str = "127.0.0.1",
        before: Mapping[int, Hook] | None = None,
        after: Mapping[int, Hook] | None = None,
        expires_after: int | None = None,
    ) -> None:
        self._upstream = urlsplit(endpoint_url).netloc
        self._regions = {region: urlsplit(url).netloc for region, url in (regions or {}).items()}
        self._before, self._after = dict(before or {}), dict(after or {})
        self._expires_after = expires_after
        self._guard = guard
        self._lock = threading.Lock()
        self._changes: list[str] = []
        self._server = ThreadingHTTPServer((address, 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> "Ec2Proxy":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def endpoint_url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def changes(self) -> list[str]:
        """The changing actions so far."""
        with self._lock:
            return list(self._changes)

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> "Answer":
        """One call there and its answer back, with the hooks around it."""
        if self._expires_after is not None and len(self.changes) >= self._expires_after:
            return Answer(400, [("Content-Type", "text/xml")], _EXPIRED)
        if self._guard and (said := self._guard(body)):
            return Answer(403, [("Content-Type", "text/xml")], _UNAUTHORIZED % said.encode())
        number = self._counted(body)
        if hook := self._before.get(number):
            hook()
        signed_for = _SCOPE.search({name.lower(): its for name, its in headers.items()}.get("authorization", ""))
        upstream = self._regions.get(signed_for["region"] if signed_for else "", self._upstream)
        connection = http.client.HTTPConnection(upstream, timeout=120)
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            response = connection.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()
        if hook := self._after.get(number):
            hook()
        return answer

    def _counted(self, body: bytes) -> int:
        """The number of a changing call; 0 for one that only looks."""
        action = parse_qs(body.decode(errors="replace")).get("Action", ["Describe"])[0]
        if action.startswith(("Describe", "Get")):
            return 0
        with self._lock:
            self._changes.append(action)
            return len(self._changes)


class Answer:
    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


def _handler_of(proxy: Ec2Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            answer = proxy.forward(self.command, self.path, headers, body)
            with suppress(ConnectionError):  # the client may be dead by now: that is what some tests are about
                self.send_response(answer.status)
                for name, value in answer.headers:
                    if name.lower() not in _HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

        do_GET = do_PUT = do_DELETE = do_POST  # other services than EC2 use them (EFS)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a test's output is its own."""

    return Handler
