"""shell (sockets): serves `dns` over UDP; what is not ours goes to this machine's own resolver."""

import logging
import socket
import socketserver
import threading
from collections.abc import Callable
from pathlib import Path

from localec2 import dns

log = logging.getLogger(__name__)
UPSTREAM_TIMEOUT_S = 2.0


class DnsServer(socketserver.ThreadingUDPServer):
    daemon_threads = True

    def __init__(self, listening: socket.socket, *, zone: Callable[[], dns.Zone], upstream: str | None) -> None:
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.zone = zone
        self.upstream = upstream

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, name="dns", daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 -- as socketserver calls it
        log.exception("a request of %s failed", client_address)


def upstream_resolver(resolv_conf: Path = Path("/etc/resolv.conf")) -> str | None:
    """The first IPv4 name server of this machine."""
    if not resolv_conf.is_file():
        return None
    lines = (line.split() for line in resolv_conf.read_text().splitlines())
    servers = [words[1] for words in lines if len(words) >= 2 and words[0] == "nameserver" and ":" not in words[1]]
    return servers[0] if servers else None


class _Handler(socketserver.BaseRequestHandler):
    server: DnsServer

    def handle(self) -> None:
        query: bytes
        listening: socket.socket
        query, listening = self.request
        try:
            answer = dns.reply(query, self.server.zone()) or self._forwarded(query)
        except ValueError as error:
            log.debug("ignored a packet from %s: %s", self.client_address[0], error)
            return
        listening.sendto(answer, self.client_address)

    def _forwarded(self, query: bytes) -> bytes:
        """A resolver that cannot answer must say so at once: cloud-init waits a minute for a silent one."""
        if self.server.upstream is None:
            return dns.failure(query)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.settimeout(UPSTREAM_TIMEOUT_S)
            try:
                out.sendto(query, (self.server.upstream, 53))
                return out.recv(4096)
            except OSError:
                return dns.failure(query)
