# targets.sh: what the tests of targets share: a daemon of their own, its files, and programs to look at (zoo.c).
. "$(dirname "$0")/lib.sh"
need_root
need_perf
work=$(mktemp -d /tmp/pprofd-live-XXXXXX)
chmod 755 "$work"
spool=$work/spool socket=$work/control conf=$work/pprofd.conf
mkdir "$spool"
busy= group=
# Others may run these tests on this machine at the same time: names of our own.
zoo=zo$$ other=ot$$
export KEEPER=zk$$ AMID=am$$ GO=$work/go
cleanup() {
	{ kill -9 $busy $pid; wait $busy $pid; } 2>/dev/null
	sleep 0.1
	[ -z "$group" ] || rmdir "$group"/* "$group" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
${CC:-gcc} -O1 -fno-omit-frame-pointer -pthread -o "$work/$zoo" "$top_srcdir/tests/live/zoo.c" ||
	{ echo "Bail out! no C compiler"; exit 1; }
cp "$work/$zoo" "$work/$other"

ctl() { "$pprofctl" -s "$socket" "$@"; }
value() { ctl status --json | python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1], ""))' "$1"; }
is() { [ "$(value "$1")" = "$2" ]; }
# until_is SECONDS KEY VALUE
until_is() { wait_for "$1" is "$2" "$3"; }
# configure TEXT: behind what all have. $scope and $window as they are.
configure() {
	printf '[Sampler]\nScope=%s\nSampleFrequency=499\n[Profile]\nWindow=1d\n%b[Spool]\nDirectory=%s\nKeepFree=0\n[Control]\nSocket=%s\n%b' \
		"${scope:-targets}" "$profile" "$spool" "$socket" "$1" >"$conf"
}
start() {
	"$pprofd" -c "$conf" 2>>"$work/log" &
	pid=$!
	wait_for 60 ctl status || { echo "Bail out! pprofd does not start: $(cat "$work/log")"; exit 1; }
}
reload() { configure "$1"; ctl reload || { echo "Bail out! reload: $(cat "$work/log")"; exit 1; }; }
stop() { kill -TERM "$pid"; wait "$pid"; status=$?; pid=; return $status; }
end_busy() { { kill -9 $busy; wait $busy; } 2>/dev/null; busy=; }
fds() { ls -l "/proc/$pid/fd" | grep -c perf_event; }
no_more() { [ "$(fds)" -le "$1" ]; }
# Ends the window: the newest file of KIND@TARGET, if it has any.
file() { ctl rotate >/dev/null; ls -t "$spool/$1"-* 2>/dev/null | head -n 1; }
# All samples that were lost so far. A daemon that gets no CPU for longer than its rings last loses some and says so: what it
# saw then says nothing of it.
lost() { ctl status --json | python3 -c 'import json, sys; print(sum(v for k, v in json.load(sys.stdin).items() if k.endswith(".lost")))'; }
# unlost COMMAND…: again, when samples were lost meanwhile.
unlost() {
	local before i
	for i in 1 2 3 4 5; do
		before=$(lost)
		"$@"
		[ "$(lost)" != "$before" ] || return 0
		echo "# $(($(lost) - before)) samples were lost: $*"
	done
}
# ms FILE [SELECTORS]: CPU time in it.
ms() {
	f=$1; shift
	"$pprofctl" folded --type cpu "$@" "$f" 2>/dev/null | awk '{ n += $NF } END { printf "%.0f\n", n / 1000000 }'
}
# A virtual machine's CPU that its host takes away is time for timers and none for tasks, or the other way round.
steal_ms() { awk '$1 == "cpu" { print $9 * 10 }' /proc/stat; }
mark() { stolen=$(steal_ms) lost=$(lost 2>/dev/null); }
# near GOT WANTED PERCENT [MS]: they differ by no more than that, and what was stolen since mark, and what status says was lost
# since. A thread's timer begins with a whole period on each CPU: MS is to be that of as many threads as there are.
near() {
	python3 -c 'import sys; got, wanted, percent, ms, lost = map(float, sys.argv[1:])
slack = wanted * percent / 100 + ms
sys.exit(not wanted - slack - lost <= got <= wanted + slack)' \
		"$1" "$2" "$3" $((${4:-0} + $(steal_ms) - stolen)) $((($(lost) - ${lost:-0}) * period))
}
period=2
cpus=$(getconf _NPROCESSORS_ONLN)
