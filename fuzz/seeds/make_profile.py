#!/usr/bin/env python3
"""Writes the seeds of fuzz_profile into the directory given: one feature of profile.proto each."""
import os
import sys


def varint(v):
    v &= (1 << 64) - 1
    out = bytearray()
    while v >= 0x80:
        out.append(v & 0x7F | 0x80)
        v >>= 7
    out.append(v)
    return bytes(out)


def num(field, v):
    return varint(field << 3) + varint(v)


def msg(field, *parts):
    body = b"".join(parts)
    return varint(field << 3 | 2) + varint(len(body)) + body


def packed(field, *values):
    return msg(field, *(varint(v) for v in values))


def strings(*more):
    table = ["", "samples", "count", "cpu", "nanoseconds", "main", "/bin/a", "pid", "1", *more]
    return b"".join(msg(6, s if isinstance(s, bytes) else s.encode()) for s in table)


HEAD = msg(1, num(1, 1), num(2, 2)) + msg(1, num(1, 3), num(2, 4))
MAPPING = msg(3, num(1, 1), num(2, 0x1000), num(3, 0x2000), num(5, 6), num(7, 1))
FUNCTION = msg(5, num(1, 1), num(2, 5), num(3, 5), num(4, 6), num(5, 10))
LOCATION = msg(4, num(1, 1), num(2, 1), num(3, 0x1234), msg(4, num(1, 1), num(2, 11)))
LABEL = msg(3, num(1, 7), num(2, 8))
SAMPLE = msg(2, packed(1, 1), packed(2, 1, 20408163), LABEL)
BODY = SAMPLE + MAPPING + LOCATION + FUNCTION
TAIL = num(9, 1795370400 * 10**9) + num(10, 60 * 10**9) + msg(11, num(1, 3), num(2, 4)) + num(12, 20408163)

