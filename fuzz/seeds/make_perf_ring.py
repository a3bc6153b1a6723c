#!/usr/bin/env python3
"""Writes the seeds of fuzz_perf_ring beside itself: a horizon, then rings of head, tail, and records from the tail on."""
import os
import struct

DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "perf_ring")
nr = 0


def sample(time, *ips):
    body = struct.pack("<2Q2I3Q", 7, 0x401000, 100, 101, time, 1000, len(ips)) + struct.pack("<%dQ" % len(ips), *ips)
    return struct.pack("<IHH", 9, 2, 8 + len(body)) + body


def other(record_type, time, body):
    body += struct.pack("<2I2Q", 100, 101, time, 7)
    return struct.pack("<IHH", record_type, 0, 8 + len(body)) + body


def comm(time, name=b"true"):
    name += b"\0"
    return other(3, time, struct.pack("<2I", 100, 101) + name + b"\0" * (-len(name) % 8))


def lost(time):
    return other(2, time, struct.pack("<2Q", 7, 12))


def ring(*records, tail=0, head=None):
    data = b"".join(records)
    words = len(data) // 8
    return struct.pack("<HHB", tail + words if head is None else head, tail, words) + data


def seed(name, horizon, *rings):
    global nr
    with open(os.path.join(DIR, "%02d-%s" % (nr, name)), "wb") as f:
        f.write(bytes([horizon]) + b"".join(rings))
    nr += 1


os.makedirs(DIR, exist_ok=True)
seed("empty", 0)
seed("no-records", 100, ring(), ring())
seed("one", 100, ring(sample(10, 1, 2, 3)))
seed("in-order", 100, ring(sample(10, 1), sample(20, 2), sample(30, 3)))
seed("two-rings", 100, ring(sample(10, 1), sample(30, 2)), ring(sample(20, 1), sample(40, 2)))
seed("four-rings", 100, *[ring(sample(10 + i, 1), comm(20 - i), lost(30)) for i in range(4)])
seed("equal-times", 100, ring(sample(10, 1)), ring(sample(10, 1)), ring(sample(10, 1)))
seed("horizon-between", 15, ring(sample(10, 1), sample(20, 2)), ring(sample(12, 1), sample(18, 2)))
seed("horizon-before", 5, ring(sample(10, 1), sample(20, 2)))
seed("inversion", 100, ring(sample(30, 1), sample(10, 2), sample(20, 3)))
seed("stragglers", 25, ring(sample(10, 1), sample(60, 1), sample(50, 1), sample(20, 1), sample(70, 1)),
     ring(sample(55, 1)))
seed("long-inversion", 200, ring(*[other(14, 200 - i, b"") for i in range(40)]))
seed("window-full", 200, ring(*[other(14, i + 1, b"") for i in range(50)]), ring(sample(20, 1)))
seed("wraps-in-header", 100, ring(sample(10, 1, 2, 3), tail=511))
seed("wraps-in-chain", 100, ring(sample(10, 1, 2, 3), sample(20, 1), tail=504))
seed("wraps-and-stays", 5, ring(sample(10, 1, 2, 3), sample(4, 1), tail=508))
seed("second-lap", 100, ring(sample(10, 1), comm(20), tail=5000))
seed("size-zero", 100, ring(sample(10, 1), b"\x09\0\0\0\x02\0\0\0", sample(30, 1)))
seed("size-unaligned", 100, ring(sample(10, 1), b"\x09\0\0\0\x02\0\x0c\0", sample(30, 1)))
seed("size-past-head", 100, ring(sample(10, 1), b"\x09\0\0\0\x02\0\xf8\xff", sample(30, 1)))
seed("malformed-and-stays", 5, ring(sample(10, 1), b"\0" * 16), ring(sample(3, 1)))
seed("head-too-far", 100, ring(sample(10, 1), head=2000))
seed("head-before-tail", 100, ring(sample(10, 1), tail=100, head=50))
seed("full", 100, ring(sample(10, 1), head=512))
seed("no-time", 100, ring(b"\x44\0\0\0\0\0\x08\0", sample(10, 1), b"\x44\0\0\0\0\0\x08\0"), ring(comm(5)))
seed("damaged-record", 100, ring(sample(10, 1, 2, 3)[:40] + b"\xff" * 40, comm(20, b"x" * 15)))
