"""pure: every error a user can meet, with its exit code.

A message says what was asked and what happened; the hint says what to type next. Vendor errors are translated once, in
the vendor's module, `from` the original. Only `cli.main` catches them all.
"""


class RoostError(Exception):
    """Something failed that the user can read about and act on."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(RoostError):
    """What was typed, or what a file says, is wrong: the message names the place and the nearest valid word."""

    exit_code = 2


class NotFoundError(RoostError):
    """What was asked for by name does not exist."""

    exit_code = 3


class PartialError(RoostError):
    """Some instances or jobs failed, others did not."""

    exit_code = 4


class WaitTimeoutError(RoostError):
    """What we waited for did not happen in time."""

    exit_code = 5


class RefusedError(RoostError):
    """The budget or a quota does not allow it."""

    exit_code = 6


class CloudError(RoostError):
    """EC2, its credentials or the network said no."""

    exit_code = 7


class StillBillableError(RoostError):
    """Something that costs money is left."""

    exit_code = 8
