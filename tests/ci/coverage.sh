# How many lines of each parser its fuzz targets have reached, by their seeds and stage fuzz together: 85 % at least, by
# the table fuzz/parsers.
. "$(dirname "$0")/lib.sh"
cd "$work/fuzz" || exit 1
table=$top/fuzz/parsers

while read -r source words; do
	case $source in '' | '#'*) continue ;; esac
	profiles= objects= left_out=
	for word in $words; do
		case $word in
		-*) left_out="$left_out ${word#-}" ;;
		*) profiles="$profiles profiles/$word.profraw" objects="$objects -object fuzz/fuzz_$word" ;;
		esac
	done
	llvm-profdata merge -o merged $profiles && llvm-cov report -show-functions -instr-profile=merged \
		${objects# -object } "$top/src/$source" >report || { echo "FAIL: no figures of src/$source"; continue; }
	# Of the rows "NAME regions missed % lines missed % …", static functions' names are FILE:NAME.
	percent=$(awk -v left_out="$left_out " '
		NF >= 7 && $5 ~ /^[0-9]+$/ && $1 != "TOTAL" {
			name = $1; sub(/.*:/, "", name)
			if (!index(left_out, " " name " ")) { lines += $5; missed += $6 }
		}
		END { print lines ? int(100 * (lines - missed) / lines) : 0 }' report)
	[ "$percent" -ge 85 ]
	result $? "$percent % of the lines of src/$source are reached"
	[ "$percent" -ge 85 ] || sed 's/^/| /' report
done <"$table"

# Nobody is forgotten.
for target in $(ls "$top"/fuzz/fuzz_*.c | sed 's|.*/fuzz_\(.*\)\.c|\1|'); do
	grep -qE "^[a-z].* $target( |\$)" "$table" || echo "FAIL: fuzz/parsers does not tell what fuzz_$target is for"
done
