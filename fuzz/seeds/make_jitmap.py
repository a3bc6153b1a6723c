#!/usr/bin/env python3
"""Writes the seeds of jitmap beside itself."""
import os

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "jitmap")
os.makedirs(here, exist_ok=True)
seeds = {
    "one": b"1000 20 name\n", "prefix": b"0x1000 0x20 name\n", "upper": b"0XABC 0XF name\n", "blanks": b"1000 20 a b  c\n",
    "many": b"".join(b"%x 10 f%d\n" % (0x100 + 16 * i, i) for i in range(200)), "unfinished": b"1000 20 a\n2000 20 b",
    "overlap": b"1000 100 old\n1000 100 new\n1040 10 in\n", "nested": b"".join(b"%x 1000 n%d\n" % (0x100 + i, i) for i in range(100)),
    "reversed": b"".join(b"%x 8 r%d\n" % (0x1000 - 16 * i, i) for i in range(50)), "empty": b"", "newlines": b"\n\n\n",
    "no-name": b"1000 20\n1000 20 \n", "no-size": b"1000\n", "zero": b"1000 0 z\n0 10 null\n", "garbage": bytes(range(256)),
    "digits": b"11111111111111111 10 d\n", "highest": b"ffffffffffffffff 10 h\nfffffffffffffff ffffffffffffffff i\n",
    "wide": b"0 ffffffffffffffff all\n", "nul": b"1000 20 a\0b\n", "control": b"1000 20 \x1b[31m\x07\n", "crlf": b"1000 20 name\r\n",
    "long": b"1000 20 " + b"x" * 70000 + b"\n2000 20 next\n", "tab": b"1000\t20\tname\n", "sign": b"-1000 20 n\n+10 10 p\n",
}
for i, (name, data) in enumerate(seeds.items()):
    with open(os.path.join(here, f"{i:02}-{name}"), "wb") as f:
        f.write(data)
