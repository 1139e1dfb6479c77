"""Archives that must be refused, each with a part of what has to be said about it: a table, made by loops."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple

GOOD = {"config.pbtxt": b'backend: "onnxruntime"\n', "1/model.onnx": bytes(range(256)) * 20}
TARS = ("tar", "tar.gz")

NAMES = (
    *("../x", "../../etc/passwd", "1/../../x", "1/../config", "..", "1/..", "./../x", "././x", "1/./x"),
    *("/etc/passwd", "//etc/passwd", "/", "1//x", "..\\x", "1\\model.onnx", "C:\\x", "\\\\host\\x"),
    *("1/new\nline", "1/tab\t", "1/bell\x07", "1/\x7f", "1/\x85", "1/.wh.model.onnx", ".wh..wh..opq"),
    *("a" * 256, "/".join("d" * 40), "/".join(["d" * 200] * 6)),
)
"""Names that lead elsewhere, hide something, or cannot be written everywhere."""

TAKEN = ("config.pbtxt", "config.pbtxt/x", "1", "1/model.onnx", "1/model.onnx/x")
"""Names that the good files have, or that cannot lie beside them."""


class Case(NamedTuple):
    """One archive.

    Attributes:
        ending: of its name.
        said: a part of the message.
    """

    name: str
    ending: str
    content: bytes
    said: str


def cases() -> Iterator[Case]:
    """All of them."""
    for make in (_names, _kinds_of_tar, _kinds_of_zip, _headers, _cut, _flipped, _bombs, _others):
        yield from make()


def tar(*members: tarfile.TarInfo | tuple[str, bytes], form: int = tarfile.PAX_FORMAT, good: bool = True) -> bytes:
    """A tar of the good files and of these."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as archive:
        for name, content in [*(GOOD.items() if good else ()), *(m for m in members if isinstance(m, tuple))]:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in (m for m in members if isinstance(m, tarfile.TarInfo)):
            archive.addfile(member)
    return file.getvalue()


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of the good files and of these."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in (*GOOD.items(), *members):
            archive.writestr(name, content)
    return file.getvalue()


def packed(content: bytes, ending: str) -> bytes:
    """A tar, compressed if its name says so."""
    return gzip.compress(content, 1, mtime=0) if ending.endswith("gz") else content


def _names() -> Iterator[Case]:
    for name in NAMES:
        said = "takes away" if ".wh." in name else "whose name cannot be used"
        for form, word in ((tarfile.PAX_FORMAT, "pax"), (tarfile.GNU_FORMAT, "gnu")):
            yield Case(f"{word} {name[:30]!r}", "tar", tar((name, b"x"), form=form), said)
        folder = tarfile.TarInfo(name)
        folder.type = tarfile.DIRTYPE
        # The library cuts slashes off the end of a folder's name; what is left of / is nothing, and harmless.
        if name != "/":
            yield Case(f"folder {name[:30]!r}", "tar.gz", packed(tar(folder), "tar.gz"), said)
        yield Case(f"zip {name[:30]!r}", "zip", zipped((name, b"x")), said if name != "/" else "a folder with content")
    for name in TAKEN:
        for ending in TARS:
            yield Case(f"taken {name}", ending, packed(tar((name, b"x")), ending), "whose name is taken")
    yield Case("zero in a zip's name", "zip", zipped(("1/aXb", b"x")).replace(b"1/aXb", b"1/a\0b"), "cannot be used")
    yield Case("no text", "tar", tar(("1/a\udcff", b"x")), "cannot be used")


