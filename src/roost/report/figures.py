"""pure: figures as people read them: durations, bytes, dollars, shares."""

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
_BYTE_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


def duration(seconds: float | None) -> str:
    """
    >>> [duration(s) for s in (None, 0.004, 1.26, 75, 3725, 190000)]
    ['-', '0.00 s', '1.26 s', '75.0 s', '1 h 02 min', '2 d 04 h']
    >>> duration(600)
    '10 min 00 s'
    """
    if seconds is None:
        return "-"
    if seconds < 100:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _HOUR_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S:02} s"
    if whole < _DAY_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S:02} min"
    return f"{whole // _DAY_S} d {whole % _DAY_S // _HOUR_S:02} h"


def size(count: float) -> str:
    """
    >>> [size(n) for n in (0, 1, 999, 73541324, 5e12)]
    ['0 bytes', '1 byte', '999 bytes', '73.5 MB', '5.0 TB']
    """
    step = 0
    while count >= 1000 and step < len(_BYTE_UNITS) - 1:
        count, step = count / 1000, step + 1
    if step == 0:
        return f"{count:.0f} byte{'' if count == 1 else 's'}"
    return f"{count:.1f} {_BYTE_UNITS[step]}"


def usd(amount: float | None) -> str:
    """
    >>> usd(None), usd(0.0037), usd(12.5)
    ('no price known', '$0.0037', '$12.50')
    """
    if amount is None:
        return "no price known"
    return f"${amount:.4f}" if abs(amount) < 1 else f"${amount:,.2f}"


def share(part: float, whole: float) -> str:
    """
    >>> share(1, 3), share(1, 0)
    ('33%', '')
    """
    return f"{part / whole:.0%}" if whole > 0 else ""


def times(ratio: float) -> str:
    """
    >>> times(1.5), times(10046.2)
    ('1.50', '10,046')
    """
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:,.0f}"


def many(count: int, word: str) -> str:
    """
    >>> many(1, "job"), many(12000, "job"), many(2, "retry")
    ('1 job', '12,000 jobs', '2 retries')
    """
    if count == 1:
        return f"1 {word}"
    plural = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{count:,} {plural}"
