# lib.sh: what the stages share.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
work=$top/build-check
jobs=$(nproc)

result() { # STATUS NAME
	if [ "$1" = 0 ]; then echo "PASS: $2"; else echo "FAIL: $2"; fi
}

# fresh NAME [CONFIGURE'S ARGUMENTS]: goes to an empty build-check/NAME and configures there.
fresh() {
	dir=$work/$1
	shift
	[ ! -e "$dir" ] || chmod -R u+w "$dir" && rm -rf "$dir" # distcheck leaves folders that cannot be written
	mkdir -p "$dir" && cd "$dir" || exit 1
	"$top/configure" -q "$@" || { echo "FAIL: configure $*"; exit 1; }
}

# builds NAME [MAKE'S ARGUMENTS]: one result; without it the stage cannot go on.
builds() {
	name=$1
	shift
	make -s -j"$jobs" "$@" || { echo "FAIL: $name"; exit 1; }
	echo "PASS: $name"
}

# failed_tests FOLDER: what those said of themselves that failed there.
failed_tests() {
	[ ! -e "$1/test-suite.log" ] || sed 's/^/| /' "$1/test-suite.log"
}

# checks TARGET [MAKE'S ARGUMENTS]: automake's lines, one for each result; then the output of the tests that failed.
checks() {
	make -s -j"$jobs" "$@" && return
	status=$?
	failed_tests .
	return $status
}
