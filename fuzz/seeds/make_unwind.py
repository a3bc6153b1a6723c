"""make_unwind.py: writes the seeds of the targets cfi, unwind_page and unwind_stack. Each cfi seed is a
small ELF file with an .eh_frame of its own; what is odd about it is its name."""
import os
import struct

here = os.path.dirname(os.path.abspath(__file__))


def write(kind, name, data):
    os.makedirs(os.path.join(here, kind), exist_ok=True)
    with open(os.path.join(here, kind, name), "wb") as f:
        f.write(data)


def uleb(v):
    out = b""
    while True:
        byte, v = v & 0x7f, v >> 7
        out += bytes([byte | (0x80 if v else 0)])
        if not v:
            return out


# --- cfi ---
TEXT, TEXT_SIZE, HDR, EH = 0x1000, 0x300, 0x2000, 0x2100


def entry(body, size=None):
    body += b"\0" * (-len(body) % 4)
    return struct.pack("<I", len(body) if size is None else size) + body


def cie(aug=b"zR\0", data=b"\x1b", version=1, code=b"\x01", align=b"\x78", ra=b"\x10",
        instructions=b"\x0c\x07\x08\x90\x01"):
    body = struct.pack("<I", 0) + bytes([version]) + aug + code + align + ra
    if aug[:1] == b"z":
        body += uleb(len(data)) + data
    return entry(body + instructions)


def eh_frame(functions, cie_bytes=None, end=b"\0\0\0\0", cie_pointer=None, fde_size=None):
    """functions: (start, size, instructions); returns bytes and the places of the FDEs."""
    out = cie() if cie_bytes is None else cie_bytes
    places = []
    for start, size, instructions in functions:
        at = len(out)
        places.append((start, EH + at))
        pointer = at + 4 if cie_pointer is None else cie_pointer
        out += entry(struct.pack("<Iii", pointer & 0xffffffff, start - (EH + at + 8), size) + b"\0"
                     + instructions, fde_size)
    return out + end, places


def hdr(places, count=None, encodings=b"\x1b\x03\x3b"):
    n = len(places) if count is None else count
    out = b"\x01" + encodings + struct.pack("<iI", EH - HDR - 4, n & 0xffffffff)
    return out + b"".join(struct.pack("<ii", s - HDR, f - HDR) for s, f in sorted(places))


def elf(eh, hdr_bytes, sections=True, name=b".eh_frame", go=False, symbols=()):
    """symbols: (name, value, size, type) of .symtab"""
    strings = b"\0" + b"".join(n + b"\0" for n, _, _, _ in symbols)
    symtab = b"".join(struct.pack("<IBBHQQ", strings.index(n + b"\0"), kind, 0, 1, value, size)
                      for n, value, size, kind in symbols)
    eh_size = len(eh)
    eh += symtab + strings if symbols else b""
    names = b"\0" + name + b"\0.eh_frame_hdr\0.text\0.shstrtab\0.gopclntab\0"
    names += b".symtab\0.strtab\0" if symbols else b""
    at = EH + len(eh)
    shoff = (at + len(names) + 7) & ~7

    def section(n, kind, addr, offset, size, link=0):
        return struct.pack("<IIQQQQIIQQ", names.index(n + b"\0"), kind, 2, addr, offset, size, link, 0, 8, 0)

    headers = [bytes(64), section(b".text", 1, TEXT, TEXT, TEXT_SIZE), section(name, 1, EH, EH, eh_size),
               section(b".shstrtab", 3, 0, at, len(names))]
    if hdr_bytes is not None:
        headers.append(section(b".eh_frame_hdr", 1, HDR, HDR, len(hdr_bytes)))
    if go:
        headers.append(section(b".gopclntab", 1, 0, 0, 0))
    if symbols:
        at_symbols = EH + eh_size
        headers.append(section(b".symtab", 2, 0, at_symbols, len(symtab), len(headers) + 1))
        headers.append(section(b".strtab", 3, 0, at_symbols + len(symtab), len(strings)))
    if not sections:
        headers = []
    phdrs = [struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, at, at, 4096)]
    if hdr_bytes is not None:
        phdrs.append(struct.pack("<IIQQQQQQ", 0x6474e550, 4, HDR, HDR, HDR, len(hdr_bytes), len(hdr_bytes), 4))
    ehdr = (b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, TEXT, 64,
            shoff if sections else 0, 0, 64, 56, len(phdrs), 64, len(headers), 3 if sections else 0))
    out = bytearray(ehdr + b"".join(phdrs))
    out += b"\x90" * (HDR - len(out))
    out += (hdr_bytes or b"").ljust(EH - HDR, b"\0") + eh + names
    out += b"\0" * (shoff - len(out)) + b"".join(headers)
    return bytes(out)


