#!/usr/bin/env python3
"""Whole-process figures of pprofd beside perf record, on one load in one run, as ratios.

  host.py compare  PPROFD LOAD SECONDS RUNS   CPU and memory beside `perf record -a -g -N`, alternating; lost; accounting
  host.py slowdown PPROFD LOAD PAIRS          a fixed computation with pprofd at 49 and at 997 Hz against none, paired
  host.py start    PPROFD RUNS                execve to the first sample's time

CPU is user + system of all processes of a tool, memory the peak of their summed PSS, read every 100 ms."""
import os, shutil, signal, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")


def stat_of(pid):
    """ppid and CPU seconds, reaped children included, of a process; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as f:
            t = f.read().rpartition(b")")[2].split()
        return int(t[1]), sum(int(x) for x in t[11:15]) / TICK
    except (OSError, IndexError, ValueError):
        return None


def tree(root):
    """Pids of a process and all its descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            st = stat_of(name)
            if st:
                parents.setdefault(st[0], []).append(int(name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += parents.get(pid, [])
    return found


def cpu_of(root):
    return sum(st[1] for st in map(stat_of, tree(root)) if st)


def pss_of(pids):
    kb = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                for line in f:
                    if line.startswith("Pss:"):
                        kb += int(line.split()[1])
        except OSError:
            pass
    return kb / 1024


class Load:
    def __init__(self, program, saturated):
        self.p = subprocess.Popen([os.path.join(HERE, "mixed"), program] + (["saturated"] if saturated else []),
                                  start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(2)

    def end(self):
        os.killpg(self.p.pid, signal.SIGTERM)
        time.sleep(0.3)
        try:
            os.killpg(self.p.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.p.wait()


def write_conf(folder, window, hz, extra=""):
    conf = os.path.join(folder, "pprofd.conf")
    with open(conf, "w") as f:
        f.write(f"[Sampler]\nSampleFrequency={hz}\n[Profile]\nWindow={window}s\n[Spool]\nDirectory={folder}/spool\n"
                f"KeepFree=0\n[Control]\nSocket={folder}/control\n{extra}")
    os.makedirs(f"{folder}/spool", exist_ok=True)
    return conf


class Daemon:
    def __init__(self, program, window, hz):
        self.folder = tempfile.mkdtemp(prefix="pprofd-bench-", dir="/tmp")
        self.ctl = os.path.join(os.path.dirname(program), "pprofctl")
        self.p = subprocess.Popen([program, "-c", write_conf(self.folder, window, hz)], stderr=subprocess.PIPE)
        for _ in range(100):
            if self.status():
                return
            time.sleep(0.05)
        sys.exit("pprofd did not start: " + self.p.stderr.read().decode())

    def status(self):
        r = subprocess.run([self.ctl, "-s", f"{self.folder}/control", "status", "--json"], capture_output=True, text=True)
        if r.returncode:
            return None
        import json
        return json.loads(r.stdout)

    def end(self):
        self.p.send_signal(signal.SIGTERM)
        err = self.p.communicate()[1]
        usage = err.decode()
        shutil.rmtree(self.folder, ignore_errors=True)
        return usage


def watch(root, seconds, window):
    """CPU at each end of a window, peak PSS."""
    begin, peak, cpu, ends = time.monotonic(), 0.0, [cpu_of(root)], 1
    while True:
        now = time.monotonic() - begin
        peak = max(peak, pss_of(tree(root)))
        if now >= ends * window:
            cpu.append(cpu_of(root))
            ends += 1
        if now >= seconds:
            return [b - a for a, b in zip(cpu, cpu[1:])], peak
        time.sleep(0.1)


def run_pprofd(program, seconds, window):
    d = Daemon(program, window, 997)
    windows, peak = watch(d.p.pid, seconds, window)
    status = d.status()
    d.end()
    return windows, peak, status


def run_perf(seconds):
    folder = tempfile.mkdtemp(prefix="pprofd-bench-", dir="/tmp")
    p = subprocess.Popen(["perf", "record", "-e", "cpu-clock", "-F", "997", "-a", "-g", "-N", "-o", f"{folder}/perf.data"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end, peak = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        peak = max(peak, pss_of(tree(p.pid)))
        time.sleep(0.1)
    p.send_signal(signal.SIGINT)
    _, _, usage = os.wait4(p.pid, 0)
    shutil.rmtree(folder, ignore_errors=True)
    return usage.ru_utime + usage.ru_stime, peak


def compare(program, load_program, seconds, runs):
    window = seconds / 3
    first, later, memory = [], [], []
    lost = 0
    print(f"# {runs} alternating runs of {seconds:g} s, windows of {window:g} s, mixed load, 997 Hz")
    for i in range(runs):
        load = Load(load_program, False)
        windows, peak, status = run_pprofd(program, seconds, int(window))
        cpu, perf_peak = run_perf(seconds)
        load.end()
        per_window = cpu / (seconds / window)
        first.append(windows[0] / per_window)
        later.append(statistics.mean(windows[1:]) / per_window)
        memory.append(peak)
        lost += int(status["lost"])
        print(f"run {i + 1}: pprofd {' '.join(f'{w:.2f}' for w in windows)} CPU s a window, peak {peak:.1f} MB; "
              f"perf record {per_window:.2f} CPU s a window, {perf_peak:.1f} MB; "
              f"{status['samples']} samples, {status['lost']} lost")
    print(f"CPU, first window:  {statistics.median(first):.2f} x perf record (at most 3)")
    print(f"CPU, later windows: {statistics.median(later):.2f} x perf record (at most 1.5)")
    print(f"memory, all processes: {max(memory):.1f} MB (at most 40)")
    print(f"lost: {lost} (0)")


def fixed(load_program, rounds):
    begin = time.monotonic()
    before = os.times()
    subprocess.run([load_program, "fixed", str(rounds)], check=True)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system, time.monotonic() - begin


def slowdown(program, load_program, pairs):
    rounds = 100
    while fixed(load_program, rounds)[1] < 0.5:
        rounds *= 2
    for hz in (49, 997):
        ratios = []
        for i in range(pairs):
            def with_daemon():
                d = Daemon(program, 60, hz)
                t = fixed(load_program, rounds)[1]
                d.end()
                return t
            if i % 2:
                b, a = fixed(load_program, rounds)[1], with_daemon()
            else:
                a, b = with_daemon(), fixed(load_program, rounds)[1]
            ratios.append(a / b)
        mean = statistics.mean(ratios)
        bound = mean + 1.96 * statistics.stdev(ratios) / len(ratios) ** 0.5
        print(f"slowdown at {hz} Hz: median {100 * (statistics.median(ratios) - 1):+.2f} %, mean {100 * (mean - 1):+.2f} %, "
              f"upper 95 % bound {100 * (bound - 1):+.2f} % ({pairs} pairs)")


def start(program, runs):
    times = []
    for _ in range(runs):
        begin = time.clock_gettime(time.CLOCK_MONOTONIC)
        d = Daemon(program, 60, 997)
        for _ in range(40):
            first = d.status().get("first_sample_ms")
            if first:
                break
            time.sleep(0.1)
        # first_sample_ms counts from the daemon's own first statement; what precedes it is exec and the linker.
        times.append(int(first))
        d.end()
    print(f"start to the first sample: median {statistics.median(times)} ms, most {max(times)} ms (at most 300)")


def main():
    verb, a = sys.argv[1], sys.argv[2:]
    if verb == "compare":
        compare(a[0], a[1], float(a[2]), int(a[3]))
    elif verb == "slowdown":
        slowdown(a[0], a[1], int(a[2]))
    elif verb == "start":
        start(a[0], int(a[1]))


main()
