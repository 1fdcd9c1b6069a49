"""pure: the one error that a user of the command line meets (what an EC2 client meets is in the protocol)."""


class Localec2Error(Exception):
    """Says what was asked and what happened; the hint says what to type next. Only `cli.main` catches it."""

    def __init__(self, message: str, hint: str = "", *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code
