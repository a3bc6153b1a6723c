#!/usr/bin/env python3
"""Makes the fixtures that no perf at hand records: other machines, old kernels, rare records. What is expected of each
is written beside what is put in. Run it to write them anew."""
import gzip
import os

from perfdata import *  # noqa

HERE = os.path.dirname(os.path.abspath(__file__))
BASE = IP | TID | TIME | PERIOD
FREQ = 10  # the bit of attr.freq
FORK_EXEC = 1 << 13
GUEST_KERNEL, GUEST_USER = 4, 5
KERNEL_PID = 2**32 - 1
K = "[kernel.kallsyms]"


def write(name, data, *expected):
    with open(os.path.join(HERE, name + ".data.gz"), "wb") as f:
        f.write(gzip.compress(data, 9, mtime=0))
    with open(os.path.join(HERE, name + ".expected"), "w") as f:
        f.writelines(sorted(line + "\n" for line in expected))


# A big-endian machine: its addresses are of its own files.
f = File(">")
f.event(sample_type=BASE | CHAIN, flags=(ID_ALL, FREQ))
f.mmap(KERNEL_PID, 0xc000000000000000, 0x1000000, 0xc000000000000000, K + "_text", misc=KERNEL)
f.comm(7, 7, "prog")
f.mmap2(7, 0x10000000, 0x10000, 0x200, "/usr/bin/prog")
f.sample(ip=0xc000000000001000, pid=7, time=20, period=1000, misc=KERNEL,
         chain=(CONTEXT_KERNEL, 0xc000000000001000, 0xc000000000002000, CONTEXT_USER, 0x10000100, 0x10000200))
f.sample(ip=0x10000300, pid=7, tid=8, time=10, period=500, chain=(CONTEXT_USER, 0x10000300, 0x10000400))
f.features = {3: f.counted("power"), 6: f.counted("ppc64")}
BIG = ("cpu-clock|prog|7/7| %s:c000000000001000 %s:c000000000001fff /usr/bin/prog:300 /usr/bin/prog:3ff|1|1000" % (K, K),
       "cpu-clock|prog|7/8| /usr/bin/prog:500 /usr/bin/prog:5ff|1|500")
write("made-big-endian", f.bytes(), *BIG)
f.features = {}
write("made-big-endian-pipe", f.pipe(), *BIG)

# perf 3.2 on Linux 2.6.3x: no sample_id_all, so that what is no sample has neither time nor id; two events told apart
# by id; rounds; modules by path.
f = File(attr_size=72)
f.event(type=0, config=0, period=100000, sample_type=BASE | ID | CHAIN, ids=(1, 2))
f.event(type=0, config=1, period=200000, sample_type=BASE | ID | CHAIN, ids=(3, 4))
f.mmap(KERNEL_PID, 0xffffffff81000000, 0x600000, 0xffffffff81000000, K + "_text", misc=KERNEL)
f.mmap(KERNEL_PID, 0xffffffffa0000000, 0x10000, 0, "/lib/modules/2.6.39/kernel/fs/ext4/ext4.ko", misc=KERNEL)
f.comm(7, 7, "old")
f.mmap(7, 0x400000, 0x1000, 0, "/bin/old")
f.sample(ip=0x400100, pid=7, time=50, id=1, period=11, chain=(CONTEXT_USER, 0x400100))
f.sample(ip=0x400200, pid=7, time=40, id=3, period=22, chain=(CONTEXT_USER, 0x400200))
f.record(ROUND)
f.sample(ip=0xffffffff81000010, pid=7, time=60, id=2, period=33, misc=KERNEL,
         chain=(CONTEXT_KERNEL, 0xffffffff81000010, 0xffffffffa0000020, CONTEXT_USER, 0x400100, 0x400300))
f.record(ROUND)
f.features = {2: f.build_id(b"\xab" * 20, K, misc=KERNEL), 12: f.event_desc(["cycles", "instructions"])}
OLD = ("cycles|old|7/7| /bin/old:100|1|11",
       "instructions|old|7/7| /bin/old:200|1|22",
       "cycles|old|7/7| %s:ffffffff81000010 /lib/modules/2.6.39/kernel/fs/ext4/ext4.ko:1f /bin/old:100 /bin/old:2ff|1|33" % K)
write("made-old", f.bytes(), *OLD)
f.magic = b"PERFFILE"
write("made-old-magic", f.bytes(), *OLD)

