#!/usr/bin/env python3
"""Figures of targets, one line each.

  targets.py attach   PPROFD     1000 threads that do nothing: time and memory of attaching to them
  targets.py clock    PPROFD [S] 8 CPU-bound threads for S seconds at 499 Hz: what is sampled against their own CPU clocks
  targets.py pingpong PPROFD     two threads over a pipe: slowdown by method, paired
  targets.py chain    PPROFD     the same work at 10 kHz with and without callchains: cost of a sample"""
import json, os, shutil, signal, statistics, subprocess, sys, tempfile, time

LOAD = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
static volatile unsigned long n;
static double now(clockid_t c) { struct timespec t; clock_gettime(c, &t); return t.tv_sec + t.tv_nsec / 1e9; }
__attribute__((noinline)) static void deep(int d) { if (d) { deep(d - 1); n++; } else for (int i = 0; i < 100000; i++) n++; }
static void *idle(void *p) { pause(); return p; }
static void *spin(void *p) { for (;;) deep(20); return p; }
static int a[2], b[2];
static void *pong(void *p) { char c; for (;;) if (read(a[0], &c, 1) != 1 || write(b[1], &c, 1) != 1) return p; }
int main(int argc, char **argv)
{
	int k = atoi(argv[2]);
	pthread_t t; pthread_attr_t at;
	pthread_attr_init(&at); pthread_attr_setstacksize(&at, 65536);
	if (!strcmp(argv[1], "idle") || !strcmp(argv[1], "spin")) {
		while (k--) pthread_create(&t, &at, argv[1][0] == 'i' ? idle : spin, 0);
		pause();
	}
	if (!strcmp(argv[1], "fixed")) {
		double begin = now(CLOCK_PROCESS_CPUTIME_ID);
		while (k--) deep(20);
		printf("%.6f\n", now(CLOCK_PROCESS_CPUTIME_ID) - begin);
	}
	if (!strcmp(argv[1], "pingpong")) {
		char c = 0; long rounds = 0; double end = now(CLOCK_MONOTONIC) + k;
		if (pipe(a) || pipe(b)) return 1;
		pthread_create(&t, 0, pong, 0);
		usleep(300000);
		for (end = now(CLOCK_MONOTONIC) + k; now(CLOCK_MONOTONIC) < end; rounds++)
			if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1) return 1;
		printf("%ld\n", rounds);
	}
	return 0;
}
"""


class Daemon:
    def __init__(self, program, target=""):
        self.dir = tempfile.mkdtemp(prefix="pprofd-bench-", dir="/tmp")
        os.mkdir(self.dir + "/spool")
        self.load = self.dir + "/tload"
        subprocess.run(["cc", "-O1", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-pthread", "-x", "c", "-", "-o",
                        self.load], input=LOAD.encode(), check=True)
        self.ctl = [os.path.join(os.path.dirname(program), "pprofctl"), "-s", self.dir + "/control"]
        self.configure(target)
        self.p = subprocess.Popen([program, "-c", self.dir + "/conf"], stderr=subprocess.DEVNULL)
        while subprocess.run(self.ctl + ["status"], capture_output=True).returncode:
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

    def end(self):
        self.p.send_signal(signal.SIGTERM)
        self.p.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def attach(program):
    d = Daemon(program)
    load = subprocess.Popen([d.load, "idle", "999"])
    time.sleep(1)
    d.reload("[Target none]\nComm=none such\n")
    empty = min(d.reload(f"[Target none]\nComm=none such {i}\n") for i in range(3))
    before, times = d.rss(), []
    for i in range(3):
        times.append(d.reload(f"[Target t]\nPid={load.pid}\nSampleFrequency={499 + i}\n") - empty)
        if not i:
            after = d.rss()
    s = d.status()
    print(f"attach to {s['target.t.threads']} threads on {s['cpus']} CPUs: {1000 * statistics.median(times):.0f} ms (at most 100), "
          f"{after - before} KiB more resident (at most 1024), {s['target.t.descriptors']} descriptors")
    load.kill()
    d.end()


def clock(program, seconds=20.0):
    d = Daemon(program, "[Target t]\nComm=tload\n")
    load = subprocess.Popen([d.load, "spin", "8"])
    time.sleep(1)

    def times():
        os.kill(load.pid, signal.SIGSTOP)
        time.sleep(0.2)
        d.rotate()
        t = {}
        for tid in os.listdir(f"/proc/{load.pid}/task"):
            with open(f"/proc/{load.pid}/task/{tid}/schedstat") as f:
                t[tid] = int(f.read().split()[0])
        os.kill(load.pid, signal.SIGCONT)
        return t
    begin = times()
    time.sleep(float(seconds))
    end = times()
    newest = max((os.path.join(d.dir, "spool", f) for f in os.listdir(d.dir + "/spool")), key=os.path.getmtime)
    worst = 0.0
    for tid in begin:
        used = end[tid] - begin[tid]
        if used < 1e8:
            continue
        out = subprocess.run(d.ctl[:1] + ["folded", "--type", "cpu", "--tid", tid, newest], capture_output=True, text=True).stdout
        got = sum(int(line.rsplit(" ", 1)[1]) for line in out.splitlines())
        worst = max(worst, abs(got / used - 1))
    print(f"8 busy threads, {seconds} s at 499 Hz: time sampled is within {100 * worst:.2f} % of each thread's clock (at most 2)")
    load.kill()
    d.end()


METHODS = (("thread", "Comm=tload\nMethod=thread\n"), ("cgroup", "Cgroup=/pprofd-bench\nMethod=cgroup\n"),
           ("cpu", "Comm=tload\nMethod=cpu\n"))


def pingpong(program):
    d = Daemon(program)
    mount = next((line.split()[4] for line in open("/proc/self/mountinfo") if " - cgroup2 " in line), None)
    group = f"{mount}/pprofd-bench"
    os.makedirs(group, exist_ok=True)

    def rounds():
        p = subprocess.Popen(f"echo $$ >{group}/cgroup.procs; exec {d.load} pingpong 2", shell=True, stdout=subprocess.PIPE)
        return int(p.communicate()[0])
    for name, keys in METHODS:
        ratios = []
        for _ in range(5):
            d.reload("")
            without = rounds()
            d.reload("[Target t]\n" + keys)
            ratios.append(rounds() / without)
        print(f"ping-pong, Method={name} at 499 Hz: speed {100 * (statistics.median(ratios) - 1):+.0f} %")
    os.rmdir(group)
    d.end()


def chain(program):
    d = Daemon(program)

    def cpu(target):
        d.reload(target)
        p = subprocess.Popen([d.load, "fixed", "20000"], stdout=subprocess.PIPE)
        return float(p.communicate()[0])
    for chains in ("no", "yes"):
        costs = []
        for _ in range(5):
            without = cpu("")
            taken = cpu(f"[Target t]\nComm=tload\nMethod=cpu\nSampleFrequency=10000\nCallChain={chains}\n")
            samples = d.status().get("target.t.samples", 0)
            costs.append((taken - without) / max(samples, 1))
        print(f"CallChain={chains}: {1e6 * statistics.median(costs):.2f} us of the workload per sample")
    d.end()


{"attach": attach, "clock": clock, "pingpong": pingpong, "chain": chain}[sys.argv[1]](os.path.abspath(sys.argv[2]), *sys.argv[3:])
