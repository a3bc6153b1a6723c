#!/usr/bin/env python3
"""Writes the seeds of hotspot beside itself."""
import os

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hotspot")
os.makedirs(here, exist_ok=True)
status = (b"Name:\tjava\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t77\nPid:\t77\nUid:\t%s\nGid:\t%s\n"
          b"NSpid:\t%s\nSigCgt:\t%s\n")
maps = b"7f0000000000-7f0000001000 r-xp 00000000 fe:00 12 %s\n"
seeds = {
    "status": status % (b"1\t2\t3\t4", b"5\t6\t7\t8", b"77\t1", b"0000000181005ccf"), "outer": status % (b"0\t0\t0\t0", b"0\t0\t0\t0", b"77", b"4"),
    "no-quit": status % (b"1\t2\t3\t4", b"5\t6\t7\t8", b"77", b"0"), "one-uid": status % (b"1", b"5", b"77", b"4"),
    "no-number": status % (b"1\t2", b"5\t6", b"", b"4"), "words": status % (b"a\tb", b"c", b"d", b"xyz"), "huge": status % (b"1\t99999999999999999999", b"5\t6", b"-1", b"f" * 40),
    "cut": status[:90], "name": b"Name:\tUid:\t1\t2\nUid:\t3\t4\n", "deep": status % (b"1\t2", b"3\t4", b"\t".join(b"%d" % i for i in range(40)), b"4"),
    "mapped": maps % b"/usr/lib/jvm/lib/server/libjvm.so", "deleted": maps % b"/lib/libjvm.so (deleted)", "other": maps % b"/lib/libc.so.6", "short-name": maps % b"/libjvm.so",
    "prefix": maps % b"/lib/notlibjvm.so", "no-nl": (maps % b"/libjvm.so")[:-1], "data": (maps % b"/libjvm.so").replace(b"r-x", b"rw-"), "many": (maps % b"/a") * 50 + maps % b"/libjvm.so",
    "no-blank": b"/libjvm.so\n", "blank-late": b"1 r-x\n", "empty": b"", "done": b"0\n", "failed": b"-1\njava.lang.IllegalArgumentException\n", "code": b"101\n", "garbage": bytes(range(1, 256)), "minus": b"1-\n", "nl": b"\n", "unended": b"0",
}
for i, (name, data) in enumerate(seeds.items()):
    with open(os.path.join(here, f"{i:02}-{name}"), "wb") as f:
        f.write(data)
