#!/bin/sh
# The whole test suite, in stages: each is a script beside this one, builds in build-check/STAGE, and prints a line
# "PASS: …", "FAIL: …" or "SKIP: …" for each result, as automake's test harness does; all it says is kept in
# build-check/STAGE.log. A stage that ends with an error, prints no result, or takes too long has failed too.
#   tests/ci/run.sh [STAGE... | all]
# ./quickstart check installs what is needed and runs the stage gcc: all there is to test. The others (sanitizers, fuzz,
# coverage, dist, options, clang, unprivileged) take some 15 minutes more and are asked for by name.
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
stages='gcc sanitizers fuzz coverage dist options clang unprivileged'
[ "${1:-}" = all ] && set -- $stages
export LC_ALL=C MAKEFLAGS=
unset CC CFLAGS CPPFLAGS LDFLAGS top_srcdir top_builddir
mkdir -p build-check

count() { grep -cE "$1" "$log"; }
passed=0 failed=0 skipped=0
for stage in ${*:-gcc}; do
	log=build-check/$stage.log
	began=$(date +%s)
	timeout -k 10 900 sh "$here/$stage.sh" >"$log" 2>&1 </dev/null
	status=$?
	[ $status != 124 ] || echo 'FAIL: the stage did not end within 15 minutes' >>"$log"
	[ $status = 0 ] || [ "$(count '^(FAIL|XPASS|ERROR): ')" -gt 0 ] || echo "FAIL: the stage ended with status $status" >>"$log"
	[ "$(count '^(PASS|FAIL|XPASS|ERROR): ')" -gt 0 ] || echo 'FAIL: the stage tested nothing' >>"$log"

	p=$(count '^PASS: ') f=$(count '^(FAIL|XPASS|ERROR): ') s=$(count '^SKIP: ')
	echo "== $stage: $p ok, $f not ok, $s skipped, $(($(date +%s) - began)) s"
	grep -E '^(FAIL|XPASS|ERROR|SKIP): ' "$log"
	if [ "$f" -gt 0 ]; then
		echo "-- the end of $log:"
		tail -n 80 "$log" | sed 's/^/   /'
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
