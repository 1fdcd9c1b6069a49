"""pure: `MaxResults` and `NextToken`.

A token names the last item that was given, not a place in the list: items that come or go between two pages move
nothing.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from localec2.errors import INVALID_NEXT_TOKEN, INVALID_VALUE
from localec2.protocol import Params

T = TypeVar("T")


def page(
    items: Sequence[T], params: Params, *, key: Callable[[T], str], least: int = 5, most: int = 1000
) -> tuple[list[T], str | None]:
    """One page in the order of `key`, and the token of the next. Raises `Ec2Error` for a bad size or token."""
    size, token = params.get("MaxResults"), params.get("NextToken")
    if size is None and not token:
        return list(items), None
    if size is not None and size < least:
        raise INVALID_VALUE(value=f" {size} ", name="maxResults", why=f"Expecting a value greater than {least}.")
    ordered = sorted(items, key=key)
    if token:
        last = _last(token)
        ordered = [item for item in ordered if key(item) > last]
    size = min(size or most, most)
    shown = ordered[:size]
    return shown, _token(key(shown[-1])) if len(ordered) > size else None


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(b"after:" + last.encode()).decode()


def _last(token: str) -> str:
    try:
        text = base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError) as error:
        raise INVALID_NEXT_TOKEN(token=token) from error
    if not text.startswith("after:"):
        raise INVALID_NEXT_TOKEN(token=token)
    return text.removeprefix("after:")
