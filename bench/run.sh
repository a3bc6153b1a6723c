#!/bin/sh
# Runs benchmarks in turn, those given: what `make bench` calls. Each prints one line a figure, with the target beside it.
# Short forms (half a minute at most); BENCH=full: as long as the figures are defined, three quarters of an hour in all.
src=${top_srcdir:-.}
build=${top_builddir:-.}
load=$build/bench/load
status=0

# whole SCRIPT VERB SHORT… -- FULL…: the whole daemon on this machine.
whole() {
	script=$1
	verb=$2
	short=
	shift 2
	while [ "$1" != -- ]; do
		short="$short $1"
		shift
	done
	shift
	[ "${BENCH:-}" = full ] || set -- $short
	if [ "$(id -u)" != 0 ]; then
		echo "# skipped: sampling the host needs root"
	elif ! command -v python3 >/dev/null; then
		echo "# skipped: python3 is not here"
	elif [ "$verb" = compare ] && ! perf --version >/dev/null 2>&1; then
		echo "# skipped: perf is not here to compare with"
	else
		python3 "$src/bench/$script.py" "$verb" "$build/pprofd" "$@"
	fi
}
host() { whole host "$@"; }
targets() { whole targets "$@"; }

for what; do
	echo "== $what"
	case $what in
	*:start) host start 5 -- 20 ;;
	*:accounting) host accounting "$load" 10 -- "$load" 60 ;;
	*:names) host names "$load" 10 -- "$load" 60 ;;
	*:naps) host naps "$load" 3 -- "$load" 30 ;;
	*:compare) host compare "$load" 12 1 fp bpf -- "$load" 180 3 fp bpf ;;
	*:slowdown) host slowdown "$load" 4 0.4 -- "$load" 30 2 ;;
	*:ways) host ways "$load" 1 -- "$load" 11 ;;
	*:attach) targets attach 3 -- 20 ;;
	*:clock) targets clock 5 -- 20 ;;
	*:pingpong) targets pingpong 0.5 3 -- 2 15 ;;
	*:chain) targets chain 3 -- 15 ;;
	*.sh) sh "$src/$what" ;;
	*) "./$what" ;;
	esac || status=1
done
exit $status
