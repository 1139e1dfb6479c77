"""Bytes, and how far one is with them, in words."""


def size(count: float) -> str:
    """Bytes for people.

    >>> size(512), size(1536), size(5 * 2**30)
    ('512 B', '1.5 KiB', '5.0 GiB')
    """
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def line(there: int, total: int, rate: float) -> str:
    """How far it is, for people.

    >>> line(2 << 30, 5 << 30, 64 << 20)
    '2.0 GiB of 5.0 GiB, 64.0 MiB/s, 48 s to go'
    >>> line(2 << 30, 5 << 30, 0)
    '2.0 GiB of 5.0 GiB, 0 B/s'
    """
    seconds = (total - there) / rate if rate else 0
    left = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"{size(there)} of {size(total)}, {size(rate)}/s" + (f", {left} to go" if rate else "")
