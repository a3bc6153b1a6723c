#!/usr/bin/env python3
"""Seeds for fuzz_plt: small ELF files with stubs of all forms, and with what can be wrong about them."""
import os
import struct

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "plt")
BASE, GOT = 0x400000, 0x403000
DYNAMIC, SYMTAB, STRTAB, JMPREL, RELA, CODE, NAMES, SHDRS = 0x100, 0x1A0, 0x200, 0x240, 0x2A0, 0x300, 0x400, 0x440
JUMP_SLOT, GLOB_DAT, IRELATIVE, RELATIVE = 7, 6, 37, 8


def rela(slot, kind, symbol=0, addend=0):
    return struct.pack("<QQQ", GOT + 8 * slot, symbol << 32 | kind, addend)


def distance(at, behind, slot):
    return struct.pack("<i", GOT + 8 * slot - (BASE + CODE + at + behind))


def lazy(at, slot):
    return b"\xff\x25" + distance(at, 6, slot) + b"\x68" + struct.pack("<I", slot) + b"\xe9\0\0\0\0"


def ibt(at, slot):
    return b"\xf3\x0f\x1e\xfa\xff\x25" + distance(at, 10, slot) + b"\x66\x0f\x1f\x44\0\0"


def ibt_bnd(at, slot):
    return b"\xf3\x0f\x1e\xfa\xf2\xff\x25" + distance(at, 11, slot) + b"\x0f\x1f\x44\0\0"


def mold(at, slot):
    return b"\xf3\x0f\x1e\xfa\x41\xbb\1\0\0\0\xff\x25" + distance(at, 16, slot)


def short(at, slot):
    return b"\xff\x25" + distance(at, 6, slot) + b"\x66\x90"


def short_bnd(at, slot):
    return b"\xf2\xff\x25" + distance(at, 7, slot) + b"\x90"


def code(form, slots=(0, 1, 2), first=b""):
    text = first
    for slot in slots:
        text += form(len(text), slot)
    return text


SLOTS = rela(0, JUMP_SLOT, 1) + rela(1, JUMP_SLOT, 2) + rela(2, JUMP_SLOT, 3)


def elf(text=None, jmprel=SLOTS, rel=b"", sections=(".plt",), dynamic=(), machine=62, segments=True, shnum=None):
    text = code(lazy) if text is None else text
    strings = b"\0memcpy\0_ZN3abc3defEv\0puts\0"
    symbols = b"".join(struct.pack("<IBBHQQ", n, 0x12, 0, 0, 0, 0) for n in (0, 1, 8, 22))
    entries = {23: BASE + JMPREL, 2: len(jmprel), 20: 7, 5: BASE + STRTAB, 10: len(strings), 6: BASE + SYMTAB, 11: 24}
    if rel:
        entries.update({7: BASE + RELA, 8: len(rel), 9: 24})
    entries.update(dict(dynamic))
    entries = [(t, v) for t, v in entries.items() if v is not None][:9]
    dyn = b"".join(struct.pack("<QQ", t, v & (2**64 - 1)) for t, v in entries) + struct.pack("<QQ", 0, 0)
    names = b"\0.plt\0.plt.sec\0.plt.got\0.rela.plt\0.shstrtab\0"
    heads = [struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]
    for name in sections:
        where = (4, BASE + JMPREL, JMPREL, len(jmprel), 0) if name == ".rela.plt" else (1, BASE + CODE, CODE, len(text), 6)
        kind, address, offset, size, flags = where
        heads.append(struct.pack("<IIQQQQIIQQ", names.index(name.encode() + b"\0"), kind, flags, address, offset, size, 0, 0, 8, 0))
    heads.append(struct.pack("<IIQQQQIIQQ", names.index(b".shstrtab"), 3, 0, 0, NAMES, len(names), 0, 0, 1, 0))
    nr = len(heads) if sections else 0
    size = SHDRS + (64 * nr if nr else 0)
    image = bytearray(size)

    def put(offset, data):
        image[offset : offset + len(data)] = data

    put(0, b"\x7fELF\2\1\1" + bytes(9))
    put(16, struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, SHDRS if nr else 0, 0, 64, 56, 2, 64,
                        nr if shnum is None else shnum, nr - 1 if nr else 0))
    put(64, struct.pack("<IIQQQQQQ", 1 if segments else 0, 5, 0, BASE, BASE, SHDRS, SHDRS, 0x1000))
    put(120, struct.pack("<IIQQQQQQ", 2, 6, DYNAMIC, BASE + DYNAMIC, 0, len(dyn), len(dyn), 8))
    put(DYNAMIC, dyn)
    put(SYMTAB, symbols)
    put(STRTAB, strings)
    put(JMPREL, jmprel)
    put(RELA, rel)
    put(CODE, text)
    put(NAMES, names)
    if nr:
        put(SHDRS, b"".join(heads))
    return bytes(image)


