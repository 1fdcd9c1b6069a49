"""pure: how long ago something was made, in words."""

from datetime import datetime


def age(since: datetime | None, now: datetime) -> str:
    """Empty where nobody knows.

    >>> age(datetime(2026, 11, 20), datetime(2026, 11, 20, 1, 59)), age(datetime(2026, 11, 20), datetime(2026, 11, 23))
    ('119 min', '3 d')
    """
    if since is None:
        return ""
    hours = max(0.0, (now - since).total_seconds() / 3600)
    return f"{hours * 60:.0f} min" if hours < 2 else f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} d"
