#!/usr/bin/env python3
"""Writes the seeds of the opener's targets beside itself."""
import os
import struct

here = os.path.dirname(os.path.abspath(__file__))


def write(target, seeds):
    os.makedirs(os.path.join(here, target), exist_ok=True)
    for i, (name, data) in enumerate(seeds):
        with open(os.path.join(here, target, f"{i:02}-{name}"), "wb") as f:
            f.write(data)


def request(what=2, pid=1, start_time=0, fork_ns=0, flags=0, nr=None, ranges=(), cookie=1):
    head = struct.pack("<QIIQQII", cookie, what, pid, start_time, fork_ns, flags, len(ranges) if nr is None else nr)
    return head + b"".join(ranges)


def rng(start=0x1000, end=0x2000, pgoff=0, path=b"/lib/libc.so.6"):
    return struct.pack("<QQQ", start, end, pgoff) + path[:512].ljust(512, b"\0")


def debug(object=b"/bin/x", folder=b"/usr/lib/debug", build_id=b"\xab" * 20, link=b"x.debug", size=None, pid=1, cut=None):
    tail = struct.pack("<QQI", 2049, 77, 0) + build_id.ljust(20, b"\0") + bytes([len(build_id) if size is None else size])
    tail += link[:256].ljust(256, b"\0") + object[:512].ljust(512, b"\0") + folder[:512].ljust(512, b"\0")
    return (request(5, pid=pid) + tail.ljust(-(-len(tail) // 8) * 8, b"\0"))[:cut]


write("opener_request", [
    ("maps", request(1)), ("maps-start-time", request(1, start_time=123456)), ("maps-fork", request(1, fork_ns=10**12)),
    ("maps-with-ranges", request(1, ranges=[rng()])), ("one", request(ranges=[rng()])),
    ("two", request(ranges=[rng(), rng(0x7f0000000000, 0x7f0000001000)])), ("full", request(ranges=[rng()] * 32)),
    ("too-many", request(ranges=[rng()] * 33)), ("none", request()), ("remote", request(flags=1, ranges=[rng()])),
    ("flags", request(flags=0xfffffffe, ranges=[rng()])), ("what", request(9, ranges=[rng()])), ("jit", request(4)), ("jit-ranges", request(4, ranges=[rng()])),
    ("pid-0", request(pid=0, ranges=[rng()])), ("pid-big", request(pid=0x80000000, ranges=[rng()])),
    ("cookie-0", request(cookie=0, ranges=[rng()])), ("nr-lies", request(nr=3, ranges=[rng()])),
    ("nr-huge", request(nr=0xffffffff, ranges=[rng()])), ("nr-wraps", request(nr=0x7a44c6b0, ranges=[rng()])),
    ("empty-range", request(ranges=[rng(0x1000, 0x1000)])), ("backwards", request(ranges=[rng(0x2000, 0x1000)])),
    ("no-nul", request(ranges=[rng(path=b"/" * 512)])), ("any-name", request(ranges=[rng(path=b"")])),
    ("debug", debug()), ("debug-host", debug(pid=0)), ("debug-id", debug(link=b"")), ("debug-link", debug(build_id=b"")),
    ("debug-nothing", debug(build_id=b"", link=b"")), ("debug-path", debug(link=b"../x")), ("debug-relative", debug(folder=b"debug")),
    ("debug-object", debug(object=b"x")), ("debug-no-object", debug(object=b"")), ("debug-no-nul", debug(object=b"/" * 512)),
    ("debug-long-id", debug(size=255)), ("debug-unpadded", debug(size=2)), ("debug-cut", debug(cut=-1)),
    ("short", request(ranges=[rng()])[:-1]), ("head-cut", request()[:20]), ("long", request(ranges=[rng()]) + b"x"),
])


def answer(asked, fds, cookie=1, status=0, nr=None, stuck=0, paused=0, ranges=()):
    head = struct.pack("<QiIQII", cookie, status, len(ranges) if nr is None else nr, 4711, stuck, paused)
    return bytes([asked, fds]) + head + b"".join(struct.pack("<i", r) for r in ranges)


write("opener_answer", [
    ("maps", answer(0, 1)), ("maps-no-fd", answer(0, 0)), ("maps-two", answer(0, 2)), ("maps-gone", answer(0, 0, status=-3)),
    ("late", answer(2, 0, status=-110, stuck=1)), ("paused", answer(2, 0, status=-11, stuck=2, paused=1)),
    ("paused-lies", answer(2, 0, status=-11, stuck=2)), ("stuck-many", answer(2, 0, status=-11, stuck=3, paused=1)),
    ("one", answer(1, 1, ranges=[0])), ("one-refused", answer(1, 0, ranges=[-13])),
    ("mixed", answer(4, 2, ranges=[0, -2, 0, -116])), ("mixed-fds", answer(4, 3, ranges=[0, -2, 0, -116])),
    ("full", answer(32, 32, ranges=[0] * 32)), ("too-many", answer(32, 33, ranges=[0] * 33)),
    ("fewer", answer(2, 1, ranges=[0])), ("positive", answer(1, 0, ranges=[5])), ("low", answer(1, 0, ranges=[-4096])),
    ("cookie", answer(1, 1, cookie=2, ranges=[0])), ("news", answer(255, 0, cookie=0, stuck=1)),
    ("news-status", answer(255, 0, cookie=0, status=-5)), ("news-fd", answer(255, 1, cookie=0)),
    ("nr-lies", answer(1, 1, nr=2, ranges=[0])), ("nr-huge", answer(1, 1, nr=0xffffffff, ranges=[0])),
    ("failed-with-ranges", answer(1, 0, status=-3, ranges=[-3])), ("cut", answer(1, 1)[:12]),
])

line = b"31 21 0:41 / /mnt rw,relatime shared:1 - %s server:/x rw\n"
types = [b"ext4", b"xfs", b"btrfs", b"tmpfs", b"overlay", b"nfs", b"nfs4", b"cifs", b"smb3", b"fuse", b"fuse.sshfs",
         b"fuseblk", b"9p", b"virtiofs", b"autofs", b""]
write("mountinfo", [(t.decode().replace(".", "-") or "no-type", line % t) for t in types] + [
    ("no-newline", (line % b"fuse").rstrip(b"\n")), ("cut-at-type", b"31 21 0:41 / /m rw - nfs"),
    ("no-dash", b"31 21 0:41 / /m rw shared:1\n"), ("escaped", b"30 21 0:40 / /a\\040-\\040nfs rw - tmpfs x rw\n" + line % b"nfs"),
    ("long-name", b"31 21 0:41 / /" + b"n" * 5000 + b" rw - nfs x rw\n"), ("numbers", b"99999999999999999999 1 99999999999:41 / / rw - nfs x\n"),
    ("empty-lines", b"\n\n\n" + line % b"ceph"), ("nul", b"31 21 0:41 \0 / - nfs x\n"), ("many", b"".join(line % t for t in types) * 20),
])


def maps(*lines, address=0x7f0000001800):
    return struct.pack("<Q", address) + b"".join(line + b"\n" for line in lines)


def mapped(name=b"/usr/lib/libfoo.so", start=0x7f0000001000, end=0x7f0000002000, perms=b"r-xp", rest=b"00001000 fe:01 4711"):
    return b"%x-%x %s %s %s" % (start, end, perms, rest, name.rjust(len(name) + 20))


write("opener_maps", [
    ("one", maps(mapped())), ("deleted", maps(mapped(b"/tmp/a (deleted)"))), ("deleted-only", maps(mapped(b" (deleted)"))),
    ("deleted-twice", maps(mapped(b"/tmp/a (deleted) (deleted)"))), ("anonymous", maps(mapped(b"", rest=b"00000000 00:00 0"))),
    ("vdso", maps(mapped(b"[vdso]", rest=b"00000000 00:00 0"))), ("memfd", maps(mapped(b"/memfd:jit (deleted)"))),
    ("newline", maps(mapped(b"/tmp/a\\012b"))), ("fake-line", maps(mapped(b"/tmp/7f0000001000-7f0000002000 r-xp 0 0:0 1 /x"))),
    ("bytes", maps(mapped(b"/tmp/\xff\xfe\x1b[31m"))), ("spaces", maps(mapped(b"/a b  c "))), ("long", maps(mapped(b"/" + b"n" * 4090))),
    ("too-long", maps(mapped(b"/" + b"n" * 5000))), ("many", maps(*[mapped(start=i << 12, end=(i + 1) << 12) for i in range(300)], address=299 << 12)),
    ("before", maps(mapped(), address=0x7f0000000fff)), ("at-end", maps(mapped(), address=0x7f0000002000)),
    ("empty-range", maps(mapped(end=0x7f0000001000))), ("backwards", maps(mapped(end=0x1000))),
    ("whole", maps(mapped(start=0, end=(1 << 64) - 1))), ("overflow", maps(b"fffffffffffffffff-1ffffffffffffffffffff r-xp 0 0:0 0 /x")),
    ("negative", maps(b"-1--1 r-xp -1 -1:-1 -1 /x")), ("no-name", maps(b"7f0000001000-7f0000002000 r-xp 00001000 fe:01 4711")),
    ("cut", maps(b"7f0000001000-7f0000002000 r-xp 0000")), ("no-newline", maps(mapped())[:-1]), ("empty", maps()),
    ("garbage-first", maps(b"x", b"", b"\0\0\0", mapped())), ("perms-long", maps(mapped(perms=b"r-xpqqqqqq"))), ("nul", maps(mapped(b"/a\0b"))),
])
