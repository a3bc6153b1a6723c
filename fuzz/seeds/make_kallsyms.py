#!/usr/bin/env python3
"""Writes the seeds of fuzz_kallsyms into the directory given: one feature of /proc/kallsyms, or one lie, each."""
import os
import sys

TEXT = "ffffffff81000000 T _text\n"


def line(offset, name, kind="t", module=None, base=0xFFFFFFFF81000000):
    return "%016x %s %s%s\n" % (base + offset, kind, name, "\t[%s]" % module if module else "")


seeds = {
    "text-only": TEXT,
    "stext": line(0, "_stext", "T") + TEXT + line(0x100, "f"),
    "sorted": TEXT + "".join(line(0x40 * i, "f%d" % i) for i in range(1, 40)),
    "reversed": TEXT + "".join(line(0x40 * i, "f%d" % i) for i in range(40, 0, -1)),
    "percpu": "0000000000000000 A fixed_percpu_data\n0000000000001000 D cpu_data\n" + TEXT,
    "pairs": TEXT + "".join(line(0x20 * i, "__pfx_f%d" % i) + line(0x20 * i + 16, "f%d" % i) for i in range(1, 9)),
    "pairs-nested": TEXT + line(16, "__pfx___pfx_f") + line(32, "__pfx_f") + line(48, "f"),
    "pairs-cut": TEXT + line(16, "__pfx_") + line(32, "f"),
    "aliases": TEXT + line(16, "__x64_sys_read", "T") + line(16, "sys_read", "W") + line(16, "read", "t"),
    "data": TEXT + line(16, "f") + line(64, "data", "D") + line(80, "bss", "b") + line(96, "g"),
    "etext": TEXT + line(16, "f") + line(0x100, "_etext", "T") + line(0x200, "g"),
    "modules": TEXT + line(0x3000, "b", module="two") + line(0x2000, "a", module="one") + line(0x2100, "d", "d", "one"),
    "bpf": TEXT + line(0x2000, "bpf_prog_6deef7357e7b4530_filter", module="bpf"),
    "below": TEXT + line(-0x1000, "low", module="m"),
    "far": TEXT + line(0x10, "far", base=0xFFFFFE0000000000),
    "zeros": "0000000000000000 T _text\n0000000000000000 t f\n",
    "no-text": line(16, "f"),
    "no-newline": TEXT + line(16, "f")[:-1],
    "empty-line": TEXT + "\n",
    "no-name": TEXT + "ffffffff81000010 t \n",
    "long-address": "f" * 17 + " T _text\n",
    "bad-digit": "ffffffff8100000g T _text\n",
    "long-name": TEXT + line(16, "n" * 700),
    "bad-module": TEXT + "ffffffff81000010 t f\t[m\n",
    "controls": TEXT + "ffffffff81000010 t a\x01b\n",
    "upper": "FFFFFFFF81000000 T _text\n",
}
for name, text in seeds.items():
    with open(os.path.join(sys.argv[1], name), "w") as f:
        f.write(text)