PROLOGUE = b"\x41\x0e\x10\x86\x02\x43\x0d\x06\x60\x0c\x07\x08"
PLAIN = [(TEXT, 0x40, PROLOGUE), (TEXT + 0x40, 0x30, b"\x44\x0e\x20\x0a\x48\x0e\x08\x0b"), (TEXT + 0x100, 0x20, b"")]
nr = 0


def seed(name, functions=PLAIN, with_hdr=True, places=None, count=None, encodings=b"\x1b\x03\x3b", sections=True,
         section=b".eh_frame", go=False, symbols=(), **more):
    global nr
    eh, found = eh_frame(functions, **more)
    write("cfi", "%02d-%s" % (nr, name), elf(eh, hdr(places or found, count, encodings) if with_hdr else None,
                                             sections, section, go, symbols))
    nr += 1


seed("plain")
seed("no-hdr", with_hdr=False)
seed("no-sections", sections=False)
seed("debug-frame", section=b".debug_frame", with_hdr=False)
seed("go", go=True)
seed("expressions", [(TEXT, 0x40, b"\x0f\x0b\x77\x08\x80\0\x3f\x1a\x3b\x2a\x33\x24\x22\x44\x0f\x03\x76\x78\x06\x10\x06\x02\x76\x00"
                      b"\x44\x0f\x05\x77\x38\x06\x23\x08")])
seed("signal", [(TEXT, 0x40, b"\x0f\x04\x77\xa0\x01\x06\x10\x10\x03\x77\xa8\x01\x10\x06\x03\x77\xf8\x00")],
     cie_bytes=cie(b"zRS\0"))
seed("trampoline", cie_bytes=cie(b"zRS\0"))
seed("personality", cie_bytes=cie(b"zPLR\0", b"\x9b\1\2\3\4\x1b\x1b"))
seed("augmentation-unknown", cie_bytes=cie(b"zRX\0"))
seed("augmentation-eh", cie_bytes=cie(b"eh\0"))
seed("augmentation-endless", cie_bytes=cie(b"zR" + b"S" * 3000 + b"\0"))
seed("augmentation-no-nul", cie_bytes=entry(struct.pack("<I", 0) + b"\x01" + b"z" * 40))
seed("indirect", cie_bytes=cie(data=b"\x9b"))
seed("omit", cie_bytes=cie(data=b"\xff"))
seed("absptr", [(TEXT, 0x40, b"\0" * 24)], cie_bytes=cie(data=b"\0"))
seed("remember-deep", [(TEXT, 0x40, b"\x0a" * 2000)])
seed("restore-nothing", [(TEXT, 0x40, b"\x41\x0b")])
seed("remember-restore", [(TEXT, 0x200, b"\x0a\x41\x0e\x10\x0b" * 60)])
seed("huge-leb", [(TEXT, 0x40, b"\x0e" + b"\xff" * 30)])
seed("huge-offsets", [(TEXT, 0x40, b"\x0e" + uleb(1 << 62) + b"\x41\x86" + uleb(1 << 62) + b"\x41\x0c\x06" + uleb(1 << 31))])
seed("huge-code-align", cie_bytes=cie(code=uleb(1 << 63)))
seed("huge-data-align", cie_bytes=cie(align=b"\x80" * 9 + b"\x01"))
seed("advance-past-end", [(TEXT, 0x40, b"\x04\xff\xff\xff\xff\x0e\x10\x04\xff\xff\xff\xff\x0e\x18")])
seed("set-loc-back", [(TEXT, 0x40, b"\x48\x01" + struct.pack("<i", -0x2000) + b"\x0e\x10")])
seed("unknown-op", [(TEXT, 0x40, b"\x41\x0e\x10\x41\x3f\x41\x0e\x18")])
seed("all-ops", [(TEXT, 0x40, b"\x05\x06\x02\x41\x06\x06\x41\x07\x06\x41\x08\x06\x41\x09\x06\x00\x41\x11\x06\x7e\x41\x12\x07\x7e"
                  b"\x41\x13\x7e\x41\x14\x06\x02\x41\x15\x06\x02\x41\x16\x06\x01\x30\x41\x2e\x08\x41\x2f\x06\x02\x41\xc6\x02\x01"
                  b"\0\x03\x02\0\x04\x03\0\0\0\x07\x10")])
