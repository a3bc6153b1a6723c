#!/usr/bin/env python3
"""Writes the seeds of fuzz_perf_record beside itself: six words of layout, then one record."""
import os
import struct

DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "perf_record")
(IP, TID, TIME, ADDR, READ, CHAIN, ID, CPU, PERIOD, STREAM, RAW, BRANCH, REGS, STACK, WEIGHT, DATA_SRC, IDENT, TRANS,
 REGS_INTR, PHYS, AUX, CGROUP, DPAGE, CPAGE, WSTRUCT) = (1 << i for i in range(25))
FAST = IDENT | IP | TID | TIME | PERIOD
nr = 0


def seed(name, record_type, body, sample_type=FAST, misc=2, read=0, branch=0, regs=0, intr=0, flags=1, size=None):
    global nr
    order = ">" if flags & 2 else "<"
    size = 8 + len(body) if size is None else size
    header = struct.pack(order + "IHH", record_type, misc, size & 0xffff)
    with open(os.path.join(DIR, "%02d-%s" % (nr, name)), "wb") as f:
        f.write(struct.pack("<6Q", sample_type, read, branch, regs, intr, flags) + header + body)
    nr += 1


def q(*v, order="<"):
    return struct.pack(order + "%dQ" % len(v), *v)


def d(*v, order="<"):
    return struct.pack(order + "%dI" % len(v), *v)


def s(text):
    text = text.encode() + b"\0"
    return text + b"\0" * (-len(text) % 8)


head = q(7, 0x401000) + d(100, 101) + q(123456789)
trailer = d(100, 101) + q(123456789, 7)
chain = q(3, 2**64 - 512, 0x401000, 0x402000)
os.makedirs(DIR, exist_ok=True)

seed("sample", 9, head + q(1000000))
seed("sample-chain", 9, head + q(1000000) + chain, FAST | CHAIN)
seed("sample-chain-cgroup", 9, head + q(1000000) + chain + q(4242), FAST | CHAIN | CGROUP)
seed("sample-chain-long", 9, head + q(1000000) + q(127, *range(127)), FAST | CHAIN)
seed("sample-chain-lies", 9, head + q(1000000) + q(2**61, 1, 2), FAST | CHAIN)
seed("sample-big-endian", 9, q(7, 0x401000, order=">") + d(100, 101, order=">") + q(1, 1000, order=">") +
     q(1, 0x401000, order=">"), FAST | CHAIN, flags=3)
everything = (2**25 - 1) & ~WEIGHT
body = (head + q(0xdead, 7, 9) + d(1, 0) + q(1000) + q(2, 5, 6, 1, 7, 0, 2, 8, 0) + chain + d(12) + b"raw bytes..." +
        q(1, 4, 0x401000, 0x402000, 1, 99) + q(2, 1, 2, 3) + q(16, 1, 2, 8) + q(77) + q(0x68100142) + q(0) + q(1, 5) +
        q(0x1000) + q(4242) + q(4096) + q(4096) + q(8) + b"auxiliar")
seed("sample-everything", 9, body, everything, read=31, branch=1 << 17 | 1 << 19, regs=0b111, intr=0b1)
seed("sample-read-single", 9, head + q(5, 10, 9, 7, 0) + q(0), IDENT | IP | TID | TIME | READ | CHAIN, read=0b10111)
seed("sample-read-group", 9, head + q(2, 10, 9, 5, 7, 6, 8), IDENT | IP | TID | TIME | READ, read=0b1111)
seed("sample-regs-stack", 9, head + q(1000) + q(2, *range(17)) + q(64, *range(8), 48), FAST | REGS | STACK,
     regs=0xff0fff & ~0x7000 | 0x1000)
seed("sample-no-regs", 9, head + q(1000) + q(0) + q(0), FAST | REGS | STACK, regs=0xfff)
seed("sample-stack-lies", 9, head + q(1000) + q(16, 1, 2, 17), FAST | STACK)
seed("sample-weights", 9, head + q(1000) + d(9) + struct.pack("<HH", 3, 4) + q(1), FAST | WSTRUCT | DATA_SRC)
seed("sample-unknown-bit", 9, head + q(1000), FAST | 1 << 25)
seed("mmap", 1, d(100, 100) + q(0x400000, 0x1000, 0) + s("/bin/true") + trailer)
seed("mmap-data", 1, d(100, 100) + q(0x400000, 0x1000, 0) + s("/dev/shm/x") + trailer, misc=2 | 1 << 13)
seed("mmap2", 10, d(100, 100) + q(0x400000, 0x1000, 0) + d(8, 1) + q(1234, 1) + d(5, 2) + s("/bin/true") + trailer)
seed("mmap2-build-id", 10, d(100, 100) + q(0x400000, 0x1000, 0) + bytes([20, 0, 0, 0]) + bytes(range(20)) +
     d(5, 2) + s("/bin/true") + trailer, misc=2 | 1 << 14)
seed("mmap2-build-id-lies", 10, d(100, 100) + q(0x400000, 0x1000, 0) + bytes([21, 0, 0, 0]) + bytes(20) +
     d(5, 2) + s("/bin/true") + trailer, misc=2 | 1 << 14)
seed("comm-exec", 3, d(100, 100) + s("true") + trailer, misc=1 << 13)
seed("comm-no-nul", 3, d(100, 100) + b"12345678" + trailer)
seed("comm-no-trailer", 3, d(100, 100) + s("true"), flags=0)
seed("fork", 7, d(101, 100, 101, 100) + q(123) + trailer)
seed("exit", 4, d(101, 100, 101, 100) + q(123) + trailer)
seed("lost", 2, q(7, 12) + trailer)
seed("lost-samples", 13, q(12) + trailer)
seed("throttle", 5, q(123, 7, 9) + trailer)
seed("unthrottle", 6, q(123, 7, 9) + trailer)
seed("ksymbol", 17, q(0xffffffffc0000000) + d(64) + struct.pack("<HH", 1, 1) + s("bpf_prog_1") + trailer)
seed("cgroup", 19, q(4242) + s("/system.slice/x.service") + trailer)
seed("cgroup-full-trailer", 19, q(4242) + s("/") + d(1, 2) + q(3, 7, 8) + d(1, 0) + q(7),
     FAST | ID | STREAM | CPU)
seed("switch", 14, trailer)
seed("trailer-short", 14, q(1))
seed("finished-round", 68, b"")
seed("size-lies", 9, head + q(1000), size=16)
seed("header-short", 9, b"", flags=1)