# Two events with different fields, told apart by IDENTIFIER.
f = File()
f.event(type=1, config=0, period=1000000, sample_type=IDENT | BASE | CHAIN | CPU, flags=(ID_ALL,), ids=(1, 2))
f.event(type=2, config=77, period=1, sample_type=IDENT | IP | TID | TIME | RAW, flags=(ID_ALL,), ids=(3, 4))
f.comm(7, 7, "two")
f.mmap2(7, 0x400000, 0x1000, 0, "/bin/two")
f.sample(ip=0x400100, pid=7, time=5, id=2, period=3, chain=(CONTEXT_USER, 0x400100, 0x400201))
f.sample(event=1, ip=0x400300, pid=7, time=4, id=4, tail=f.pack("I", 12) + b"x" * 12)
f.sample(ip=0x400100, pid=7, time=6, id=99, period=3, chain=(CONTEXT_USER, 0x400100))  # of an event that is not there
f.features = {12: f.event_desc(["cpu-clock", "sched:sched_switch"])}
write("made-mixed", f.bytes(),
      "cpu-clock|two|7/7| /bin/two:100 /bin/two:200|1|3",
      "sched:sched_switch|two|7/7| /bin/two:300|1|1")

# Who is not an ordinary process; and what was lost, of the event whose samples there are.
f = File()
f.event(type=1, config=0, period=1000, sample_type=IDENT | BASE | CHAIN, flags=(ID_ALL,), ids=(1,))
f.event(type=1, config=9, period=1, sample_type=IDENT | BASE | CHAIN, flags=(ID_ALL,), ids=(2,))
f.comm(7, 7, "vm")
f.mmap2(7, 0x400000, 0x1000, 0, "/bin/vm")
f.sample(ip=0xffffffff81000010, pid=0, time=1, id=1, period=10, misc=KERNEL, chain=(CONTEXT_KERNEL, 0xffffffff81000010))
f.sample(ip=0xffffffff81000010, pid=2**32 - 1, time=2, id=1, period=10, misc=KERNEL,
         chain=(CONTEXT_KERNEL, 0xffffffff81000010))
f.sample(ip=0x1234, pid=7, time=3, id=1, period=10, misc=GUEST_USER)
f.sample(ip=0xffffffff81000010, pid=7, time=4, id=1, period=10, misc=GUEST_KERNEL)
f.sample(ip=0x999999, pid=7, time=5, id=1, period=10, chain=(CONTEXT_USER, 0x999999, 0x400100))
f.sample(ip=0x400100, pid=7, time=6, id=1, period=10, chain=(CONTEXT_USER, 0x400100, 0x999999, 0x400200))
f.lost(1, 5, time=7)
f.lost(2, 2, time=8)
write("made-special", f.bytes(),
      "cpu-clock|swapper|0/0| %s:ffffffff81000010|1|10" % K,
      "cpu-clock|-|-/-| %s:ffffffff81000010 [exiting]|1|10" % K,
      "cpu-clock|vm|7/7| [guest]|2|20",
      "cpu-clock|vm|7/7| [unmapped] /bin/vm:ff|1|10",
      "cpu-clock|vm|7/7| /bin/vm:100 [truncated]|1|10",
      "cpu-clock|-|-/-| [lost]|7|7000")

# Lives of processes: a made-up fork inherits nothing, a real one does; an exec begins anew; a pid is used again; a later
# mapping replaces what it overlaps. Written out of order, as two CPUs do.
f = File()
f.event(sample_type=BASE, flags=(ID_ALL,))
f.comm(5, 5, "parent")
f.mmap2(5, 0x400000, 0x2000, 0, "/bin/parent")
f.sideband(FORK, f.pack("IIIIQ", 6, 5, 6, 5, 0), misc=FORK_EXEC)
f.comm(6, 6, "there")
f.mmap2(6, 0x500000, 0x1000, 0, "/bin/there")
f.sample(ip=0x400100, pid=6, time=100, period=1)  # of its parent's: not its
f.sample(ip=0x500100, pid=6, time=101, period=1)
f.sample(ip=0x400200, pid=9, time=210, period=1)  # forked at 200
f.sample(ip=0x400300, pid=9, time=230, period=1)  # before its exec's mapping
f.sample(ip=0x400400, pid=9, time=250, period=1)  # after it
f.sample(ip=0x400500, pid=9, time=310, period=1)  # another pid 9
f.sample(ip=0x400600, pid=5, time=400, period=1)
f.sample(ip=0x400700, pid=5, time=420, period=1)  # mapped over
f.sample(ip=0x401700, pid=5, time=421, period=1)  # beside it
f.task(FORK, 9, 5, 9, 5, 200)
f.comm(9, 9, "child", time=220, exec=True)
f.mmap2(9, 0x400000, 0x1000, 0x3000, "/bin/child", time=240)
f.task(EXIT, 9, 5, 9, 5, 260)
f.task(FORK, 9, 5, 9, 5, 300)
f.mmap2(5, 0x400000, 0x1000, 0x7000, "/lib/over.so", time=410)
f.record(ROUND)
write("made-lives", f.bytes(),
      "cpu-clock|there|6/6| [unmapped]|1|1",
      "cpu-clock|there|6/6| /bin/there:100|1|1",
      "cpu-clock|parent|9/9| /bin/parent:200|1|1",
      "cpu-clock|child|9/9| [unmapped]|1|1",
      "cpu-clock|child|9/9| /bin/child:3400|1|1",
      "cpu-clock|parent|9/9| /bin/parent:500|1|1",
      "cpu-clock|parent|5/5| /bin/parent:600|1|1",
      "cpu-clock|parent|5/5| /lib/over.so:7700|1|1",
      "cpu-clock|parent|5/5| /bin/parent:1700|1|1")

