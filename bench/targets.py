#!/usr/bin/env python3
"""Figures of targets, one line each, with its target beside it.

  targets.py attach   PPROFD ROUNDS         1000 threads that do nothing: time and memory of attaching to them
  targets.py clock    PPROFD SECONDS        8 CPU-bound threads at 499 Hz: what is sampled against their own CPU clocks
  targets.py pingpong PPROFD SECONDS PAIRS  a byte goes back and forth over pipes: slowdown by method, paired
  targets.py chain    PPROFD ROUNDS         how long a sample interrupts the workload, with and without its callchain

Ratios are of runs that alternate, so that what others do on the machine is in both."""
import atexit, json, os, shutil, signal, statistics, subprocess, sys, tempfile, time

LOAD = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
static volatile unsigned long n;
static double now(clockid_t c) { struct timespec t; clock_gettime(c, &t); return t.tv_sec + t.tv_nsec / 1e9; }
__attribute__((noinline)) static void deep(int d) { if (d) { deep(d - 1); n++; } else for (int i = 0; i < 100000; i++) n++; }
static int order(const void *x, const void *y) { double d = *(double *)x - *(double *)y; return d < 0 ? -1 : d > 0; }
/* Looks at the clock all the time until it has stood still K times for 1.5 us to 1 ms: interrupts. Prints the lower
   quartile: of those that nothing else of this machine makes longer. */
