"""Bytes that are no HTTP, or not quite."""

INFER = b"POST /v2/models/adder/infer HTTP/1.1\r\n"

MALFORMED = {
    "two lengths": INFER + b"host: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
    "length and chunks": INFER + b"host: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks twice": INFER + b"host: a\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": INFER + b"host: a\r\ntransfer-encoding: chunkedd\r\n\r\n0\r\n\r\n",
    "a coding behind a blank": INFER + b"host: a\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    "a length with a sign": INFER + b"host: a\r\ncontent-length: +2\r\n\r\n{}",
    "a negative length": INFER + b"host: a\r\ncontent-length: -1\r\n\r\n{}",
    "a length that is none": INFER + b"host: a\r\ncontent-length: 0x2\r\n\r\n{}",
    "a length without end": INFER + b"host: a\r\ncontent-length: 99999999999999999999999\r\n\r\n{}",
    "no host": INFER + b"content-length: 2\r\n\r\n{}",
    "a header without a colon": INFER + b"host: a\r\nnothing\r\ncontent-length: 2\r\n\r\n{}",
    "a header without a name": INFER + b"host: a\r\n: value\r\ncontent-length: 2\r\n\r\n{}",
    "a blank in a name": INFER + b"host: a\r\nx y: value\r\ncontent-length: 2\r\n\r\n{}",
    "a NUL in a value": INFER + b"host: a\r\nx: a\0b\r\ncontent-length: 2\r\n\r\n{}",
    "a NUL in the path": b"POST /v2/models/adder/infer\0 HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}",
    "an unknown method": b"SUMMON /v2/models/adder/infer HTTP/1.1\r\nhost: a\r\n\r\n",
    "an unknown version": b"POST /v2/models/adder/infer HTTP/7.3\r\nhost: a\r\n\r\n",
    "HTTP/0.9": b"GET /v2/health/live\r\n\r\n",
    "HTTP/1.0": b"GET /v2/health/live HTTP/1.0\r\nhost: a\r\n\r\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 64,
    "a tunnel": b"CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n",
    "an upgrade": b"GET /v2/health/live HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    "a broken preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 32,
}
"""By what is wrong with them; none of it may come to Triton."""

NOT_400 = {
    "chunks twice": 501,
    "an unknown coding": 501,
    "an unknown version": 426,
    "HTTP/0.9": 426,
    "HTTP/1.0": 426,
    "a tunnel": 404,
    "an upgrade": 403,
    "a broken preface of HTTP/2": 0,
}
"""Those that are answered with something else; 0: with no HTTP."""

MENDED = {
    "two hosts": INFER + b"host: a\r\nhost: b\r\ncontent-length: 2\r\n\r\n{}",
    "a lone CR": INFER + b"host: a\r\nx: a\rtransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n{}",
    "a header on two lines": INFER + b"host: a\r\nx: a\r\n transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n{}",
    "lines without CR": INFER.replace(b"\r", b"") + b"host: a\ncontent-length: 2\n\n{}",
}
"""What Envoy reads all the same, and hands on as it should have been."""

BROKEN_CHUNKS = {
    "no number": b"zz\r\n{}\r\n0\r\n\r\n",
    "a negative number": b"-2\r\n{}\r\n0\r\n\r\n",
    "a number without end": b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "too long": b"2\r\n{}}\r\n0\r\n\r\n",
    "a trailer that is none": b"2\r\n{}\r\n0\r\nx\r\n\r\n",
}
"""Bodies in chunks; their headers are as they should be, and come to Triton before the rest is seen."""