SEEDS = {
    "whole": HEAD + BODY + strings() + TAIL + num(14, 3),
    "no-samples": HEAD + strings() + TAIL,
    "strings-first": strings() + HEAD + BODY + TAIL,
    "unpacked": HEAD + msg(2, num(1, 1), num(2, 1), num(2, 5)) + MAPPING + LOCATION + FUNCTION + strings(),
    "ids-high": HEAD + msg(2, packed(1, 2**40), packed(2, 1, 1)) + msg(4, num(1, 2**40), num(3, 5)) + strings(),
    "ids-reverse": HEAD + b"".join(msg(4, num(1, i), num(3, i)) for i in (5, 4, 3, 2, 1))
    + msg(2, packed(1, 1, 2, 3, 4, 5), packed(2, 1, 1)) + strings(),
    "ids-twice": HEAD + MAPPING + MAPPING + strings(),
    "id-zero": HEAD + msg(5, num(2, 5)) + strings(),
    "inlines": HEAD + FUNCTION + msg(5, num(1, 2), num(2, 7))
    + msg(4, num(1, 1), num(3, 9), msg(4, num(1, 2), num(2, 1)), msg(4, num(1, 1), num(2, -5)))
    + msg(2, packed(1, 1), packed(2, 1, 1)) + strings(),
    "pseudo": HEAD + FUNCTION + msg(4, num(1, 1), msg(4, num(1, 1))) + msg(2, packed(1, 1), packed(2, 1, 1)) + strings(),
    "no-stack": HEAD + msg(2, packed(2, 3, 60)) + strings(),
    "zero-values": HEAD + msg(2, packed(1, 1), packed(2, 0, 0)) + MAPPING + LOCATION + FUNCTION + strings(),
    "equal-samples": HEAD + SAMPLE + BODY + strings(),
    "big-values": HEAD + msg(2, packed(1, 1), packed(2, 2**63 - 1, 1)) * 2 + MAPPING + LOCATION + FUNCTION + strings(),
    "negative-value": HEAD + msg(2, packed(1, 1), packed(2, -1, 1)) + MAPPING + LOCATION + FUNCTION + strings(),
    "numeric-labels": HEAD + msg(2, packed(1, 1), packed(2, 1, 1), msg(3, num(1, 7), num(3, -9), num(4, 2)),
                                 msg(3, num(1, 3), num(3, 0))) + MAPPING + LOCATION + FUNCTION + strings(),
    "labels-unordered": HEAD + msg(2, packed(1, 1), packed(2, 1, 1), msg(3, num(1, 7), num(2, 8)), msg(3, num(1, 3), num(2, 8)),
                                   msg(3, num(1, 7), num(2, 5)), msg(3, num(1, 9), num(2, 5)))
    + MAPPING + LOCATION + FUNCTION + strings("thread id"),
    "not-utf8": HEAD + BODY + strings(b"\xff\xfe\x80", b"caf\xc3", "новый".encode(), b"line\nbreak", b"nul\0nul"),
    "type-hyphen": msg(1, num(1, 9), num(2, 2)) + strings("off-cpu") + num(14, 9),
    "eight-types": msg(1, num(1, 1), num(2, 2)) * 8 + strings(),
    "nine-types": msg(1, num(1, 1), num(2, 2)) * 9 + strings(),
    "comments": HEAD + strings("pprofd 0.1") + packed(13, 9, 9, 5) + num(13, 6),
    "drop-frames": HEAD + strings(".*") + num(7, 9) + num(8, 9),
    "doc-url-unknown": HEAD + BODY + strings() + num(15, 5) + varint(100 << 3 | 5) + b"abcd" + varint(101 << 3 | 1) + b"abcdefgh",
    "concatenated": (HEAD + BODY + strings() + TAIL) * 2,
    "equal-functions": HEAD + FUNCTION + msg(5, num(1, 2), num(2, 5), num(3, 5), num(4, 6), num(5, 10))
    + msg(4, num(1, 1), msg(4, num(1, 1))) + msg(4, num(1, 2), msg(4, num(1, 2)))
    + msg(2, packed(1, 1, 2), packed(2, 1, 1)) + strings(),
    "truncated": (HEAD + BODY + strings())[:-9],
    "group": HEAD + BODY + strings() + varint(16 << 3 | 3) + varint(16 << 3 | 4),
    "long-varint": HEAD + strings() + varint(9 << 3) + b"\xff" * 9 + b"\x01",
    "empty": b"",
    "mapping-whole": HEAD + SAMPLE + msg(3, *(num(i, 5) for i in range(5, 7)), num(1, 1), num(2, 0x1000), num(3, 0x2000), num(4, 4096),
                                         num(7, 1), num(8, 1), num(9, 1), num(10, 1)) + LOCATION + FUNCTION + strings(),
    "wrong-type": HEAD + num(2, 5) + strings(),
    "wrong-scalar": HEAD + msg(9, b"x") + strings(),
    "packed-damaged": HEAD + msg(2, msg(1, b"\x80")) + strings(),
    "string-missing": HEAD + num(14, 900) + strings(),
    "location-missing": HEAD + msg(2, packed(1, 9), packed(2, 1, 1)) + strings(),
    "first-string": HEAD + msg(6, b"x") + strings(),
    "type-digit": msg(1, num(1, 9), num(2, 2)) + strings("9lives"),
    "no-lines": HEAD + SAMPLE + MAPPING + msg(4, num(1, 1), num(2, 1), num(3, 0x1234)) + strings(),
    "two-of-one-address": HEAD + msg(2, packed(1, 1, 2, 3), packed(2, 1, 1)) + MAPPING + FUNCTION + LOCATION
    + msg(4, num(1, 2), num(2, 1), num(3, 0x1234)) + msg(4, num(1, 3), num(2, 1), num(3, 0x1234), msg(4, num(1, 1), num(2, 12)))
    + strings(),
    "deep": HEAD + msg(2, packed(1, *([1] * 300)), packed(2, 1, 1), LABEL) + MAPPING + LOCATION + FUNCTION + strings(),
}

for name, data in SEEDS.items():
    with open(os.path.join(sys.argv[1], name), "wb") as f:
        f.write(data)
