#!/usr/bin/env python3
"""Writes the seeds of fuzz_perfdata beside itself; those named real-* were recorded with perf 6.1 of /bin/true."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../../tests/replay"))
from perfdata import *  # noqa

BASE = IP | TID | TIME | PERIOD
os.makedirs(os.path.join(HERE, "perfdata"), exist_ok=True)


def seed(name, data):
    with open(os.path.join(HERE, "perfdata", name), "wb") as f:
        f.write(data)


def simple(order="<", sample_type=BASE, flags=(ID_ALL,), nr=1, **kw):
    f = File(order, **kw)
    for i in range(nr):
        f.event(config=i, sample_type=sample_type, flags=flags, ids=(10 * i + 1, 10 * i + 2))
    f.comm(7, 7, "prog")
    f.mmap2(7, 0x400000, 0x1000, 0, "/bin/prog")
    for i in range(4):
        f.sample(event=i % nr, ip=0x400100 + i, pid=7, time=1000 - i, id=10 * (i % nr) + 1,
                 chain=(CONTEXT_USER, 0x400100 + i, 0x400200))
        if i == 2:
            f.record(ROUND)
    return f


for size in (64, 72, 80, 96, 104, 112, 120, 128, 136):
    seed("attr-%d" % size, simple(attr_size=size).bytes())
seed("big-endian", simple(">", sample_type=BASE | CHAIN).bytes())
seed("old-magic", simple(magic=b"PERFFILE").bytes())
seed("old-magic-big-endian", simple(">", magic=b"PERFFILE").bytes())
seed("old-header", simple(flags=()).bytes(header_size=72))
seed("unfinished", simple().bytes(unfinished=True)[:-5])
seed("cut-off", simple().bytes()[:-5])
seed("two-events-id", simple(sample_type=BASE | ID, nr=2).bytes())
seed("two-events-identifier", simple(sample_type=BASE | IDENT | CHAIN | CPU, nr=2).bytes())
seed("no-sample-id-all", simple(sample_type=BASE | ID, flags=(), nr=3).bytes())
seed("no-time", simple(sample_type=IP).bytes())
seed("pipe", simple(sample_type=BASE | ID).pipe())
seed("pipe-big-endian", simple(">", sample_type=BASE | ID, nr=2).pipe())

f = simple(sample_type=BASE | ID)
f.record(TRACING, f.pack("I", 5), payload=b"x" * 8)
f.record(AUXTRACE, f.pack("QQQIIII", 16, 0, 0, 0, 0, 0, 0), payload=b"x" * 16)
f.record(UPDATE, f.pack("QQ", 2, 1) + f.text("clock:u"))
f.record(BUILD_ID, f.build_id(b"\xab" * 20, "/bin/prog", header=False))
f.record(FEATURE, f.pack("Q", 3) + f.counted("host"))
f.record(FEATURE, f.pack("Q", 12) + f.event_desc(["named"]))
seed("pipe-described", f.pipe())
seed("pipe-cut", f.pipe()[:-3])

f = simple(sample_type=BASE | ID, nr=2)
f.features = {2: f.build_id(b"\xab" * 20, "[kernel.kallsyms]", misc=KERNEL) + f.build_id(b"\xcd" * 16, "/bin/prog"),
              3: f.counted("host"), 6: f.counted("x86_64"), 12: f.event_desc(["a:u", "b"]),
              29: f.pack("IIQQ", 1, 1, 10**18, 5)}
seed("features", f.bytes())
f.features = {2: f.build_id(b"\xab" * 20, "[kernel.kallsyms]", has_pid=False)}
seed("build-ids-without-pid", f.bytes())

f = File()
for i in range(2):
    f.event(config=i, sample_type=IP | READ | ID, read_format=4 | 8 | 3, ids=(i + 1,))
for i in range(3):
    f.sample(ip=i, id=1, read=f.pack("7Q", 2, 9, 9, 10 + i, 1, 5, 2))
seed("group-read", f.bytes())
f = File()
f.event(sample_type=IP | READ | TID, read_format=4, ids=(1,), flags=(1,))
f.event(config=1, sample_type=IP | READ | TID, read_format=4, ids=(2,))
f.sample(ip=1, read=f.pack("QQ", 10, 1))
f.sample(ip=1, read=f.pack("QQ", 10, 3))
seed("single-read", f.bytes())

inner = simple()
for type, name in ((COMPRESSED, "compressed"), (COMPRESSED2, "compressed2")):
    f = simple()
    f.data = b""
    f.compress(inner.data * 20, cut=100, type=type)
    f.record(ROUND)
    seed(name, f.bytes())
    seed(name + "-cut", f.bytes()[:104 + 16 + 128 + 90])
f.data = b""
f.record(COMPRESSED, b"not zstd")
seed("compressed-damaged", f.bytes())
f.data = b""
f.compress(f.pack("IHH", COMPRESSED, 0, 8) + f.pack("IHH", 3, 0, 0))
seed("compressed-in-compressed", f.bytes())
seed("not-a-file", b"#!/bin/sh\necho hello, this is no perf.data\n")
f = simple()
f.event(type=0, config=4), f.event(type=1, config=99), f.event(type=2, config=7), f.event(type=30, config=1)
f.record(EVENT_TYPE, f.pack("Q", 7) + b"sched:sched_switch".ljust(64, b"\0"))
seed("event-kinds", f.bytes())
f = simple()
f.record(3, size=0)
seed("record-of-size-0", f.bytes())