seed("overlapping", [(TEXT, 0x80, PROLOGUE), (TEXT + 0x10, 0x10, b"\x44\x0e\x20"), (TEXT + 0x20, 0x200, b"")])
seed("function-huge", [(TEXT - 0x1000, 0x7fffffff, PROLOGUE)])
seed("function-empty", [(TEXT, 0, b""), (TEXT + 8, 8, b"")])
seed("count-lies", count=0xffffffff)
seed("count-more", count=9)
seed("table-elsewhere", places=[(TEXT, 0x7ffffff0), (TEXT + 0x40, -0x7fff0000)])
seed("table-unsorted", places=[(TEXT, EH), (TEXT, EH + 0x18), (TEXT, EH + 0x30)])
seed("table-encoding", encodings=b"\x1b\x03\x1b")
seed("cie-is-itself", cie_pointer=4)
seed("cie-before-all", cie_pointer=0x7fffff00)
seed("fde-size-lies", fde_size=0x7fffffff)
seed("fde-size-64", fde_size=0xffffffff)
seed("fde-size-1", fde_size=1)
seed("no-terminator", end=b"")
seed("advance-in-cie", cie_bytes=cie(instructions=b"\x0c\x07\x08\x90\x01\x41\x0e\x10"))
seed("many", [(TEXT + i * 4, 4, b"\x41\x0e" + uleb(16 + i)) for i in range(190)], with_hdr=False)
seed("expressions-plain", [(TEXT, 0x40, b"\x0f\x02\x77\x10\x44\x0f\x04\x76\x10\x23\x08\x44\x0f\x03\x77\x10\x96")])
seed("go-symbols", go=True, symbols=[
    (b"runtime.goexit.abi0", TEXT, 0x10, 2), (b"runtime.goexit", TEXT + 4, 0x10, 2), (b"crosscall2", TEXT + 0x60, 0x20, 2),
    (b"runtime.sigreturn", TEXT + 0x100, 9, 2), (b"runtime.mcall", TEXT + 0xfff0, 0x40, 2), (b"runtime.rt0_go", 8, 0, 2),
    (b"runtime.systemstack", 1 << 64 - 1, 0x100, 2), (b"runtime.mstart", TEXT, 1 << 40, 2), (b"main.main", TEXT, 8, 2),
    (b"runtime.morestack", TEXT + 0x200, 8, 1), (b"x" * 60, TEXT, 8, 2)])

# --- unwind_page ---
NONE, SP8 = bytes(8), struct.pack("<ihBB", 8, 0, 3, 0)
pages = {
    "one": (0, [0], [NONE]),
    "two": (0, [1, 0x00100000], [NONE, SP8]),
    "far": (0xffffffffffff0000, [1], [NONE, SP8]),
    "unaligned": (5, [1], [NONE, SP8]),
    "no-rows": (0, [], [NONE]),
    "no-rules": (0, [0], []),
    "rule-out-of-range": (0, [2], [NONE, SP8]),
    "not-from-0": (0, [0x00010000], [NONE]),
    "not-sorted": (0, [0, 0x00050000, 0x00040000], [NONE]),
    "twice": (0, [0, 0x00050000, 0x00050001], [NONE, SP8]),
    "last-byte": (0, [0, 0xffff0001], [NONE, SP8]),
    "first-rule-not-none": (0, [0], [SP8]),
    "kind-unknown": (0, [1], [NONE, struct.pack("<ihBB", 8, 0, 11, 0)]),
    "fp-unknown": (0, [1], [NONE, struct.pack("<ihBB", 8, 0, 3, 9)]),
    "fields-of-end": (0, [1], [NONE, struct.pack("<ihBB", 8, 0, 2, 0)]),
    "signal": (0, [1], [NONE, struct.pack("<ihBB", 160, 120, 8, 0)]),
    "plt": (0, [1], [NONE, struct.pack("<ihBB", 8 | 11 << 16, 0, 7, 0)]),
    "plt-17": (0, [1], [NONE, struct.pack("<ihBB", 8 | 17 << 16, 0, 7, 0)]),
    "trampoline": (0, [1], [NONE, struct.pack("<ihBB", 8, 0, 3, 0x80)]),
    "deref": (0, [1], [NONE, struct.pack("<ihBB", 0x00100008, 0, 6, 2)]),
    "same-rule-twice": (0, [1, 0x00010002], [NONE, SP8, SP8]),
    "many-rules": (0, [i << 16 | i for i in range(1024)], [NONE] + [struct.pack("<ihBB", i, 0, 3, 0) for i in range(1023)]),
    "too-many-rules": (0, [0], [NONE] * 1025),
    "many-rows": (0, [i << 18 | (i & 1) for i in range(16384)], [NONE, SP8]),
    "too-many-rows": (0, [i << 16 for i in range(16385)], [NONE]),
}
for i, (name, (offset, rows, rules)) in enumerate(pages.items()):
    write("unwind_page", "%02d-%s" % (i, name), struct.pack("<QII", offset, len(rows), len(rules))
          + b"".join(struct.pack("<I", r) for r in rows) + b"".join(rules))
