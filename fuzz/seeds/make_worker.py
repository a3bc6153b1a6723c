#!/usr/bin/env python3
"""Writes the seeds of worker_window and worker_answer beside itself."""
import os
import struct

here = os.path.dirname(os.path.abspath(__file__))


def write(target, seeds):
    os.makedirs(os.path.join(here, target), exist_ok=True)
    for i, (name, data) in enumerate(seeds):
        with open(os.path.join(here, target, f"{i:02}-{name}"), "wb") as f:
            f.write(data)


def varint(v):
    out = b""
    while v >= 0x80:
        out += bytes([v & 0x7f | 0x80])
        v >>= 7
    return out + bytes([v])


def field(number, value):
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value & (1 << 64) - 1)


def message(*fields):
    return b"".join(field(n, v) for n, v in fields)


STRINGS = [b"", b"samples", b"count", b"/usr/bin/a", b"0123abcd", b"pid", b"1"]


def profile(nr_mappings=1, nr_locations=2, samples=1, strings=STRINGS, extra=b""):
    out = field(1, message((1, 1), (2, 2)))
    for i in range(samples):
        stack = b"".join(varint(n + 1) for n in range(nr_locations))
        out += field(2, message((1, stack), (2, varint(i + 1)), (3, message((1, 5), (2, 6)))))
    for i in range(nr_mappings):
        out += field(3, message((1, i + 1), (2, 0x1000 * (i + 1)), (3, 0x1000 * (i + 2)), (5, 3), (6, 4)))
    for i in range(nr_locations):
        out += field(4, message((1, i + 1), (2, min(i + 1, nr_mappings)), (3, 0x1000 * (i + 1) + 8)))
    return out + b"".join(field(6, s) for s in strings) + extra


def window(data, table=(1,), objects=1, symbolize=1, level=6, flags=(0, 0, 0, 0), size=None, mappings=None, type=1, cut=None):
    head = struct.pack("<IIQQIII4BQQ", type, symbolize, 42, len(data) if size is None else size,
                       len(table) if mappings is None else mappings, objects, level, *flags, 1 << 20, 0)
    head += b"\0" * (-len(head) % 8)
    return (head + data + b"".join(struct.pack("<I", t) for t in table))[:cut]


p = profile()
write("worker_window", [
    ("plain", window(p)), ("no-object", window(p, (0,))), ("object-not-sent", window(p, (2,))),
    ("object-huge", window(p, (0xffffffff,))), ("two", window(profile(2), (1, 2), 2)), ("same", window(profile(2), (1, 1))),
    ("many", window(profile(40, 40, 3), range(40), 40)), ("no-mappings", window(profile(0, 2), ())),
    ("table-short", window(p, ())), ("table-long", window(p, (1, 1))), ("table-cut", window(p, cut=-2)),
    ("mappings-lie", window(p, mappings=2)), ("mappings-huge", window(p, mappings=0xffffffff)), ("size-short", window(p, size=len(p) - 3)),
    ("size-long", window(p, size=len(p) + 4)), ("size-huge", window(p, size=1 << 62)), ("empty", window(b"", ())),
    ("garbage", window(b"\xff" * 40)), ("no-strings", window(profile(strings=[]))), ("bad-utf8", window(profile(strings=STRINGS[:3] + [b"\xff\xfe"] * 4))),
    ("unknown-field", window(profile(extra=field(99, b"x" * 9)))), ("kallsyms", window(p, flags=(1, 1, 1, 0))),
    ("flags", window(p, flags=(2, 0, 0, 0))), ("unused", window(p, flags=(0, 0, 0, 1))), ("level-0", window(p, level=0)),
    ("level-10", window(p, level=10)), ("type", window(p, type=2)), ("symbolize", window(p, symbolize=2)), ("objects-many", window(p, objects=65537)),
    ("head-cut", window(p, cut=30)), ("stack-missing", window(profile(1, 0))), ("location-missing", window(p + field(2, message((1, varint(77)), (2, 1))))),
])


def obj(size=20, quarantined=0, files=0):
    return struct.pack("<QQQqqBBBx20s", 2049, 77, 4096, 1, 2, size, quarantined, files, b"\x01" * min(size, 20)).ljust(64, b"\0")


def objects(asked, fds, objs, nr=None, cookie=1, type=2, cut=None):
    data = bytes([asked, fds]) + struct.pack("<IIQ", type, len(objs) if nr is None else nr, cookie) + b"".join(objs)
    return data[:cut]


