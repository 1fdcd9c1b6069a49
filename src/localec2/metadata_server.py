"""shell (sockets): serves `metadata` over HTTP, to whoever asks from an instance's address."""

import http.server
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import ClassVar

from localec2.metadata import Answer, Request, Subject, answer

log = logging.getLogger(__name__)


class MetadataServer(http.server.ThreadingHTTPServer):
    """`subject` finds who asks by the address, with what the path needs; `read` is told who has read something."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self,
        listening: socket.socket,
        *,
        subject: Callable[[str, str], Subject | None],
        read: Callable[[str], None],
        secret: bytes,
    ) -> None:
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.subject = subject
        self.read = read
        self.secret = secret

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, name="metadata", daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 -- as socketserver calls it
        log.exception("a request of %s failed", client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: MetadataServer
    server_version = "EC2ws"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[int] = 30

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        log.debug("%s %s", self.address_string(), format % args)

    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        subject = self.server.subject(self.client_address[0], self.path)
        if subject is None:
            self._send(Answer(status=404))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(method=self.command, path=self.path, headers=headers)
        reply = answer(request, subject, secret=self.server.secret, now=time.time())
        self._send(reply)
        if reply.status == 200 and self.command == "GET":
            self.server.read(subject.instance.id)

    def _send(self, reply: Answer) -> None:
        if reply.hop_limit is not None:
            self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, reply.hop_limit)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
