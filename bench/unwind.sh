#!/bin/sh
# bench/unwind: unwind tables and the walker, then whole programs side by side: one recording with copied stacks
# of python3, `perf script` against `pprofctl convert`, CPU a sample; "walk" is the difference to the same program on the
# same file when it walks no stack. Prints "METRIC VALUE UNIT" lines.
build=${top_builddir:-build}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
for file in "$(ls /usr/lib/x86_64-linux-gnu/libLLVM-14.so.1 /usr/lib64/libLLVM*.so 2>/dev/null | head -n 1)" "$(readlink -f "$(command -v node)")" /lib/x86_64-linux-gnu/libc.so.6; do
	[ -e "$file" ] || continue
	name=$(basename "$file" | sed 's/[-.].*//')
	"$build/bench/bench_unwind" tables "$file" | sed "s/^/$name./"
done
"$build/bench/bench_unwind" walk

command -v perf >/dev/null || { echo '# no perf here: nothing to compare with'; exit 0; }
cat >"$tmp/work.py" <<'END'
import json
for i in range(4000):
    json.loads(json.dumps(list(range(2000))))
END
python=/usr/bin/python3
cpu() { # COMMAND: its user and system time in ms; nothing when it fails
	python3 -c 'import resource, subprocess, sys
if subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
    t = resource.getrusage(resource.RUSAGE_CHILDREN)
    print((t.ru_utime + t.ru_stime) * 1000)' "$@"
}
median() { sort -n | sed -n 3p; }
five() { for i in 1 2 3 4 5; do cpu "$@"; done | median; }
convert() { five "$build/pprofctl" convert --no-symbolize "$tmp/data" -o "$tmp/out.pb.gz" "$@"; }
# While another program of this host records build ids, the kernel spoils the mmap records of all others.
for try in 1 2 3 4 5 6; do
	perf record -q -B -N -o "$tmp/data" -e cpu-clock:u -F 1997 --call-graph dwarf,16384 -- $python "$tmp/work.py" 2>/dev/null
	"$build/pprofctl" convert --no-symbolize "$tmp/data" -o "$tmp/out.pb.gz" 2>"$tmp/err" && ! [ -s "$tmp/err" ] && break
	[ $try = 6 ] && { echo '# no recording without damage'; exit 1; }
	sleep 3
done
samples=$("$build/pprofctl" folded "$tmp/out.pb.gz" | awk '{ n += $NF } END { print n }')
cut=$("$build/pprofctl" folded "$tmp/out.pb.gz" | awk '/;\[truncated\]/ { n += $NF } END { print n + 0 }')
ours=$(convert); ours_unwalked=$(convert --root /nonexistent)
theirs=$(five perf script -i "$tmp/data" --no-inline -F ip,sym); theirs_unwalked=$(five perf script -i "$tmp/data" --no-inline -F ip,sym -G)
awk -v n="$samples" -v cut="$cut" -v a="$ours" -v a0="$ours_unwalked" -v b="$theirs" -v b0="$theirs_unwalked" 'BEGIN {
	printf "samples %d samples\nwhole %.2f %%\n", n, 100 * (n - cut) / n
	printf "convert %.1f us/sample\nconvert.walk %.2f us/sample\n", a * 1000 / n, (a - a0) * 1000 / n
	printf "perf_script %.1f us/sample\nperf_script.walk %.2f us/sample\n", b * 1000 / n, (b - b0) * 1000 / n
	printf "ratio %.1f x\nratio.walk %.1f x\n", b / a, (b - b0) / (a - a0) }'
