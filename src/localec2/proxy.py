"""shell (sockets): standard input and output joined to a TCP connection."""

import os
import socket
import threading

from localec2.failures import Localec2Error

CONNECT_TIMEOUT_S = 10.0
_CHUNK = 65536


def join(host: str, port: int) -> None:
    """Until the far side closes. Raises `Localec2Error` when it cannot be reached."""
    try:
        connection = socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S)
    except OSError as error:
        raise Localec2Error(
            f"{host} port {port} cannot be reached: {error}", "Does a security group of the instance admit it?"
        ) from error
    connection.settimeout(None)
    threading.Thread(target=_send, args=(connection,), daemon=True).start()
    while chunk := connection.recv(_CHUNK):
        _write_all(1, chunk)


def _send(connection: socket.socket) -> None:
    while chunk := os.read(0, _CHUNK):
        connection.sendall(chunk)
    connection.shutdown(socket.SHUT_WR)


def _write_all(descriptor: int, chunk: bytes) -> None:
    while chunk:
        chunk = chunk[os.write(descriptor, chunk) :]
