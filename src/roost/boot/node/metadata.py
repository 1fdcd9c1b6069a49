"""shell (169.254.169.254): the instance metadata service, version 2 only.

Answers arrive as text; a service that is not up yet is asked again for `patience_s`.
"""

import time
import urllib.error
import urllib.request

_SERVICE = "http://169.254.169.254/latest"
_PAUSE_S = 0.3


class MetadataError(Exception):
    """The metadata service did not answer as EC2's does."""


class Metadata:
    """One session with the service."""

    def __init__(self, *, patience_s: float = 60) -> None:
        self._give_up_at = time.monotonic() + patience_s
        self._token = self._ask("PUT", "/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "300"}).decode()

    def get(self, path: str) -> str:
        return self._get(f"/meta-data/{path}").decode()

    def find(self, path: str) -> str:
        """The same; empty where this instance has no such thing."""
        return self._find(f"/meta-data/{path}").decode()

    def user_data(self) -> bytes:
        """As it was given, compressed or not; empty where there is none."""
        return self._find("/user-data")

    def _find(self, path: str) -> bytes:
        try:
            return self._get(path)
        except MetadataError as error:
            if isinstance(error.__cause__, urllib.error.HTTPError) and error.__cause__.code == 404:
                return b""
            raise

    def _get(self, path: str) -> bytes:
        return self._ask("GET", path, {"X-aws-ec2-metadata-token": self._token})

    def _ask(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        request = urllib.request.Request(_SERVICE + path, method=method, headers=headers)
        while True:
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    body: bytes = answer.read()
                    return body
            except OSError as error:  # URLError and HTTPError are OSErrors
                transient = not isinstance(error, urllib.error.HTTPError) or error.code >= 500 or error.code == 429
                if not transient or time.monotonic() > self._give_up_at:
                    raise MetadataError(f"{method} {_SERVICE}{path}: {error}") from error
            time.sleep(_PAUSE_S)
