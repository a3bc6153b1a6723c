#!/usr/bin/env python3
"""expect.py perf.data [--leaf] [--deep=N]: what replay must make of a recording, derived from `perf script` alone, in the form of
dump. perf shows addresses of files' callchains as offsets into them, and of samples without a chain as they are: those
recordings have .leaf in their names. --leaf: stack copies were recorded, which perf walks; we have the leaf and
[truncated]. --deep: no more than N frames were recorded."""
import collections
import os
import re
import subprocess
import sys

KERNEL = 0xffff800000000000
# Of a pipe perf forgets the callchains when it is asked for fields by name, and else it hides those of tracepoints.
with open(sys.argv[1] + "/data" if os.path.isdir(sys.argv[1]) else sys.argv[1], "rb") as f:
    is_pipe = f.read(16)[8] == 16
fields = "+pid,+tid,+period" if is_pipe else "comm,pid,tid,period,event,ip,sym,dso"
out = subprocess.run(["perf", "script", "-i", sys.argv[1], "--no-inline", "-F", fields, "--ns"]
                     + (["-G"] if "--leaf" in sys.argv else []),
                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True).stdout
head = re.compile(r"^ *(\S.*?) +(-?\d+)/(-?\d+) +(?:\[\d+\] +)?(?:[\d.]+: +)?(\d+) +(\S+): *(.*)$")
frame = re.compile(r"^\s*([0-9a-f]+) .*?\(([^()]*(?:\([^()]*\))?)\)$")
samples = collections.Counter()
values = collections.Counter()


def stack(frames):
    kernel = [f for f in frames if f[0] >= KERNEL]
    user = [f for f in frames if f[0] < KERNEL]
    text = []
    for i, (ip, dso) in enumerate(kernel):
        text.append("%s:%x" % ("[kernel.kallsyms]" if dso == "[unknown]" else dso, ip - (i > 0)))
    for i, (ip, dso) in enumerate(user):
        if dso == "[unknown]" and i:
            text.append("[truncated]")  # a frame pointer that was none
            break
        text.append("[unmapped]" if dso == "[unknown]" else "%s:%x" % (dso, ip - (i > 0)))
    if "--leaf" in sys.argv or "--deep=%d" % len(text) in sys.argv:
        text.append("[truncated]")
    return "".join(" " + t for t in text)


def flush(sample, frames):
    if sample:
        key = "|".join(sample[:3]) + "|" + stack(frames)
        samples[key] += 1
        values[key] += sample[3]


sample, frames = None, []
for line in out.splitlines():
    m = head.match(line)
    if m:
        flush(sample, frames)
        comm, pid, tid, period, event, rest = m.groups()
        sample, frames = (event, comm.strip(), "%s/%s" % (pid, tid), int(period)), []
        line = rest
    m = frame.match(line)
    if m:
        frames.append((int(m.group(1), 16), m.group(2)))
flush(sample, frames)
for key in sorted(samples):
    print("%s|%d|%d" % (key, samples[key], values[key]))