SEEDS = {
    "lazy": elf(code(lazy, first=b"\xff\x35\0\0\0\0\xff\x25\0\0\0\0\x0f\x1f\x40\0")),
    "ibt": elf(code(ibt), sections=(".plt.sec",)),
    "ibt-bnd": elf(code(ibt_bnd), sections=(".plt.sec",)),
    "mold": elf(code(mold)),
    "short": elf(code(short), jmprel=b"", rel=SLOTS.replace(b"\7\0\0\0\1", b"\6\0\0\0\1"), sections=(".plt.got",), dynamic={23: None}),
    "short-bnd": elf(code(short_bnd), sections=(".plt.got",)),
    "mixed": elf(lazy(0, 0) + short(16, 1) + ibt(24, 2)),
    "resolvers": elf(jmprel=rela(0, IRELATIVE, 0, 0x1234) + rela(1, IRELATIVE, 5, 2**63) + rela(2, IRELATIVE)),
    "addends": elf(jmprel=rela(0, JUMP_SLOT, 1, 8) + rela(1, JUMP_SLOT, 2, 2**64 - 1)),
    "unsorted": elf(jmprel=rela(2, JUMP_SLOT, 3) + rela(0, JUMP_SLOT, 1) + rela(0, JUMP_SLOT, 2)),
    "data": elf(code(short), rel=rela(0, GLOB_DAT, 1) + rela(1, RELATIVE) + rela(2, GLOB_DAT, 3)),
    "counted": elf(code(short), jmprel=b"", rel=rela(0, RELATIVE) + rela(1, GLOB_DAT, 2), dynamic={23: None, 0x6FFFFFF9: 1}),
    "counted-too-much": elf(rel=rela(1, GLOB_DAT, 2), dynamic={0x6FFFFFF9: 2**61}),
    "static": elf(jmprel=rela(0, IRELATIVE, 0, 0x401000), sections=(".plt", ".rela.plt"), dynamic={23: None, 5: None, 6: None}),
    "bare": elf(sections=()),
    "bare-ibt": elf(code(ibt), sections=()),
    "bare-data": elf(code(short), jmprel=b"", rel=rela(0, GLOB_DAT, 1), sections=(), dynamic={23: None}),
    "symbol-outside": elf(jmprel=rela(0, JUMP_SLOT, 2**32 - 1) + rela(1, JUMP_SLOT, 1000)),
    "symtab-outside": elf(dynamic={6: 2**63}),
    "strtab-outside": elf(dynamic={5: 2**40}),
    "strtab-short": elf(dynamic={10: 3}),
    "jmprel-outside": elf(dynamic={23: 2**50}),
    "jmprel-huge": elf(dynamic={2: 2**63}),
    "jmprel-odd": elf(dynamic={2: 30}),
    "no-slots": elf(jmprel=b""),
    "no-stubs": elf(b"\x90" * 64),
    "cut-stub": elf(lazy(0, 0) + lazy(16, 1)[:9]),
    "no-segment": elf(segments=False),
    "not-x86": elf(machine=183),
    "cut": elf()[:0x310],
    "sections-outside": elf(shnum=200),
}

os.makedirs(OUT, exist_ok=True)
for name, data in SEEDS.items():
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)
