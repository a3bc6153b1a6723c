#!/bin/sh
# Files, lines and inlined calls: an index of a large C++ program's DWARF 5 and 1 000 look-ups in it, in one fresh process,
# beside llvm-symbolizer --inlines; whole processes, in turn, medians. BENCH=full: 11 runs, not 3.
bench=${top_builddir:-.}/bench/bench_names
lines=${top_builddir:-.}/tests/lines
runs=3
[ "${BENCH:-}" = full ] && runs=11
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
command -v g++ >/dev/null || { echo "lines: no g++ here to make the program"; exit 0; }

for i in 1 2 3 4 5 6 7 8; do
	cat >"$tmp/$i.cc" <<END
#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>
namespace part$i {
struct key { int a; std::string b; bool operator<(const key &o) const { return a < o.a || (a == o.a && b < o.b); } };
template <int N> long work(const std::vector<std::string> &v)
{
	std::map<key, std::vector<std::string>> m;
	std::unordered_map<std::string, std::set<std::string>> u;
	std::regex r("([a-z]+)$i([0-9]*)");
	std::smatch s;
	for (auto &x : v) {
		if (std::regex_search(x, s, r)) m[{ N, s[1].str() }].push_back(s[2].str());
		u[x].insert(std::to_string(N));
	}
	for (auto &p : m) std::sort(p.second.begin(), p.second.end(), [](const std::string &a, const std::string &b) { return a > b; });
	std::ostringstream o;
	for (auto &p : m) o << p.first.b << p.second.size();
	return (long)o.str().size() + (long)u.size() + work<N - 1>(v);
}
template <> long work<0>(const std::vector<std::string> &v) { return (long)v.size(); }
}
long run$i(const std::vector<std::string> &v) { return part$i::work<12>(v); }
END
done
{
	echo '#include <string>'
	echo '#include <vector>'
	for i in 1 2 3 4 5 6 7 8; do echo "long run$i(const std::vector<std::string> &v);"; done
	echo 'int main(int argc, char **argv) { std::vector<std::string> v(argv, argv + argc); long n = 0;'
	for i in 1 2 3 4 5 6 7 8; do echo "n += run$i(v);"; done
	echo 'return (int)n; }'
} >"$tmp/main.cc"
for i in 1 2 3 4 5 6 7 8 main; do g++ -std=c++17 -O2 -gdwarf-5 -c -o "$tmp/$i.o" "$tmp/$i.cc" || exit 1; done
g++ -o "$tmp/program" "$tmp"/*.o || exit 1

# compare FILE TIME MEMORY: FILE has the debugging information; TIME and MEMORY say the limits.
compare() {
	: >"$tmp/ours"
	: >"$tmp/llvm"
	for i in $(seq "$runs"); do
		"$bench" -t "$tmp/addresses" "$lines" "$1" >>"$tmp/ours"
		"$bench" -t "$tmp/addresses" llvm-symbolizer --inlines --obj="$1" >>"$tmp/llvm"
	done
	for column in 1 2 3; do
		for who in ours llvm; do
			cut -d' ' -f$column "$tmp/$who" | sort -n | sed -n "$(((runs + 1) / 2))p"
		done
	done | awk -v time="$2" -v memory="$3" '
		{ v[NR] = $1 }
		END {
			printf "  wall: %.3f s, llvm-symbolizer %.3f s: 1/%.1f of it%s\n", v[1], v[2], v[2] / v[1], time
			printf "  CPU:  %.3f s, llvm-symbolizer %.3f s: 1/%.1f of it\n", v[3], v[4], v[4] / v[3]
			printf "  peak memory: %.1f MB, llvm-symbolizer %.1f MB: 1/%.1f of it%s\n", v[5] / 1e3, v[6] / 1e3, v[6] / v[5], memory
		}'
}

"$lines" "$tmp/program" 1000 >"$tmp/addresses" || exit 1
echo "lines: an index of $(($(stat -c %s "$tmp/program") / 1000000)) MB of C++ with DWARF 5, and 1000 look-ups"
command -v llvm-symbolizer >/dev/null || { echo "lines: llvm-symbolizer is not here to compare with"; exit 0; }
compare "$tmp/program" ' (limit 1/2)' ' (limit 1/3)'

# The largest that a distribution has: openjdk-17-dbg. DEBUG: another folder than /usr/lib/debug, JVM: than /usr/lib/jvm.
for libjvm in $(find "${JVM:-/usr/lib/jvm}" -name libjvm.so 2>/dev/null); do
	id=$(readelf -n "$libjvm" | sed -n 's/.*Build ID: *//p')
	file=${DEBUG:-/usr/lib/debug}/.build-id/$(echo "$id" | cut -c1-2)/$(echo "$id" | cut -c3-).debug
	[ -e "$file" ] || continue
	"$lines" "$libjvm" 1000 >"$tmp/addresses" || exit 1
	echo "lines: an index of libjvm ($(($(stat -c %s "$file") / 1000000)) MB of debug file), and 1000 look-ups"
	compare "$file" ' (limit 3 s)' ' (limit 200 MB)'
	exit 0
done
echo "lines: openjdk-17-dbg is not here: nothing of libjvm"
