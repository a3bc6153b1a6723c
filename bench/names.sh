#!/bin/sh
# Names at 100 000 random function addresses of a large binary, beside llvm-symbolizer --no-inlines: names.sh [FILE].
# Both read the same addresses and print demangled names; whole processes, in turn, medians. BENCH=full: 11 runs, not 3.
bench=${top_builddir:-.}/bench/bench_names
runs=3
[ "${BENCH:-}" = full ] && runs=11
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

[ "${BENCH:-}" != full ] || NAMES=full sh "${top_srcdir:-.}/tests/names.test" # the same names, before how fast
file=${1:-}
for f in /usr/lib/x86_64-linux-gnu/libLLVM-14.so.1 /usr/bin/node; do
	[ -n "$file" ] || [ ! -r "$f" ] || file=$f
done
"$bench" -k
"$bench" -j
go=$(command -v go) && go=$(go env GOTOOLDIR)/compile
if [ -r "$go" ]; then # the compiler is the Go program at hand, and often stripped
	"$bench" -g 100000 "$go" >"$tmp/addresses" && "$bench" -o "$go" <"$tmp/addresses"
fi
[ -n "$file" ] || { echo "names: neither libLLVM-14 nor node here: name a large ELF file"; exit 0; }
"$bench" -g 100000 "$file" >"$tmp/addresses" || exit 1
echo "names: 100000 addresses of $file"
"$bench" -w "$file" <"$tmp/addresses"
awk 'NR % 20 == 0' "$tmp/addresses" | "$bench" -w "$file" # as many as a window of a busy host has
command -v llvm-symbolizer >/dev/null || { echo "names: llvm-symbolizer is not here to compare with"; exit 0; }

# beside ADDRESSES FILE: the same addresses asked of both.
beside() {
	rm -f "$tmp/ours" "$tmp/llvm"
	for i in $(seq "$runs"); do
		"$bench" -t "$1" "$bench" "$2" >>"$tmp/ours"
		"$bench" -t "$1" llvm-symbolizer --no-inlines --debug-file-directory=/nonexistent \
			--fallback-debug-path=/nonexistent --obj="$2" >>"$tmp/llvm"
	done
	for column in 1 2 3; do
		for who in ours llvm; do
			cut -d' ' -f$column "$tmp/$who" | sort -n | sed -n "$(((runs + 1) / 2))p"
		done
	done | awk -v nr="$(wc -l <"$1")" '
		{ v[NR] = $1 }
		END {
			printf "  wall: %.4f s, llvm-symbolizer %.4f s: %.1f times faster (limit 4)\n", v[1], v[2], v[2] / v[1]
			printf "  CPU:  %.4f s, llvm-symbolizer %.4f s: %.1f times less\n", v[3], v[4], v[4] / v[3]
			printf "  peak memory: %.1f MB, llvm-symbolizer %.1f MB: 1/%.1f of it (limit 1/5)\n", v[5] / 1e3, v[6] / 1e3, v[6] / v[5]
			printf "  %.0f names/s, the start of the process included\n", nr / v[1]
		}'
}

beside "$tmp/addresses" "$file"
for f in /usr/bin/node "$file"; do # a few addresses: what it costs to begin
	[ -r "$f" ] || continue
	echo "names: 1000 addresses of $f"
	"$bench" -g 1000 "$f" >"$tmp/addresses" && beside "$tmp/addresses" "$f"
done
