# The released tarball, unpacked, built in place and tested by somebody without any right.
. "$(dirname "$0")/lib.sh"
if [ "$(id -u)" != 0 ]; then
	echo 'SKIP: tests by another user # SKIP needs root, to become somebody else'
	exit 0
fi
cd "$work/gcc" 2>/dev/null && ls pprofd-*.tar.xz >/dev/null 2>&1 || { # stage gcc has made it
	fresh unprivileged
	builds 'make dist' dist
}
home=$(mktemp -d /tmp/pprofd-check-XXXXXX)
trap 'rm -rf "$home"' EXIT
tar -x -C "$home" -f pprofd-*.tar.xz --strip-components=1 || exit 1
chown -R 65534:65534 "$home"
cd "$home" || exit 1
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all env HOME="$home" "$@"; }
nobody ./configure -q CFLAGS=-O1 || exit 1
nobody make -s -j"$jobs" || exit 1
nobody make -j"$jobs" check TESTS='$(unit_tests) tests/replay.test tests/cli.test' >check.log 2>&1
status=$?
grep -v '^SKIP: .* SKIP needs ' check.log # rights that root has, in stage gcc
[ $status = 0 ] || sed 's/^/| /' test-suite.log
exit $status
