# libFuzzer on each target, from its seeds. What makes a target fail is kept as build-check/fuzz/failures/TARGET-….
. "$(dirname "$0")/lib.sh"
seconds=${FUZZ_SECONDS:-20}
fresh fuzz --enable-fuzzing --enable-coverage CC=clang CFLAGS='-O1 -g'
builds 'fuzz targets' fuzz-targets
mkdir failures corpus profiles

cat >one.sh <<END
target=\$1
mkdir -p corpus/\$target
if LLVM_PROFILE_FILE=profiles/\$target.profraw timeout -k 5 $((seconds + 100)) fuzz/fuzz_\$target \\
	-max_total_time=$seconds -timeout=10 -rss_limit_mb=2048 -verbosity=0 -artifact_prefix=failures/\$target- \\
	corpus/\$target $top/fuzz/seeds/\$target >\$target.out 2>&1
then
	echo "PASS: fuzz_\$target: \$(ls corpus/\$target | wc -l) inputs found beside \$(ls $top/fuzz/seeds/\$target | wc -l) seeds"
else
	tail -n 60 \$target.out | sed 's/^/| /'
	echo "FAIL: fuzz_\$target; the input: \$(ls -d \$PWD/failures/\$target-* 2>/dev/null || echo none)"
fi
END
ls "$top"/fuzz/fuzz_*.c | sed 's|.*/fuzz_\(.*\)\.c|\1|' | xargs -n 1 -P "$jobs" sh one.sh
