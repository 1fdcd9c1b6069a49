"""pure: Python's cycle collector, off while many objects are made and few are dropped."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Reading and planning 100,000 tasks: the collector would look at all of them again and again.

    What was made counts as old afterwards, as if it had been looked at: the next look would take half a second.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if not gc.get_freeze_count():
                gc.freeze()
                gc.unfreeze()  # into the oldest generation
            gc.enable()
