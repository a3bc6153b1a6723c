# How many lines of each parser its fuzz target has reached, by seeds and stage fuzz together: at least 85 % of each
# file that fuzz/parsers names.
. "$(dirname "$0")/lib.sh"
cd "$work/fuzz" || exit 1
while read -r target sources; do
	case $target in '' | '#'*) continue ;; esac
	llvm-profdata merge -o "profiles/$target.profdata" "profiles/$target.profraw" || { echo "FAIL: $target left no profile"; continue; }
	for source in $sources; do
		percent=$(llvm-cov report "fuzz/fuzz_$target" -instr-profile="profiles/$target.profdata" "$top/src/$source" |
			awk '$1 == "TOTAL" { print int($10) }')
		[ "${percent:-0}" -ge 85 ]
		result $? "fuzz_$target reaches ${percent:-no} % of the lines of src/$source"
	done
done <"$top/fuzz/parsers"

# Nobody is forgotten.
for target in $(ls "$top"/fuzz/fuzz_*.c | sed 's|.*/fuzz_\(.*\)\.c|\1|'); do
	grep -q "^$target " "$top/fuzz/parsers" || echo "FAIL: fuzz/parsers does not tell what fuzz_$target is for"
done
