#!/bin/sh
# The whole test suite, in stages: each is a script beside this one, builds in build-check/STAGE, and prints a line
# "PASS: …", "FAIL: …" or "SKIP: …" for each result, as automake's test harness does; all it says is kept in
# build-check/STAGE.log. A stage that ends with an error, prints no result, or is not done in time has failed too. Only a live
# test is tried twice, and it is said which (tests/live/lib.sh).
#   tests/ci/run.sh [STAGE...]
# Without STAGE all of them, as ./quickstart check does: first gcc, whose live tests measure and have the machine to themselves;
# then two lanes, since fuzzing takes its time however many compile beside it; some 14 minutes on two CPUs. What is not done
# after TIME_LIMIT seconds fails; in each lane those stages come last that matter least.
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
limit=${TIME_LIMIT:-1080}
export LC_ALL=C MAKEFLAGS=
unset CC CFLAGS CPPFLAGS LDFLAGS top_srcdir top_builddir
mkdir -p build-check
began=$(date +%s)

count() { grep -cE "$1" "$log"; }

# run STAGE: its log, and on stdout a summary.
run() {
	log=build-check/$1.log
	start=$(date +%s)
	left=$((limit - (start - began)))
	if [ "$left" -gt 0 ]; then
		timeout -k 10 "$left" sh "$here/$1.sh" >"$log" 2>&1 </dev/null
		status=$?
	else
		: >"$log"
		status=124
	fi
	if [ "$status" = 124 ]; then
		echo "FAIL: the stage was not done $limit seconds after the first began" >>"$log"
	elif [ "$status" != 0 ] && [ "$(count '^(FAIL|XPASS|ERROR): ')" = 0 ]; then
		echo "FAIL: the stage ended with status $status" >>"$log"
	elif [ "$(count '^(PASS|FAIL|XPASS|ERROR): ')" = 0 ]; then
		echo 'FAIL: the stage tested nothing' >>"$log"
	fi
	f=$(count '^(FAIL|XPASS|ERROR): ')
	{
		echo "== $1: $(count '^PASS: ') ok, $f not ok, $(count '^SKIP: ') skipped, $(($(date +%s) - start)) s"
		grep -E '^(FAIL|XPASS|ERROR|SKIP): |^PASS: .* run again, after: ' "$log"
		if [ "$f" -gt 0 ]; then
			echo "-- the end of $log:"
			tail -n 80 "$log" | sed 's/^/   /'
		fi
	} >"$log.summary"
	cat "$log.summary"
	rm "$log.summary"
}
lane() { for stage; do run "$stage"; done; }

if [ $# -gt 0 ]; then
	stages=$*
	lane "$@"
else
	stages='gcc sanitizers unprivileged options clang fuzz coverage'
	lane gcc
	lane sanitizers unprivileged clang options &
	lane fuzz coverage &
	wait
fi

passed=0 failed=0 skipped=0
for stage in $stages; do
	log=build-check/$stage.log
	passed=$((passed + $(count '^PASS: '))) skipped=$((skipped + $(count '^SKIP: ')))
	failed=$((failed + $(count '^(FAIL|XPASS|ERROR): ')))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
