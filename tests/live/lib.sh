# lib.sh: what live tests share. Speaks TAP; `plan_skip` where the machine does not permit the test.
top_builddir=${top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}
top_srcdir=${top_srcdir:-$(cd "$(dirname "$0")/../.." && pwd)}
pprofd=$top_builddir/pprofd
pprofctl=$top_builddir/pprofctl
nr=0

# A test that fails here is run once more, from its beginning, and says so: it measures a machine that others use too, and what
# they do to one run is no defect. What fails twice has failed.
if [ -z "${live_run:-}" ]; then
	first=$(mktemp)
	trap 'rm -f "$first"' EXIT
	live_run=1 timeout -k 30 300 bash "$0" "$@" >"$first"
	status=$?
	if [ "$status" = 0 ] && ! grep -q '^not ok\|^Bail out' "$first"; then
		cat "$first"
		exit
	fi
	sed 's/^/# first run: /' "$first"
	live_run=2 live_after=$(grep -m 1 '^not ok\|^Bail out' "$first" || echo "exit status $status") bash "$0" "$@"
	exit
fi

plan_skip() { echo "1..0 # SKIP $*"; exit 0; }
ok() { nr=$((nr + 1)); echo "ok $nr - $1"; }
not_ok() { live_after=; nr=$((nr + 1)); echo "not ok $nr - $1"; shift; [ $# = 0 ] || printf '%s\n' "$*" | sed 's/^/# /'; }
# check NAME COMMAND…: one test, its output shown when it fails.
check() {
	name=$1; shift
	if out=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "$out"; fi
}
skip() { nr=$((nr + 1)); echo "ok $nr - $1 # SKIP $2"; }
done_testing() { [ -z "${live_after:-}" ] || ok "run again, after: $live_after"; echo "1..$nr"; }

need_root() { [ "$(id -u)" = 0 ] || plan_skip "needs root"; }

# Why the host cannot be sampled here, or nothing.
why_no_perf() {
	python3 - <<-'PY'
	import ctypes, os
	libc = ctypes.CDLL(None, use_errno=True)
	attr = bytearray(128); attr[0] = 1; attr[4] = 128       # PERF_TYPE_SOFTWARE, size; config 0: cpu-clock
	fd = libc.syscall(298, (ctypes.c_char * 128).from_buffer(attr), -1, 0, -1, 0)
	print("" if fd >= 0 else "perf_event_open of CPU 0: " + os.strerror(ctypes.get_errno()))
	PY
}
need_perf() {
	[ "$(uname -m)" = x86_64 ] || return 0
	why=$(why_no_perf)
	[ -z "$why" ] || plan_skip "$why"
}

# Nothing below asks how fast this machine is, or how busy with others: each waits for what it names, and gives up where
# something must hang.

# wait_for SECONDS COMMAND…
wait_for() {
	local end=$((SECONDS + $1)); shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# cpu_ms PID: what it has computed, by the kernel's clock.
cpu_ms() { awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) * 1000 / hz }' "/proc/$1/stat"; }
# What a hypervisor took from all CPUs, proc_stat(5): the kernel's clocks go on in it, and no timer fires.
steal_ms() { awk -v hz="$(getconf CLK_TCK)" '/^cpu / { print $9 * 1000 / hz }' /proc/stat; }
has_run() { [ ! -e "/proc/$1" ] || [ "$(cpu_ms "$1")" -ge "$2" ]; }
# runs MS PID…: until each has computed for so long from now, or has ended.
runs() {
	local ms=$1 pid i=0 ends=(); shift
	for pid; do ends+=($(($(cpu_ms "$pid") + ms))); done
	for pid; do wait_for 300 has_run "$pid" "${ends[i++]}"; done
}

all_stopped() { ! sed 's/.*) //' "/proc/$1/task"/*/stat | grep -q '^[^T]'; }
# hold PID: stops it, each of its threads, so that its clock stands still.
hold() { kill -STOP "$1"; wait_for 60 all_stopped "$1"; }

# loses_less PERCENT: of the samples of two seconds. They may be some to come: a daemon that gets no CPU for as long as its rings
# last loses some, and here everybody may want the CPUs.
loses_less() {
	local lost samples
	for _ in $(seq 20); do
		lost=$(value lost) samples=$(value samples)
		sleep 2
		lost=$(($(value lost) - lost)) samples=$(($(value samples) - samples))
		echo "# $lost lost of $samples"
		[ "$samples" -ge 20 ] && [ $((lost * 100)) -le $((samples * $1)) ] && return 0
	done
	return 1
}

# family PID: its children, and theirs.
family() { local child; for child in $(pgrep -P "$1"); do echo "$child $(pgrep -P "$child" | tr '\n' ' ')"; done; }
is_gone() { local pid; for pid; do ! grep -qs '^State:.[^Z]' "/proc/$pid/status" || return 1; done; }
