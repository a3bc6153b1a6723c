#!/usr/bin/env python3
"""Writes the seeds of jitdump beside itself."""
import os
import struct

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "jitdump")
os.makedirs(here, exist_ok=True)


class Dump:
    def __init__(self, order="<", version=1, size=40, magic=0x4a695444, pad=b""):
        self.o = order
        self.time = 0
        self.data = struct.pack(order + "IIIIIIQQ", magic, version, size, 62, 0, 1, 0, 0) + pad

    def record(self, kind, body, whole=None, time=None):
        self.time += 10
        self.data += struct.pack(self.o + "IIQ", kind, 16 + len(body) if whole is None else whole, self.time if time is None else time) + body
        return self

    def load(self, start, size, name, index=0, code=None, **kw):
        return self.record(0, struct.pack(self.o + "IIQQQQ", 1, 1, start, start, size, index) + name +
                           (b"\x90" * min(size, 64) if code is None else code), **kw)

    def move(self, old, new, size, index, **kw):
        return self.record(1, struct.pack(self.o + "IIQQQQQ", 1, 1, new, old, new, size, index), **kw)

    def info(self, start, rows, nr=None, skew=0, **kw):
        body = struct.pack(self.o + "QQ", start, len(rows) if nr is None else nr)
        for at, line, name in rows:
            body += struct.pack(self.o + "QII", at + skew, line, 0) + name
        return self.record(2, body, **kw)


rows = [(0x1000, 1, b"/a.js\0"), (0x1010, 2, b"\xff\0"), (0x1020, 3, b"/b.js\0")]
many = Dump()
for i in range(300):
    many.load(0x100 + 32 * i, 32, b"f%d\0" % i, i)
mess = Dump()
for i in range(100):
    mess.load(0x1000 + (i * 37 % 64) * 16, 16 + i % 7 * 32, b"m%d\0" % i, i % 5, time=i * 7919 % 100)
    mess.move(0, 0x800 + i * 8, 64, i % 9)
nested = Dump()
for i in range(100):
    nested.load(0x100 + i, 0x1000, b"n%d\0" % i, i, time=100 - i)
seeds = {
    "one": Dump().load(0x1000, 32, b"one\0"), "swapped": Dump(">").load(0x1000, 32, b"one\0").info(0x1000, rows).load(0x1000, 64, b"two\0"),
    "lines": Dump().info(0x1000, rows).load(0x1000, 64, b"f\0"), "skew": Dump().info(0x1000, rows, skew=64).load(0x1000, 48, b"f\0"),
    "moved": Dump().info(0x1000, rows).load(0x1000, 64, b"f\0", 7).move(0x1000, 0x3000, 64, 7).load(0x1000, 16, b"g\0", 8),
    "moved-unknown": Dump().load(0x1000, 64, b"f\0", 7).move(0x1000, 0x3000, 64, 9), "many": many, "mess": mess, "nested": nested,
    "late": Dump().load(0x1000, 32, b"later\0", time=9).load(0x1000, 32, b"earlier\0", time=5), "closed": Dump().load(0x1000, 8, b"f\0").record(3, b""),
    "unwinding": Dump().record(4, struct.pack("<QQQ", 8, 4, 0) + b"x" * 8).load(0x1000, 8, b"f\0"), "unknown": Dump().record(77, b"abc").load(0x1000, 8, b"f\0"),
    "no-code": Dump().load(0x1000, 0, b"f\0").load(1 << 60, 9, b"g\0"), "no-name": Dump().record(0, struct.pack("<IIQQQQ", 1, 1, 0, 0x1000, 9, 0)),
    "no-nul": Dump().load(0x1000, 8, b"name", code=b""), "short-load": Dump().record(0, b"x" * 20).load(0x1000, 8, b"f\0"),
    "short-move": Dump().load(0x1000, 8, b"f\0").record(1, b"x" * 20), "short-info": Dump().record(2, b"x" * 9).load(0x1000, 8, b"f\0"),
    "size-0": Dump().load(0x1000, 8, b"f\0").record(0, b"", whole=0), "size-huge": Dump().load(0x1000, 8, b"f\0").record(0, b"x" * 60, whole=0xffffffff),
    "unfinished": Dump().load(0x1000, 8, b"f\0").load(0x2000, 99, b"g\0", whole=500), "rows-lie": Dump().info(0x1000, rows, nr=1 << 62).load(0x1000, 64, b"f\0"),
    "rows-no-nul": Dump().info(0x1000, rows + [(0x1030, 9, b"endless")]).load(0x1000, 64, b"f\0"), "rows-same": Dump().info(0x1000, [(0x1000, 4, b"\xff\0")]).load(0x1000, 8, b"f\0"),
    "rows-back": Dump().info(0x1000, rows[::-1]).load(0x1000, 64, b"f\0"), "rows-before": Dump().info(0x1000, [(0x900, 4, b"/a\0")]).load(0x1000, 64, b"f\0"),
    "header-long": Dump(size=48, pad=b"12345678").load(0x1000, 8, b"f\0"), "header-short": Dump(size=12).load(0x1000, 8, b"f\0"),
    "version": Dump(version=9).load(0x1000, 8, b"f\0"), "magic": Dump(magic=0x12345678).load(0x1000, 8, b"f\0"), "header": Dump(), "huge": Dump().load(0x1000, 1 << 40, b"all\0"),
}
for i, (name, dump) in enumerate(seeds.items()):
    with open(os.path.join(here, f"{i:02}-{name}"), "wb") as f:
        f.write(dump.data)
for name, data in (("33-empty", b""), ("34-cut", Dump().load(0x1000, 8, b"f\0").data[:60]), ("35-four", b"DTiJ")):
    with open(os.path.join(here, name), "wb") as f:
        f.write(data)
