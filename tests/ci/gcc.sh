# As it is released, by gcc without a warning: the tarball builds, everything there is to test passes, it installs and
# uninstalls, all with its sources read-only.
. "$(dirname "$0")/lib.sh"
fresh gcc CFLAGS='-O2 -g'
make -s -j"$jobs" distcheck DISTCHECK_CONFIGURE_FLAGS="--enable-werror CFLAGS='-O2 -g'"
status=$?
[ $status = 0 ] || failed_tests pprofd-*/_build/sub
result $status 'make distcheck'