__attribute__((noinline)) static void gaps(int d, long k)
{
	double *gap, t, last; long nr = 0;
	if (d) { gaps(d - 1, k); n++; return; }
	gap = malloc(k * sizeof(*gap));
	for (last = now(CLOCK_MONOTONIC); nr < k; last = t) {
		t = now(CLOCK_MONOTONIC);
		if (t - last > 1.5e-6 && t - last < 1e-3) gap[nr++] = t - last;
	}
	qsort(gap, nr, sizeof(*gap), order);
	printf("%.3f\n", gap[nr / 4] * 1e6);
}
static void *idle(void *p) { pause(); return p; }
static void *spin(void *p) { for (;;) deep(20); return p; }
static int a[2], b[2];
static void *pong(void *p) { char c; while (read(a[0], &c, 1) == 1 && write(b[1], &c, 1) == 1) ; return p; }
static void enter(const char *group)
{
	int fd = open(group, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1) exit(1);
	close(fd);
}
int main(int argc, char **argv)
{
	double k = atof(argv[2]);
	pthread_t t; pthread_attr_t at;
	pthread_attr_init(&at); pthread_attr_setstacksize(&at, 65536);
	if (!strcmp(argv[1], "idle") || !strcmp(argv[1], "spin")) {
		for (int i = 0; i < k; i++) pthread_create(&t, &at, argv[1][0] == 'i' ? idle : spin, 0);
		pause();
	}
	if (!strcmp(argv[1], "gaps")) gaps(20, k);
	if (!strcmp(argv[1], "pingpong")) { /* two threads; or two processes, each in a control group of its own; one CPU */
		char c = 0; long rounds = 0; double end, used = 0; pid_t child = 0; cpu_set_t one; clockid_t theirs;
		CPU_ZERO(&one); CPU_SET(sched_getcpu(), &one);
		if (pipe(a) || pipe(b) || sched_setaffinity(0, sizeof(one), &one)) return 1;
		if (argc > 4) {
			enter(argv[3]);
			child = fork();
			if (!child) { prctl(PR_SET_PDEATHSIG, SIGKILL); enter(argv[4]); pong(0); _exit(0); }
		} else {
			pthread_create(&t, 0, pong, 0);
		}
		usleep(300000); /* attached meanwhile */
		for (end = now(CLOCK_MONOTONIC) + k; now(CLOCK_MONOTONIC) < end; rounds++)
			if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1) return 1;
		used = now(CLOCK_PROCESS_CPUTIME_ID);
		if (child && !clock_getcpuclockid(child, &theirs)) used += now(theirs);
		if (child) kill(child, SIGKILL);
		printf("%.0f\n", rounds / used);
	}
	return 0;
}
"""
NAME = f"tl{os.getpid()}"
TICK = os.sysconf("SC_CLK_TCK")


class Daemon:
    def __init__(self, program):
        self.dir = tempfile.mkdtemp(prefix="pprofd-bench-", dir="/tmp")
        self.p = None
        atexit.register(self.end)
        os.mkdir(self.dir + "/spool")
        self.load = f"{self.dir}/{NAME}"
        subprocess.run(["cc", "-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-pthread", "-x", "c", "-", "-o",
                        self.load], input=LOAD.encode(), check=True)
        self.ctl = [os.path.join(os.path.dirname(program), "pprofctl"), "-s", self.dir + "/control"]
        self.configure("")
        self.p = subprocess.Popen([program, "-c", self.dir + "/conf"], stderr=subprocess.DEVNULL)
        while subprocess.run(self.ctl + ["status"], capture_output=True).returncode:
            if self.p.poll() is not None:
                sys.exit("pprofd does not start")
            time.sleep(0.05)

    def configure(self, target):
        with open(self.dir + "/conf", "w") as f:
            f.write(f"[Sampler]\nScope=targets\n[Profile]\nWindow=1d\n[Spool]\nDirectory={self.dir}/spool\nKeepFree=0\n"
                    f"[Control]\nSocket={self.dir}/control\n{target}")

    def reload(self, target):
        self.configure(target)
        begin = time.monotonic()
        subprocess.run(self.ctl + ["reload"], check=True)
        return time.monotonic() - begin

    def status(self):
        return json.loads(subprocess.run(self.ctl + ["status", "--json"], capture_output=True, text=True).stdout)

    def rotate(self):
        subprocess.run(self.ctl + ["rotate"], check=True, capture_output=True)

    def rss(self):
        with open(f"/proc/{self.p.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))

    def cpu(self):
        with open(f"/proc/{self.p.pid}/schedstat") as f:
            return int(f.read().split()[0]) / 1e9

    def end(self):
        if self.p:
            self.p.send_signal(signal.SIGTERM)
            self.p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Load:
    """Ends with us."""

    def __init__(self, *words):
        self.p = subprocess.Popen(words)
        atexit.register(self.end)

    def end(self):
        self.p.kill()
        self.p.wait()


def kernel_memory():
    """Bytes that the kernel keeps for itself: slabs and what each CPU has of its own."""
    with open("/proc/meminfo") as f:
        return sum(int(line.split()[1]) * 1024 for line in f if line.split(":")[0] in ("Slab", "Percpu"))


def attach(program, rounds):
    d = Daemon(program)
    load = Load(d.load, "idle", "999")
    while len(os.listdir(f"/proc/{load.p.pid}/task")) < 1000:
        time.sleep(0.05)
    d.reload("[Target none]\nComm=none such\n")
    empty = min(d.reload(f"[Target none]\nComm=none such {i}\n") for i in range(3))
    before, wall, cpu, kernel, grown = d.rss(), [], [], [], 0
    for i in range(int(rounds)):
        memory, used = kernel_memory(), d.cpu()
        wall.append(d.reload(f"[Target t]\nPid={load.p.pid}\nSampleFrequency={499 + i}\n") - empty)
        cpu.append(d.cpu() - used)
        s = d.status()
        events = s["target.t.descriptors"]
        kernel.append((kernel_memory() - memory) / events)
        if not i:
            grown = d.rss() - before
        d.reload("[Target none]\nComm=none such\n")
        time.sleep(0.5)  # the kernel frees them later than it says
    print(f"attach to {s['target.t.threads']} threads on {s['cpus']} CPUs: {1000 * min(wall):.0f} ms at best, median "
          f"{1000 * statistics.median(wall):.0f} ms, {1000 * statistics.median(cpu):.0f} ms of them CPU (at most 100); "
          f"{grown} KiB more resident (at most 1024); {events} descriptors, "
          f"{statistics.median(kernel) / 1024:.2f} KiB of kernel memory each (at most 2.5)")


def clock(program, seconds):
    d = Daemon(program)
    d.reload(f"[Target t]\nComm={NAME}\n")
    load = Load(d.load, "spin", "8")
    while d.status().get("target.t.threads") != 9:
        time.sleep(0.05)
    time.sleep(0.3)

    def times():
        os.kill(load.p.pid, signal.SIGSTOP)
        task, t = f"/proc/{load.p.pid}/task", {}
        while any(open(f"{task}/{tid}/stat").read().rsplit(")", 1)[1].split()[0] == "R" for tid in os.listdir(task)):
            time.sleep(0.01)
        d.rotate()
        for tid in os.listdir(task):
            with open(f"{task}/{tid}/schedstat") as f:
                t[tid] = int(f.read().split()[0])
        os.kill(load.p.pid, signal.SIGCONT)
        return t
    begin = times()
    time.sleep(float(seconds))
    end = times()
    newest = max((os.path.join(d.dir, "spool", f) for f in os.listdir(d.dir + "/spool")), key=os.path.getmtime)
    out = subprocess.run(d.ctl[:1] + ["top", "--by", "label:tid", "--type", "samples", "-n", "0", newest],
                         capture_output=True, text=True).stdout
    got = {f[-1]: int(f[0]) / 499 * 1e9 for f in map(str.split, out.splitlines()) if len(f) > 4 and f[0].isdigit()}
    errors = {tid: got.get(tid, 0) / (end[tid] - begin[tid]) - 1 for tid in begin if end[tid] - begin[tid] > 1e8}
    total = sum(end[t] - begin[t] for t in begin)
    print(f"{len(errors)} busy threads, {seconds} s at 499 Hz ({total / 1e9:.1f} s of CPU): time sampled is within "
          f"{100 * max(map(abs, errors.values())):.2f} % of each thread's clock, {100 * (sum(got.values()) / total - 1):+.2f} % "
          f"of all (at most 2)")


def pingpong(program, seconds, pairs):
    d = Daemon(program)
    mount = next((line.split()[4] for line in open("/proc/self/mountinfo") if " - cgroup2 " in line), None)
    groups = [f"pprofd-bench-{os.getpid()}-{x}" for x in "ab"]
    try:
        for g in groups:
            os.mkdir(f"{mount}/{g}")
    except OSError:
        mount = None
    procs = [f"{mount}/{g}/cgroup.procs" for g in groups]
    threads = [d.load, "pingpong", seconds]
    both = "".join(f"[Target {x}]\nCgroup=/{g}\nMethod=cgroup\n" for x, g in zip("ab", groups))
    cases = [("two threads, Method=thread", threads, f"[Target t]\nComm={NAME}\nMethod=thread\n"),
             ("two processes, Method=thread", threads + procs, f"[Target t]\nComm={NAME}\nMethod=thread\n"),
             ("two processes, a control group each, Method=cgroup", threads + procs, both),
             ("two threads, Method=cpu", threads, f"[Target t]\nComm={NAME}\nMethod=cpu\n"),
             ("two processes, Method=cpu", threads + procs, f"[Target t]\nComm={NAME}\nMethod=cpu\n")]
    for name, command, target in cases:
        ratios = []
        if len(command) > 3 and not mount:
            print(f"ping-pong, {name}: skipped, no control groups can be made")
            continue
        for _ in range(int(pairs)):
            d.reload("")
            without = int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
            d.reload(target)
            ratios.append(int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout) / without)
        print(f"ping-pong, {name}, 499 Hz: {100 * (statistics.median(ratios) - 1):+.0f} % rounds a second of CPU, of {pairs} pairs "
              f"{100 * (min(ratios) - 1):+.0f} % to {100 * (max(ratios) - 1):+.0f} %, without {without} a second of CPU (no target)", flush=True)
    for g in groups if mount else []:
        for _ in range(50):
            try:
                os.rmdir(f"{mount}/{g}")
                break
            except OSError:
                time.sleep(0.1)


def chain(program, rounds):
    d = Daemon(program)

    costs = {"no": [], "yes": []}
    for _ in range(int(rounds)):
        for chains in costs:
            d.reload(f"[Target t]\nComm={NAME}\nMethod=cpu\nSampleFrequency=10000\nCallChain={chains}\n")
            costs[chains].append(float(subprocess.run([d.load, "gaps", "10000"], stdout=subprocess.PIPE, check=True).stdout))
    no, yes = (statistics.median(costs[k]) for k in ("no", "yes"))
    print(f"the workload stands still for {yes:.2f} us a sample of 24 frames, with CallChain=no for {no:.2f} us: "
          f"{yes - no:.2f} us less (no target)")


verbs = {"attach": attach, "clock": clock, "pingpong": pingpong, "chain": chain}
if len(sys.argv) < 3 or sys.argv[1] not in verbs:
    sys.exit(__doc__)
verbs[sys.argv[1]](os.path.abspath(sys.argv[2]), *sys.argv[3:])