def _kinds_of_tar() -> Iterator[Case]:
    kinds = {tarfile.SYMTYPE: "a link", tarfile.LNKTYPE: "a link", tarfile.FIFOTYPE: "a named pipe"}
    kinds |= {tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device"}
    kinds |= dict.fromkeys((b"D", b"M", b"N", b"V", b"Z", b"!"), "of an unknown kind")
    for kind, said in kinds.items():
        for target in ("config.pbtxt", "../../etc/passwd", "/etc/passwd", "/", "."):
            for ending in TARS:
                member = tarfile.TarInfo("1/labels.txt")
                member.type, member.linkname = kind, target
                member.devmajor, member.devminor = 1, 3
                yield Case(f"{kind.decode()} to {target}", ending, packed(tar(member), ending), said)
    first = tarfile.TarInfo("1")
    first.type, first.linkname = tarfile.SYMTYPE, "/tmp"
    yield Case("a link where a folder would be", "tar", tar(first, good=False), "which is a link")


def _kinds_of_zip() -> Iterator[Case]:
    kinds = {stat.S_IFLNK: "a link", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    kinds |= {stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    for kind, said in kinds.items():
        for target in (b"config.pbtxt", b"/etc/passwd"):
            member = zipfile.ZipInfo("1/labels.txt")
            member.external_attr = (kind | 0o777) << 16
            yield Case(f"{said} to {target!r}", "zip", zipped((member, target)), said)
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        yield Case(f"method {method}", "zip", zipped(method=method), "compressed in an unusual way")
    yield Case("method 97", "zip", _patched_zip(10, 8, 97), "compressed in an unusual way")
    yield Case("encrypted", "zip", _patched_zip(8, 6, 1), "encrypted")
    yield Case("a folder with content", "zip", zipped(("2/", b"content")), "a folder with content")


def _patched_zip(central: int, local: int, value: int) -> bytes:
    """A zip whose last member has another value at these offsets in its two headers."""
    content = bytearray(zipped())
    struct.pack_into("<H", content, content.rindex(b"PK\x01\x02") + central, value)
    struct.pack_into("<H", content, content.rindex(b"PK\x03\x04") + local, value)
    return bytes(content)


def _headers() -> Iterator[Case]:
    for ending in TARS:
        for size in (-1, -512, -5120):
            member = tarfile.TarInfo("1/x")
            member.pax_headers = {"size": str(size)}
            yield Case(f"pax size {size}", ending, packed(tar(member), ending), "negative size")
            raw = bytearray(tar())
            yield Case(f"size {size}", ending, packed(bytes(_with_size(raw, size)), ending), "")
        for length in (1 << 20, 1 << 33, -512):
            header = _header(b"x", length)
            yield Case(f"a pax header of {length}", ending, packed(header + bytes(4096), ending), "")
            yield Case(f"a long name of {length}", ending, packed(_header(b"L", length) + bytes(4096), ending), "")
        sparse = tarfile.TarInfo("1/sparse")
        sparse.pax_headers = {
            "GNU.sparse.major": "0",
            "GNU.sparse.minor": "1",
            "GNU.sparse.map": "0,1",
            "GNU.sparse.size": "9",
        }
        yield Case("sparse by pax", ending, packed(tar(sparse), ending), "sparse")
        old = tarfile.TarInfo("1/sparse")
        old.type = tarfile.GNUTYPE_SPARSE
        yield Case("sparse of old", ending, packed(tar(old, form=tarfile.GNU_FORMAT), ending), "")
        for name in ("../x", "/etc/passwd", "1/../../x"):
            moved = tarfile.TarInfo("1/x")
            moved.pax_headers = {"path": name}
            yield Case(f"pax path {name}", ending, packed(tar(moved), ending), "cannot be used")
        chain = b"".join(_header(b"x", 0) for _ in range(3000))
        yield Case("headers of headers", ending, packed(chain + bytes(4096), ending), "")


def _header(kind: bytes, size: int) -> bytes:
    member = tarfile.TarInfo("././@PaxHeader")
    member.type = kind
    return bytes(_with_size(bytearray(member.tobuf(tarfile.GNU_FORMAT)), size))


def _with_size(raw: bytearray, size: int) -> bytearray:
    """A tar whose first header says this size, in base 256."""
    raw[124:136] = (b"\xff" if size < 0 else b"\x80") + size.to_bytes(11, "big", signed=True)
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw[:512])
    return raw


def _cut() -> Iterator[Case]:
    whole = tar()
    end = whole.rindex(GOOD["1/model.onnx"]) + len(GOOD["1/model.onnx"])
    for offset in range(0, end, max(1, end // 40)):
        yield Case(f"cut at {offset}", "tar", whole[:offset], "")
    for content, ending in ((packed(whole, "tgz"), "tgz"), (zipped(), "zip")):
        for offset in range(0, len(content) - 1, max(1, len(content) // 30)):
            yield Case(f"cut at {offset}", ending, content[:offset], "")


def _flipped() -> Iterator[Case]:
    compressed = bytearray(packed(tar(), "tgz"))
    for offset in range(10, len(compressed), max(1, len(compressed) // 25)):
        flipped = bytearray(compressed)
        flipped[offset] ^= 0x55
        yield Case(f"flipped at {offset}", "tar.gz", bytes(flipped), "")
    whole = bytearray(tar())
    second = 512 + 512  # the header of the second file
    for offset in (0, 100, 124, 148, 156, 257):
        flipped = bytearray(whole)
        flipped[second + offset] ^= 0x01
        yield Case(f"a header flipped at {offset}", "tar", bytes(flipped), "damaged, or cut off")


def _bombs() -> Iterator[Case]:
    zeros = bytes(3 << 20)  # the test's bound is 1 MiB
    for name in ("1/model.onnx", "labels.txt"):
        content = gzip.compress(tar((f"2/{name}", zeros)), 9)
        yield Case(f"many zeros in {name}", "tar.gz", content, "100 times its own size")
        yield Case(f"many zeros in {name}", "zip", zipped((f"2/{name}", zeros)), "100 times its own size")
    yield Case("zeros at the end", "tar.gz", gzip.compress(tar() + bytes(80 << 20), 9), "100 times its own size")
    yield Case("says terabytes", "tar", bytes(_with_size(bytearray(tar()), 9 << 40)), "100 times its own size")
    folders = [tarfile.TarInfo(f"{number}/") for number in range(20_001)]
    for each in folders:
        each.type = tarfile.DIRTYPE
    yield Case("many folders", "tar.gz", packed(tar(*folders), "tar.gz"), "more than 20000 members")
    yield Case("many files", "tar", tar(*((f"2/{number}", b"") for number in range(10_001))), "more than 10000 files")
    # Two members of a zip that are the same bytes: a list of many such is a bomb.
    shared = zipped(("2/a", bytes(5000)), ("2/b", bytes(5000)))
    first = shared.index(b"PK\x03\x04", shared.index(b"2/a") - 30)
    overlapping = bytearray(shared)
    struct.pack_into("<L", overlapping, shared.rindex(b"PK\x01\x02") + 42, first)
    yield Case("members that share their bytes", "zip", bytes(overlapping), "")


def _others() -> Iterator[Case]:
    for ending in ("tar", "tar.gz", "tgz", "zip"):
        yield Case("of another kind", ending, b"just text, and rather more than a block of it " * 40, "damaged")
        yield Case("nothing", ending, b"", "damaged")
    yield Case("a tar without files", "tar", tar(good=False), "holds no files")
    yield Case("a zip in place of a tar", "tar", zipped(), "damaged")
    yield Case("a tar in place of a zip", "zip", tar(), "damaged")
    changed = bytearray(zipped())
    changed[changed.index(b"config.pbtxt")] ^= 1
    yield Case("two names for a member", "zip", bytes(changed), "damaged")
    broken = bytearray(zipped(method=zipfile.ZIP_STORED))
    broken[broken.index(GOOD["1/model.onnx"]) + 100] ^= 1
    yield Case("another checksum", "zip", bytes(broken), "damaged")
    wrong = bytearray(packed(tar(), "tgz"))
    wrong[-8:-4] = struct.pack("<L", zlib.crc32(b"another"))
    yield Case("another checksum", "tgz", bytes(wrong), "damaged")
