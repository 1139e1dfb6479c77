"""Ways to write a path that some server takes for another one."""

from collections.abc import Iterator

CLOSED = (
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/adder/load"),
    ("POST", "/v2/repository/models/adder/unload"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("POST", "/v2/systemsharedmemory/region/r/register"),
    ("GET", "/v2/cudasharedmemory/status"),
    ("POST", "/v2/cudasharedmemory/unregister"),
    ("GET", "/v2/trace/setting"),
    ("POST", "/v2/models/adder/trace/setting"),
    ("GET", "/v2/logging"),
    ("POST", "/v2/logging"),
    ("GET", "/metrics"),
    ("GET", "/v2/models/stats"),
    ("DELETE", "/v2/models/adder"),
    ("PUT", "/v2/models/adder/infer"),
    ("GET", "/v2/models/adder/infer"),
    ("POST", "/v2/models/adder"),
)
"""What Triton knows, or may learn, and what nobody is to reach."""


def spellings(path: str = "/v2/repository/index") -> Iterator[str]:
    """A path in many forms; to Triton itself only the first means what it says, and to some servers most of them do."""
    first, rest = path[:3], path[3:]
    yield from (path, path + "/", path + "//", path + "?a=b", path + "?/v2/models/adder/infer", path + ";a=b")
    yield from (path.upper(), path.title(), "/V2" + rest, "/v2" + rest.capitalize())
    yield from ("/" + path, "//" + path, "/." + path, "/./" + path[1:], "/x/.." + path, "/x/../." + path)
    yield from (f"/v2/models/adder/..{first and '/..'}{rest}", f"/v2/models/adder/infer/../../..{rest}")
    for dots in ("%2e%2e", "%2E%2E", ".%2e", "%2e.", "%252e%252e", "..;", "..%00", "..%0d", "%c0%ae%c0%ae", "..%5c.."):
        yield f"/v2/models/{dots}{rest}"
        yield f"/v2/models/adder/{dots}/{dots}{rest}"
    for slash in (
        "%2f",
        "%2F",
        "%5c",
        "%5C",
        "\\",
        "/\\",
        "//",
        "///",
        "/./",
        "%252f",
        "%c0%af",
        ";/",
        "/;/",
        "/;a=b/",
    ):
        yield path.replace("/", slash, 1) if slash[0] not in "\\%;" else "/v2" + slash + rest[1:]
        yield "/v2" + rest.replace("/", slash)
    for letter, code in (("r", "%72"), ("e", "%65"), ("r", "%2572"), ("i", "%69"), ("x", "%58"), ("p", "%u0070")):
        yield path.replace(letter, code, 1)
    yield "".join(f"%{ord(character):02x}" if character != "/" else "/" for character in path)
    yield from ("http://gateway" + path, "http://gateway:80/." + path, "https://gateway" + path, "ftp://gateway" + path)
    yield from (path + "%20", path + "%00", path + "%0a", path + "%23", path + "#/v2/models/adder/infer", path[1:])
    yield from ("/v2/models/adder/infer#/../../../.." + rest, "/v2/models/adder%2f..%2f.." + rest, "*", "")