def parsing(asked, index, cookie=1, fds=0):
    return bytes([asked, fds]) + struct.pack("<IIQ", 3, index, cookie)


def done(status=0, asked=4, cookie=1, counts=(10, 8, 1, 4, 1, 2), kallsyms=0, cut=None, lined=(7, 2, 1, 1)):
    data = bytes([asked, 0]) + struct.pack("<IiQQ6IiI4IQ", 4, status, cookie, 1234, *counts, kallsyms, 0, *lined, 5 * 10**6)
    return data[:cut]


def index(size=4096, fds=1, cut=None):
    return (bytes([0, fds]) + struct.pack("<IIQQQqqQ", 7, 0, 2049, 77, 4096, 1, 2, size))[:cut]


def want(asked=4, index=3, file=1, build_id=b"\xab" * 20, link=b"x.debug", cookie=1, size=None, cut=None, junk=b""):
    data = bytes([asked, 0]) + struct.pack("<IIQI", 8, index, cookie, file) + build_id.ljust(20, b"\0")
    data += bytes([len(build_id) if size is None else size]) + (link + b"\0" * 250 + junk)[:256].ljust(256, b"\0")
    return (data + bytes(7))[:cut]


write("worker_answer", [
    ("one", objects(1, 1, [obj()])), ("three", objects(3, 3, [obj()] * 3)), ("full", objects(200, 60, [obj()] * 60)),
    ("too-many", objects(200, 61, [obj()] * 61)), ("more-than-asked", objects(2, 3, [obj()] * 3)), ("fds-short", objects(3, 2, [obj()] * 3)),
    ("none", objects(3, 0, [])), ("nr-lies", objects(3, 3, [obj()], nr=3)), ("nr-huge", objects(3, 3, [obj()], nr=0xffffffff)),
    ("no-build-id", objects(1, 1, [obj(0)])), ("build-id-long", objects(1, 1, [obj(21)])), ("quarantined", objects(1, 1, [obj(20, 1)])),
    ("quarantined-2", objects(1, 1, [obj(20, 2)])), ("objects-cookie", objects(1, 1, [obj()], cookie=2)), ("objects-cut", objects(1, 1, [obj()], cut=-1)),
    ("parsing", parsing(4, 3)), ("parsing-kallsyms", parsing(4, 0xffffffff)), ("parsing-past", parsing(4, 4)), ("parsing-cookie", parsing(4, 0, 2)),
    ("done", done()), ("done-failed", done(-28)), ("done-positive", done(1)), ("done-low", done(-5000)), ("done-cookie", done(cookie=7)),
    ("done-more-named", done(counts=(1, 2, 0, 0, 0, 0))), ("done-more-objects", done(counts=(1, 1, 0, 5, 0, 0))), ("done-kallsyms", done(kallsyms=-13)),
    ("done-cut", done(cut=-8)), ("type", bytes([1, 0]) + struct.pack("<IIQ", 9, 0, 1)), ("empty", bytes([1, 0])),
    ("done-more-bounded", done(counts=(2, 1, 2, 0, 0, 0))),
    ("done-more-lined", done(lined=(11, 0, 0, 0))),
    ("files", objects(2, 6, [obj(files=7), obj(files=1)])), ("files-short", objects(2, 5, [obj(files=7), obj(files=1)])),
    ("files-unknown", objects(1, 2, [obj(files=8)])), ("full-files", objects(200, 240, [obj(files=7)] * 60)),
    ("want", want()), ("want-alt", want(file=2, link=b"")), ("want-index", want(file=0)), ("want-object", want(index=4)),
    ("want-cookie", want(cookie=2)), ("want-path", want(link=b"a/b")), ("want-dots", want(link=b"..")), ("want-nothing", want(build_id=b"", link=b"")),
    ("want-link", want(build_id=b"")), ("want-byte", want(build_id=b"a")), ("want-long-id", want(size=21)), ("want-junk", want(link=b"x", junk=b"yyyyyyyy")),
    ("want-no-nul", want(link=b"x" * 256)), ("want-cut", want(cut=-1)), ("want-unpadded", want(size=3)),
    ("index", index()), ("index-empty", index(0)), ("index-huge", index(1 << 40)), ("index-no-fd", index(fds=0)), ("index-cut", index(cut=-8)),
])