# Samples without a period: of a clock at a frequency, at a count; of what is no clock.
f = File()
for i, (type, config, period, flags) in enumerate(((1, 0, 1000, (FREQ,)), (1, 1, 5000, ()), (0, 0, 4000, (FREQ,)),
                                                   (0, 1, 7000, ()))):
    f.event(type=type, config=config, period=period, sample_type=IP | TID | ID, flags=flags, ids=(i + 1,))
    f.sample(event=i, ip=0x400000, pid=3, id=i + 1)
    f.sample(event=i, ip=0x400000, pid=3, id=i + 1)
f.comm(3, 3, "p")
write("made-periods", f.bytes(),
      "cpu-clock|-|3/3| [unmapped]|2|2000000", "task-clock|-|3/3| [unmapped]|2|10000",
      "cycles|-|3/3| [unmapped]|2|2", "instructions|-|3/3| [unmapped]|2|14000")

# Nobody's: samples that do not say whose they are.
f = File()
f.event(sample_type=IP | TIME | PERIOD, flags=(ID_ALL,))
f.sample(ip=0x400000, time=1, period=9)
f.sample(ip=0xffffffff81000010, time=2, period=9, misc=KERNEL)
write("made-nobody", f.bytes(), "cpu-clock|-|-/-| [unmapped]|1|9", "cpu-clock|-|-/-| %s:ffffffff81000010|1|9" % K)

# A mapping with device (254:0) and inode that claims to have a build id: Linux says so once another event of the system,
# pprofd's for one, has been given the record with one.
f = File()
f.event(sample_type=BASE, flags=(ID_ALL,))
f.comm(7, 7, "leak")
f.sideband(MMAP2, f.pack("IIQQQIIQQII", 7, 7, 0x400000, 0x1000, 0, 254, 0, 10953031, 0, 5, 2) + f.text("/bin/leak"),
           misc=USER | 1 << 14)
f.sample(ip=0x400100, pid=7, time=1)
write("made-inode", f.bytes(), "cpu-clock|leak|7/7| /bin/leak:100|1|1")

# The kernel's names, from a kallsyms of another boot: _text is elsewhere, modules cannot be named.
f = File()
f.event(sample_type=BASE, flags=(ID_ALL,))
f.mmap(KERNEL_PID, 0xffffffff9a000000, 0x600000, 0xffffffff9a000000, K + "_text", misc=KERNEL)
f.mmap(KERNEL_PID, 0xffffffffc0000000, 0x10000, 0, "[ext4]", misc=KERNEL)
f.comm(7, 7, "k")
f.sample(ip=0xffffffff9a000110, pid=7, time=1, misc=KERNEL)
f.sample(ip=0xffffffff9a000210, pid=7, time=2, misc=KERNEL)
f.sample(ip=0xffffffffc0000010, pid=7, time=3, misc=KERNEL)
write("made-kernel", f.bytes(), "cpu-clock|k|7/7| %s:ffffffff9a000110|1|1" % K,
      "cpu-clock|k|7/7| %s:ffffffff9a000210|1|1" % K, "cpu-clock|k|7/7| [ext4]:10|1|1")
for name, text in (("other", 0xffffffff81000000), ("same", 0xffffffff9a000000)):
    with open(os.path.join(HERE, "kallsyms-" + name), "w") as f:
        for offset, symbol in ((0, "_text"), (0x100, "first"), (0x200, "second"), (0x1000, "_etext")):
            f.write("%016x T %s\n" % (text + offset, symbol))
        f.write("ffffffffc0000000 t ext4_read\t[ext4]\nffffffffc0001000 t ext4_end\t[ext4]\n")