write("unwind_page", "97-count-lies", struct.pack("<QII", 0, 0xffffffff, 0xffffffff) + bytes(64))
write("unwind_page", "98-short", bytes(12))

# --- unwind_stack ---
STACK = 0x7ffc00001000


def stack(name, words, rule, regs=None, rows=None, tail=b""):
    global nr
    regs = regs or (OBJECT, STACK, STACK + 32)
    rules = [NONE, struct.pack("<ihBB", *rule)] if rule else [NONE]
    rows = rows if rows is not None else [len(rules) - 1]
    data = struct.pack("<QQQ", *regs) + bytes([len(rows), len(rules)]) + bytes(6)
    data += b"".join(struct.pack("<I", r) for r in rows) + b"".join(rules)
    data += b"".join(struct.pack("<Q", w & 0xffffffffffffffff) for w in words) + tail
    write("unwind_stack", "%02d-%s" % (nr, name), data)
    nr += 1


nr = 0
OBJECT, CODE = 0x200021, 0x300021  # with a table, and of no file
stack("empty", [], None)
stack("leaf-unmapped", [0] * 4, None, (0x1000, STACK, 0))
stack("leaf-unknown", [0] * 4, None, (0x100000, STACK, 0))
stack("leaf-no-page", [0] * 4, None, (OBJECT + 0x10000, STACK, 0))
for kind in range(12):
    for fp in (0, 1, 2, 3, 4, 0x80):
        if fp and kind not in (3, 4, 5, 6):
            continue
        stack("kind-%d-fp-%x" % (kind, fp), [OBJECT, STACK + 48, OBJECT, 5, STACK + 80, CODE] * 6,
              (0 if kind in (0, 1, 2, 9, 10) else 16 if kind < 5 else 8, 8 if fp in (1, 2, 3) else 0, kind, fp))
stack("chain-of-guesses", sum(([STACK + 16 * (i + 1), CODE] for i in range(60)), []), None, (CODE, STACK, STACK))
stack("guess-loops", [STACK, CODE] * 4, None, (CODE, STACK, STACK))
stack("stack-at-top", [CODE] * 8, None, (CODE, 0xfffffffffffffff0, 0xfffffffffffffff0))
stack("odd-size", [CODE] * 3, None, (CODE, STACK, STACK + 8), tail=b"\1\2\3")
stack("fp-odd", [CODE] * 6, None, (CODE, STACK, STACK + 3))
stack("deep", sum(([STACK + 16 * (i + 1), CODE] for i in range(1100)), []), None, (CODE, STACK, STACK))
write("unwind_stack", "98-short", bytes(20))
write("unwind_stack", "99-rows-lie", bytes(24) + b"\xff\xff" + bytes(20))

# --- unwind_compact ---
nr = 0


def compact(name, addresses=(), period=1000000, source=0, serial=7, count=None, stop=0, flags=0, zero=0, tail=b""):
    global nr
    data = struct.pack("<QIIHBBI", period, source, serial, len(addresses) if count is None else count, stop, flags, zero)
    data += b"".join(struct.pack("<Q", a) for a in addresses) + tail
    write("unwind_compact", "%02d-%s" % (nr, name), data)
    nr += 1


