"""An S3 server that checks signatures (rclone's), and in front of it a door that notes who came.

In: the address that instances reach, keys, a directory whose directories are buckets. Out: its URL, what was asked.
"""

import http.client
import ipaddress
import shutil
import socket
import ssl
import subprocess
import sysconfig
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEYS = ("AKIDOFTHETESTS", "the-secret-of-the-tests")
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Server:
    url: str
    buckets: Path
    seen: list[tuple[str, str, str, int]] = field(default_factory=list)  # (who, method, path, status)
    authority: str = ""  # PEM of who vouches for it

    @property
    def address(self) -> str:
        """host:port"""
        return self.url.rpartition("/")[2]

    @property
    def env(self) -> dict[str, str]:
        """What points any S3 client here."""
        return {
            "AWS_ENDPOINT_URL_S3": self.url,
            "AWS_ACCESS_KEY_ID": KEYS[0],
            "AWS_SECRET_ACCESS_KEY": KEYS[1],
            "AWS_REGION": "eu-north-1",
        }


@contextmanager
def s3_server(
    address: str, directory: Path, *, keys: tuple[str, str] = KEYS, is_secure: bool = False
) -> Iterator[S3Server]:
    buckets = directory / "buckets"
    buckets.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    rclone = shutil.which("rclone", path=sysconfig.get_path("scripts"))  # of this environment, active or not
    assert rclone is not None, "rclone comes with the tests' dependencies"
    behind = subprocess.Popen(
        [rclone, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", ",".join(keys), str(buckets)],
        env={"HOME": str(directory), "RCLONE_CONFIG": "/dev/null"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        found: list[tuple[str, str, str, int]] = []
        server = ThreadingHTTPServer((address, 0), _door(f"127.0.0.1:{port}", found))
        server.daemon_threads = True
        authority = ""
        if is_secure:
            authority, context = _certified(address, directory)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        scheme = "https" if is_secure else "http"
        try:
            url = f"{scheme}://{address}:{server.server_port}"
            yield S3Server(url=url, buckets=buckets, seen=found, authority=authority)
        finally:
            server.shutdown()
            server.server_close()
    finally:
        behind.terminate()
        behind.wait(10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline, "rclone does not listen"
        time.sleep(0.1)


def _door(upstream: str, seen: list[tuple[str, str, str, int]]) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        """The request as it is, its Host too: that is signed."""

        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(upstream, timeout=60)
            try:
                connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            seen.append((self.client_address[0], self.command, self.path, answer.status))
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            length = answer.getheader("Content-Length") or "0" if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on

        def log_message(self, format: str, *args: object) -> None:
            """Told in `seen`."""

    return Door


def _certified(address: str, directory: Path) -> tuple[str, ssl.SSLContext]:
    """An authority's certificate, and the server's by it."""
    now = datetime.now(UTC)

    def certificate(name: str, key: ec.EllipticCurvePrivateKey, issuer: str) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )

    ours, its = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    authority = certificate("tests", ours, "tests").add_extension(constraints, critical=True)
    known_as = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    server = certificate("s3", its, "tests").add_extension(known_as, critical=False)
    pem = authority.sign(ours, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    file = directory / "server.pem"
    key = its.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key + server.sign(ours, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return pem.decode(), context
