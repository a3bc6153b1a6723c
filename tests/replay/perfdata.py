"""Builds perf.data files byte by byte, in every shape that perf has written: for the fixtures (make.py) and the fuzz
seeds. `order` is struct's: "<" a little-endian machine's file, ">" a big-endian one's."""
import struct
import subprocess

(IP, TID, TIME, ADDR, READ, CHAIN, ID, CPU, PERIOD, STREAM, RAW, BRANCH, REGS, STACK, WEIGHT, DATA_SRC, IDENT) = (
    1 << i for i in range(17))
SAMPLE, MMAP, LOST, COMM, EXIT, FORK, MMAP2, LOST_SAMPLES = 9, 1, 2, 3, 4, 7, 10, 13
ATTR, EVENT_TYPE, TRACING, BUILD_ID, ROUND, AUXTRACE, UPDATE, FEATURE, COMPRESSED, COMPRESSED2 = (
    64, 65, 66, 67, 68, 71, 78, 80, 81, 83)
KERNEL, USER = 1, 2
CONTEXT_KERNEL, CONTEXT_USER = 2**64 - 128, 2**64 - 512
ID_ALL = 18  # the bit of attr.sample_id_all


class File:
    def __init__(self, order="<", attr_size=112, magic=None):
        self.order, self.attr_size = order, attr_size
        self.magic = magic or struct.pack(order + "Q", 0x32454c4946524550)
        self.events, self.data, self.features = [], b"", {}

    def pack(self, form, *v):
        return struct.pack(self.order + form, *v)

    def text(self, s, pad=8):
        s = s.encode() + b"\0"
        return s + b"\0" * (-len(s) % pad)

    def counted(self, s):
        s = self.text(s)
        return self.pack("I", len(s)) + s

    # Events: their attribute and ids. FLAGS are numbers of bits.
    def event(self, type=1, config=0, period=4000, sample_type=IP | TID | TIME, flags=(), ids=(), read_format=0,
              branch=0, regs=0, stack=0):
        self.events.append(dict(type=type, config=config, period=period, sample_type=sample_type, flags=flags, ids=ids,
                                read_format=read_format, branch=branch, regs=regs, stack=stack))

    def attr(self, e):
        bits = sum(1 << (63 - b if self.order == ">" else b) for b in e["flags"])
        a = self.pack("IIQQQQQIIQQQQIiQ", e["type"], self.attr_size, e["config"], e["period"], e["sample_type"],
                      e["read_format"], bits, 0, 0, 0, 0, e["branch"], e["regs"], e["stack"], 0, 0)
        return a[:self.attr_size].ljust(self.attr_size, b"\0")

    # Records.
    def record(self, type, body=b"", misc=USER, size=None, payload=b""):
        self.data += self.pack("IHH", type, misc, 8 + len(body) if size is None else size) + body + payload

    def trailer(self, e, pid, tid, time, id):
        t, out = e["sample_type"], b""
        if ID_ALL not in e["flags"]:
            return out
        for bit, form, v in ((TID, "II", (pid, tid)), (TIME, "Q", (time,)), (ID, "Q", (id,)), (STREAM, "Q", (id,)),
                             (CPU, "II", (0, 0)), (IDENT, "Q", (id,))):
            out += self.pack(form, *v) if t & bit else b""
        return out

    def sideband(self, type, body, pid=0, tid=0, time=0, id=0, event=0, misc=USER):
        self.record(type, body + self.trailer(self.events[event], pid, tid, time, id), misc)

    def comm(self, pid, tid, name, time=0, exec=False):
        self.sideband(COMM, self.pack("II", pid, tid) + self.text(name), pid, tid, time,
                      misc=USER | (1 << 13 if exec else 0))

    def mmap(self, pid, start, size, pgoff, name, time=0, misc=USER):
        self.sideband(MMAP, self.pack("IIQQQ", pid, pid, start, size, pgoff) + self.text(name), pid, pid, time, misc=misc)

    def mmap2(self, pid, start, size, pgoff, name, time=0, prot=5, build_id=None):
        what = (self.pack("B3x", len(build_id)) + build_id.ljust(20, b"\0") if build_id
                else self.pack("IIQQ", 8, 1, 1234, 5))
        self.sideband(MMAP2, self.pack("IIQQQ", pid, pid, start, size, pgoff) + what + self.pack("II", prot, 2)
                      + self.text(name), pid, pid, time, misc=USER | (1 << 14 if build_id else 0))

    def task(self, type, pid, ppid, tid, ptid, time):
        self.sideband(type, self.pack("IIIIQ", pid, ppid, tid, ptid, time), pid, tid, time)

    def lost(self, id, nr, time=0):
        self.sideband(LOST, self.pack("QQ", id, nr), time=time, id=id)

    def sample(self, event=0, ip=0, pid=1, tid=None, time=0, id=0, period=1, chain=(), misc=USER, read=b"", tail=b""):
        t, out = self.events[event]["sample_type"], b""
        tid = pid if tid is None else tid
        for bit, form, v in ((IDENT, "Q", (id,)), (IP, "Q", (ip,)), (TID, "II", (pid, tid)), (TIME, "Q", (time,)),
                             (ADDR, "Q", (0,)), (ID, "Q", (id,)), (STREAM, "Q", (id,)), (CPU, "II", (0, 0)),
                             (PERIOD, "Q", (period,))):
            out += self.pack(form, *v) if t & bit else b""
        if t & READ:
            out += read
        if t & CHAIN:
            out += self.pack("Q%dQ" % len(chain), len(chain), *chain)
        self.record(SAMPLE, out + tail, misc)

    def compress(self, data, cut=0, type=COMPRESSED):
        """DATA as records of one zstd stream, cut after CUT compressed bytes."""
        z = subprocess.run(["zstd", "-q", "-c", "--no-check"], input=data, stdout=subprocess.PIPE, check=True).stdout
        for part in (z[:cut], z[cut:]) if cut else (z,):
            if type == COMPRESSED2:
                part = self.pack("Q", len(part)) + part + b"\0" * (-len(part) % 8)
            self.record(type, part)

    # Contents of feature sections.
    def build_id(self, id, name, pid=2**32 - 1, misc=USER, has_pid=True, header=True):
        body = (self.pack("I", pid) if has_pid else b"") + id.ljust(24, b"\0") + self.text(name)
        return (self.pack("IHH", 0, misc, 8 + len(body)) if header else b"") + body

    def event_desc(self, names):
        out = self.pack("II", len(names), self.attr_size)
        for e, name in zip(self.events, names):
            out += self.attr(e) + self.pack("I", len(e["ids"])) + self.counted(name)
            out += self.pack("%dQ" % len(e["ids"]), *e["ids"])
        return out

    # The whole.
    def bytes(self, header_size=104, unfinished=False):
        head = ids = b""
        attrs = b""
        for e in self.events:
            at = header_size + len(ids)
            ids += self.pack("%dQ" % len(e["ids"]), *e["ids"])
            attrs += self.attr(e) + self.pack("QQ", at, 8 * len(e["ids"]))
        attrs_at = header_size + len(ids)
        data_at = attrs_at + len(attrs)
        head = self.magic + self.pack("QQQQQQQQ", header_size, self.attr_size + 16, attrs_at, len(attrs), data_at,
                                      0 if unfinished else len(self.data), 0, 0)
        bits = sum(1 << b for b in self.features) if header_size > 72 else 0
        if header_size > 72:
            head += self.pack("QQQQ", bits, 0, 0, 0)
        out = head.ljust(header_size, b"\0") + ids + attrs + self.data
        at = len(out) + 16 * len(self.features)
        sections = contents = b""
        for b in sorted(self.features if bits else ()):
            sections += self.pack("QQ", at + len(contents), len(self.features[b]))
            contents += self.features[b]
        return out + sections + contents

    def pipe(self):
        data, self.data = self.data, b""
        for e in self.events:
            self.record(ATTR, self.attr(e) + self.pack("%dQ" % len(e["ids"]), *e["ids"]))
        attrs, self.data = self.data, data
        return self.magic + self.pack("Q", 16) + attrs + data
