"""Which of two versions of an object is the later one."""


def newer(version: str, than: str, *, otherwise: bool) -> bool:
    """Whether a resourceVersion is later than another of the same kind of objects.

    Kubernetes promises from 1.35 on (KEP-5504) that they are decimal numbers and comparable within a kind, and the
    server has numbered objects so ever since it keeps them in etcd. What is no number compares as `otherwise`.

    >>> newer("10", "9", otherwise=False), newer("9", "9", otherwise=True), newer("x", "9", otherwise=True)
    (True, False, True)
    """
    if _is_number(version) and _is_number(than):
        return int(version) > int(than)
    return otherwise


def _is_number(version: str) -> bool:
    return version.isascii() and version.isdigit()
