#!/usr/bin/env python3
"""Seeds for fuzz_debuglink: small ELF files with a .gnu_debuglink, a build id, both, and what can be wrong about them."""
import os
import struct

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "debuglink")
NAMES = b"\0.gnu_debuglink\0.note.gnu.build-id\0.shstrtab\0"


def link(name=b"x.debug", crc=0x12345678, end="<"):
    name += b"\0"
    return name + bytes(-len(name) % 4) + struct.pack(end + "I", crc)


def note(build_id, end="<", kind=3, name=b"GNU\0"):
    return struct.pack(end + "III", len(name), len(build_id), kind) + name + build_id + bytes(-len(build_id) % 4)


def elf(debuglink=None, notes=None, end="<", link_type=1, flags=0, size=None, cut=None):
    parts = [(1, link_type, flags, debuglink), (16, 7, 0, notes), (35, 3, 0, NAMES)]
    heads, body, offset = [struct.pack(end + "IIQQQQIIQQ", *[0] * 10)], b"", 64
    for name, kind, flag, data in parts:
        if data is None:
            continue
        n = size if size is not None and name == 1 else len(data)
        heads.append(struct.pack(end + "IIQQQQIIQQ", name, kind, flag, 0, offset, n, 0, 0, 4, 0))
        body += data + bytes(-len(data) % 8)
        offset += len(data) + -len(data) % 8
    ident = b"\x7fELF\2" + (b"\1" if end == "<" else b"\2") + b"\1" + bytes(9)
    head = ident + struct.pack(end + "HHIQQQIHHHHHH", 3, 62, 1, 0, 0, offset, 0, 64, 56, 0, 64, len(heads), len(heads) - 1)
    return (head + body + b"".join(heads))[:cut]


ID = bytes(range(1, 21))
SEEDS = {
    "both": elf(link(), note(ID)), "link": elf(link()), "build-id": elf(None, note(ID)), "neither": elf(),
    "big-endian": elf(link(end=">"), note(ID, ">"), ">"), "name-1": elf(link(b"a")), "name-3": elf(link(b"abc")), "name-4": elf(link(b"abcd")),
    "path": elf(link(b"../../etc/passwd")), "absolute": elf(link(b"/x")), "dot": elf(link(b".")), "dots": elf(link(b"..")),
    "empty": elf(link(b"")), "long": elf(link(b"x" * 255)), "too-long": elf(link(b"x" * 256)), "far-too-long": elf(link(b"x" * 1000)),
    "no-nul": elf(b"x" * 12), "no-crc": elf(b"x.debug\0"), "half-crc": elf(b"x.debug\0ab"), "nothing": elf(b""),
    "path-with-id": elf(link(b"a/b"), note(ID)), "compressed": elf(link(), flags=0x800), "nobits": elf(link(), link_type=8),
    "short-id": elf(link(), note(b"a")), "one-byte": elf(None, note(b"a")), "two-bytes": elf(None, note(b"ab")), "long-id": elf(link(), note(bytes(21))),
    "other-note": elf(link(), note(ID, name=b"XYZ\0")), "past-end": elf(link(), size=1 << 40), "cut": elf(link(), note(ID), cut=200),
    "control": elf(link(b"\x01\x1b[31m.debug")), "not-utf8": elf(link(b"\xff\xfe.debug")),
}

os.makedirs(OUT, exist_ok=True)
for name, data in SEEDS.items():
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)
