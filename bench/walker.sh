#!/bin/sh
# bench/walker: what the walk in the kernel takes for a sample, by the kernel's own account (bpf_stats; the interrupt, the record and
# the map look-ups are in it), how many bytes its record has, and how many stacks reach a root. Prints "METRIC VALUE UNIT" lines.
build=${top_builddir:-build}
[ "$(id -u)" = 0 ] || { echo '# skipped: sampling the host needs root'; exit 0; }
seconds=3
failed=
[ "${BENCH:-}" = full ] && seconds=20
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
cat >"$tmp/deep.py" <<'END'
def f(n):
    return f(n - 1) if n else sum(i * i for i in range(10000))
while 1:
    f(20)
END
cost() { # NAME HZ COMMAND…
	name=$1
	hz=$2
	shift 2
	command -v "$1" >/dev/null || { echo "# no $1 here"; return; }
	"$build/bench/bench_walker" cost $seconds "$hz" "$@" >"$tmp/out" 2>"$tmp/err"
	case $? in
	0) ;;
	77) sed 's/^/# skipped: /' "$tmp/out"; exit 0 ;;
	*) echo "# $name: $(tail -n 1 "$tmp/err")"; failed=1; return ;;
	esac
	grep -aE '^[a-z.]+ [0-9.]+ [a-z/%]+$' "$tmp/out" | sed "s/^/$name./"
}
cost hot 4999 "$build/bench/load" deep 21
cost hot_100 4999 "$build/bench/load" deep 95
cost deep 997 "$build/bench/load" deep
cost deep_99 99 "$build/bench/load" deep
cost python 997 /usr/bin/python3 "$tmp/deep.py"
cost node 997 node -e 'let x = 0; function f(n) { return n ? f(n - 1) : Math.sqrt(x++); } for (;;) f(30)'
cost sort 997 sort --parallel=2 /dev/zero
[ -z "$failed" ]