GUESS = 1 << 63
compact("empty")
compact("one", [0x401000])
compact("padded", [0x401000], tail=bytes(4))
compact("guess", [0x401000, 0x402000 | GUESS, 0x403000])
compact("chain", [0x401000, 0x402000, 0, 1], flags=1)
compact("chain-high", [GUESS, GUESS | 5], flags=1)
compact("full", range(512))
compact("more-than-full", range(513))
compact("lacks-one", [0x401000, 0x402000], count=3)
compact("lacks-all", count=512)
compact("count-65535", [1, 2, 3], count=65535)
compact("flag-unknown", [1], flags=4)
compact("flag-ask", [1, 2], flags=2)
compact("flags-all", [1], flags=255)
compact("not-zero", [1], zero=1)
compact("period-huge", [1], period=2 ** 64 - 1)
compact("source-huge", [1], source=2 ** 32 - 1, serial=2 ** 32 - 1)
for i in range(0, 12):
    compact("stop-%d" % i, [0x401000, 0x402000], stop=i)
compact("stop-255", [1], stop=255)
write("unwind_compact", "98-nothing", b"")
write("unwind_compact", "99-short", bytes(23))

# --- worker_pages ---
nr = 0
DONE_PARSING, PAGES, PAGE = 3, 5, 6


def message(name, data, request=0, nr_fds=0):
    global nr
    write("worker_pages", "%02d-%s" % (nr, name), bytes([request | nr_fds << 1]) + data)
    nr += 1


def request(offsets=(0,), count=None, kind=PAGES, build_id_size=0, quarantined=0):
    data = struct.pack("<IIQ", kind, len(offsets) if count is None else count, 1)
    data += struct.pack("<QQQqqBBH20s", 1, 2, 3, 4, 5, build_id_size, quarantined, 0, bytes(20))
    return data + b"".join(struct.pack("<Q", o) for o in offsets)


def page(rows=(0,), rules=(NONE,), status=0, cookie=1, offset=0, kind=PAGE, nr_rows=None, nr_rules=None):
    data = struct.pack("<IiQQII", kind, status, cookie, offset, len(rules) if nr_rules is None else nr_rules,
                       len(rows) if nr_rows is None else nr_rows)
    return data + b"".join(rules) + b"".join(struct.pack("<I", r) for r in rows)


RULE = struct.pack("<ihBB", 16, -16, 3, 1)
message("request", request(), 1, 1)
message("request-vdso", request(), 1, 0)
message("request-fds", request(), 1, 2)
message("request-64", request([i << 16 for i in range(64)]), 1, 1)
message("request-65", request([i << 16 for i in range(65)]), 1, 1)
message("request-none", request([]), 1, 1)
message("request-odd", request([4096]), 1, 1)
message("request-lacks", request([0], count=2), 1, 1)
message("request-huge", request([0], count=0xffffffff), 1, 1)
message("request-build-id", request(build_id_size=21), 1, 1)
message("request-quarantined", request(quarantined=1), 1, 1)
message("request-short", request()[:40], 1, 1)
message("page", page())
message("page-rule", page([0, 1 << 16 | 1, 9 << 16], [NONE, RULE]))
message("page-row-order", page([0, 9 << 16 | 1, 9 << 16], [NONE, RULE]))
message("page-row-rule", page([0, 9 << 16 | 2], [NONE, RULE]))
message("page-no-row", page([], [NONE]))
message("page-no-rule", page([0], []))
message("page-first-rule", page([0], [RULE]))
message("page-status", page([], [], status=-2))
message("page-status-rows", page(status=-2))
message("page-status-positive", page([], [], status=2))
message("page-cookie", page(cookie=2))
message("page-offset", page(offset=65536))
message("page-lacks", page([0], [NONE], nr_rows=2))
message("page-rows-huge", page(nr_rows=0xffffffff))
message("page-rules-huge", page(nr_rules=0xffffffff))
message("page-full", page([i << 16 | i % 2 for i in range(16384)], [NONE, RULE]))
message("page-more", page([i << 16 for i in range(16385)]))
message("page-short", page()[:20])
message("parsing", struct.pack("<IIQ", DONE_PARSING, 0, 1))
message("parsing-none", struct.pack("<IIQ", DONE_PARSING, 65536, 1))
message("nothing", b"")
