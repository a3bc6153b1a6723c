# What is released is whole: builds, tests, installs and uninstalls from its tarball, with the sources read-only.
. "$(dirname "$0")/lib.sh"
fresh dist CFLAGS='-O1'
make -j"$jobs" distcheck >distcheck.log 2>&1
status=$?
[ $status = 0 ] || { grep -E '^(FAIL|ERROR): ' distcheck.log; tail -n 60 distcheck.log | sed 's/^/| /'; }
result $status 'make distcheck'
