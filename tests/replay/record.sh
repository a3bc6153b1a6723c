#!/bin/sh
# record.sh DIR: records the fixtures anew into DIR, NAME.data.gz and NAME.expected each. Needs root and perf; the ones
# here are of perf 6.1 on Linux 6.18. What is expected comes from `perf script` alone (expect.py). perf has one thing
# otherwise: it keeps a process's old mappings over an exec, so that a sample taken inside execve may find its caller in
# a program that is no more; record "exec" again then.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "$1" && cd "$1" && pwd)
work=/tmp/pprofd-replay
rm -rf $work && mkdir -p $work && cd $work
gcc -O1 -g0 -fno-omit-frame-pointer -fno-optimize-sibling-calls -o spin "$here/spin.c" -pthread

keep() { # NAME FILE [expect.py's options]
	name=$1 file=$2; shift 2
	python3 "$here/expect.py" "$file" "$@" | LC_ALL=C sort >"$out/$name.expected"
	[ -s "$out/$name.expected" ]
	gzip -9nc "$file" >"$out/$name.data.gz"
}

record() { # NAME [perf record's arguments]
	name=$1; shift
	perf record -q -o $work/$name "$@" ./spin 2>/dev/null
	case $name in dwarf.leaf) set -- --leaf ;; depth) set -- --deep=3 ;; *) set -- ;; esac
	keep $name $work/$name "$@"
}

record callchain -e cpu-clock -F 499 -g
record user -e cpu-clock:u -F 499 -g
record events -e cpu-clock -e page-faults -e task-clock:u -F 499 -g
record tracepoint -e sched:sched_process_exec -e sched:sched_process_fork -e cpu-clock -F 199 -g
record count.leaf -e cpu-clock -c 2000000
record plain.leaf -e cpu-clock -F 499 --no-buildid --no-buildid-cache
record group.leaf -e '{cpu-clock,page-faults,context-switches}:S' -F 499
record dwarf.leaf -e cpu-clock:u -F 199 --call-graph dwarf,1024
record zstd -z -e cpu-clock -F 1997 -g
record fields -e cpu-clock -F 499 -g -d -W -s -R --namespaces --all-cgroups --phys-data --sample-identifier
record clockid -k CLOCK_MONOTONIC -e cpu-clock -F 199 -g
record depth -e cpu-clock/max-stack=3/ -F 499 -g
record buildid-mmap --buildid-mmap -e cpu-clock -F 199 -g
record tail --tail-synthesize --overwrite -e cpu-clock -F 199 -g

perf record -q -o exec -e cpu-clock -F 499 -g ./spin exec 2>/dev/null
keep exec exec
perf record -q -o - -e cpu-clock -F 499 -g ./spin >pipe 2>/dev/null
keep pipe pipe
perf record -q -z -o - -e cpu-clock -e page-faults -F 499 -g ./spin >pipe-zstd 2>/dev/null
keep pipe-zstd pipe-zstd
perf record -q -o - -e cpu-clock -F 499 -g ./spin 2>/dev/null | perf inject -b -o injected
keep injected injected
# Killed: it never wrote its size, and perf itself reads it only when that and the feature bits are put right.
perf record -q -o unfinished -e cpu-clock -F 499 -g -m 1 -- sh -c 'for i in 1 2 3 4 5 6 7 8; do ./spin; done' 2>/dev/null &
sleep 0.7; kill -9 $!; wait $! || :
python3 -c 'import struct, sys
b = bytearray(open("unfinished", "rb").read())
b[48:56] = struct.pack("<Q", len(b) - struct.unpack_from("<Q", b, 40)[0])
b[72:104] = bytes(32)
open("finished", "wb").write(b)'
keep unfinished finished
gzip -9nc unfinished >"$out/unfinished.data.gz"
perf record -q --threads -o threads -e cpu-clock -F 499 -g ./spin
python3 "$here/expect.py" threads | LC_ALL=C sort >"$out/threads.expected"
tar -c --sort=name --owner=0 --group=0 threads | gzip -9n >"$out/threads.tar.gz"

# Names of one program, opened below a root; where there is no file, [BASENAME].
perf record -q -o names -e cpu-clock:u -F 997 -g ./spin
perf script -i names --no-inline -F comm,ip,sym,dso | awk '
	function end() { if (n) { line = comm; for (; n; n--) line = line ";" frame[n]; print line } n = 0; cut = 0 }
	/^[^ \t]/ { end(); comm = $1; next }
	/^[ \t]*$/ { next }
	{ name = $2; dso = $NF; gsub(/[()]/, "", dso); if (cut) next
	  if (dso == "[unknown]" && n) { cut = 1; next }
	  if (dso !~ /\/spin$/) { sub(/.*\//, "", dso); name = dso ~ /^\[/ ? dso : "[" dso "]" }
	  frame[++n] = name }
	END { end() }' | LC_ALL=C sort | uniq -c | awk '{ n = $1; sub(/^ *[0-9]+ /, ""); print $0, n }' >"$out/names.folded"
# Copied stacks, walked as far as files are there: to the first frame in libc.
perf script -i dwarf.leaf --no-inline -F comm,ip,sym,dso | awk '
	function end() { if (n) { line = comm ";[truncated]"; for (; n; n--) line = line ";" frame[n]; print line } n = 0; cut = 0 }
	/^[^ \t]/ { end(); comm = $1; next }
	/^[ \t]*$/ || cut { next }
	{ name = $2; if ($NF !~ /\/spin\)$/) { name = "[libc.so.6]"; cut = 1 } frame[++n] = name }
	END { end() }' | LC_ALL=C sort | uniq -c | awk '{ n = $1; sub(/^ *[0-9]+ /, ""); print $0, n }' >"$out/dwarf.folded"
gzip -9nc names >"$out/names.gz"
gzip -9nc spin >"$out/spin.gz"
ls -l "$out"
