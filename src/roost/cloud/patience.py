"""shell (the clock): calls that EC2 refuses for a while, and takes a little later."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from botocore.exceptions import ClientError

T = TypeVar("T")
_POLL_S = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    pause: Callable[[float], None] = time.sleep  # s
    clock: Callable[[], float] = time.monotonic  # s

    def insist(self, call: Callable[[], T], *, codes: Collection[str], for_s: float) -> T:
        """Again for as long as the answer is one of these error codes; then its ClientError."""
        deadline = self.clock() + for_s
        while True:
            try:
                return call()
            except ClientError as error:
                if error_code(error) not in codes or self.clock() > deadline:
                    raise
                self.pause(_POLL_S)

    def remove(self, call: Callable[[], object], *, codes: Collection[str], for_s: float) -> None:
        """The same of what removes something: what is gone already is removed."""
        try:
            self.insist(call, codes=codes, for_s=for_s)
        except ClientError as error:
            if "NotFound" not in error_code(error):
                raise


def error_code(error: ClientError) -> str:
    """As the service's API reference has it.

    >>> error_code(ClientError({"Error": {"Code": "VolumeInUse"}}, "DeleteVolume"))
    'VolumeInUse'
    """
    return str(error.response["Error"]["Code"])
