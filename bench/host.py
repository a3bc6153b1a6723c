#!/usr/bin/env python3
"""Whole-process figures of pprofd, each as one line with its target beside it.

  host.py compare    PPROFD LOAD SECONDS RUNS UNWIND...
                                               CPU and memory beside `perf record -a -g -N`, alternating; lost samples
  host.py accounting PPROFD LOAD SECONDS       what the samples add up to, beside the run time that the kernel charged
  host.py naps       PPROFD LOAD SECONDS       the same for programs that sleep and wake; where a timer without NMI sees
                                               code that runs with interrupts off
  host.py slowdown   PPROFD LOAD PAIRS SECONDS a fixed computation with pprofd at 49 and at 997 Hz against none, paired
  host.py names      PPROFD LOAD SECONDS       frames of the mixed load that have a name, or the bounds of a function; what names
                                               cost in the first window and in the next
  host.py start      PPROFD RUNS               execve to the first sample's time

CPU is user + system of all processes of a tool, of their control group where one can be made (exact, what has exited
included), else of /proc/PID/stat. Memory is the peak of their summed PSS, read every 100 ms."""
import atexit, glob, gzip, json, os, shutil, signal, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")


class Group:
    """A control group of its own. As NAME.scope it is a unit to pprofd."""

    def __init__(self, name):
        self.path = None
        for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
            if os.path.exists(f"{root}/cgroup.controllers"):
                self.name = f"{name}-{os.getpid()}.scope"
                try:
                    os.mkdir(f"{root}/{self.name}")
                    self.path = f"{root}/{self.name}"
                except OSError:
                    pass

    def enter(self):
        """For preexec_fn: the child begins there, and so does all that it starts."""
        if self.path:
            with open(f"{self.path}/cgroup.procs", "w") as f:
                f.write("0")

    def pids(self):
        with open(f"{self.path}/cgroup.procs") as f:
            return [int(line) for line in f]

    def cpu(self):
        with open(f"{self.path}/cpu.stat") as f:
            return int(f.readline().split()[1]) / 1e6

    def end(self):
        if not self.path:
            return
        for _ in range(50):
            try:
                return os.rmdir(self.path)
            except OSError:
                for pid in self.pids():
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                time.sleep(0.05)


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


def pss_of(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            return sum(int(line.split()[1]) for line in f if line.startswith("Pss:")) / 1024
    except OSError:
        return 0


class Tool:
    """A program whose processes' CPU and memory are watched."""

    def __init__(self, name, argv, **popen):
        self.group = Group(name)
        self.p = subprocess.Popen(argv, preexec_fn=self.group.enter, **popen)
        atexit.register(self.abandon)
        self.peak, self.peaks = 0.0, {}

    def pids(self):
        return self.group.pids() if self.group.path else tree(self.p.pid)

    def cpu(self):
        if self.group.path:
            return self.group.cpu()
        return sum(st[1] for st in map(stat_of, tree(self.p.pid)) if st)

    def abandon(self):
        """Nothing outlives the bench, however it ends."""
        if self.p.returncode is None:
            self.p.terminate()
            self.p.wait()
        if self.group.path and os.path.exists(self.group.path):
            self.group.end()

    def note_memory(self):
        each = [pss_of(pid) for pid in self.pids()]
        if sum(each) > self.peak:
            self.peak, self.peaks = sum(each), sorted((round(m, 1) for m in each), reverse=True)


class Daemon(Tool):
    def __init__(self, program, window, hz, extra=""):
        self.hz = hz
        self.folder = tempfile.mkdtemp(prefix="pprofd-bench-", dir="/tmp")
        self.ctl = os.path.join(os.path.dirname(program), "pprofctl")
        os.makedirs(f"{self.folder}/spool")
        with open(f"{self.folder}/pprofd.conf", "w") as f:
            f.write(f"[Sampler]\nSampleFrequency={hz}\n{extra}[Profile]\nWindow={window}s\n[Spool]\nKeepFree=0\n"
                    f"Directory={self.folder}/spool\n[Control]\nSocket={self.folder}/control\n")
        # As root it would become the user pprofd, who may own neither this folder nor the programs of the bench.
        os.chmod(self.folder, 0o755)
        if os.getuid() == 0:
            try:
                shutil.chown(f"{self.folder}/spool", "pprofd", "pprofd")
                shutil.chown(self.folder, "pprofd", "pprofd")
            except LookupError:
                pass
        self.err = open(f"{self.folder}/log", "w+")
        super().__init__("pprofd-bench-daemon", [program, "-c", f"{self.folder}/pprofd.conf"], stderr=self.err)
        for _ in range(200):
            if self.status():
                return
            if self.p.poll() is not None:
                break
            time.sleep(0.02)
        sys.exit("pprofd did not start: " + self.log())

    def log(self):
        self.err.seek(0)
        return self.err.read()

    def run_ctl(self, *args):
        r = subprocess.run([self.ctl, "-s", f"{self.folder}/control", "-D", f"{self.folder}/spool", *args],
                           capture_output=True, text=True)
        return r.stdout if r.returncode == 0 else None

    def status(self):
        text = self.run_ctl("status", "--json")
        return json.loads(text) if text else None

    def folded(self, *selectors):
        """The newest profile as [(frames, samples)], the command first."""
        newest = max(glob.glob(f"{self.folder}/spool/cpu-*.pb.gz"), key=os.path.getmtime)
        stacks = []
        for line in (self.run_ctl("folded", *selectors, newest) or "").splitlines():
            frames, _, count = line.rpartition(" ")
            stacks.append((frames.split(";"), int(count)))
        return stacks

    def end(self):
        self.p.send_signal(signal.SIGTERM)
        self.p.wait()
        self.group.end()
        self.err.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.p.returncode:
            sys.exit(f"pprofd ended with {self.p.returncode}")


class Load(Tool):
    def __init__(self, *argv):
        super().__init__("pprofd-bench-load", argv, start_new_session=True, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
        time.sleep(1)

    @staticmethod
    def mixed(program, saturated):
        return Load(os.path.join(HERE, "mixed"), program, *(["saturated"] if saturated else []))

    def stop(self):
        os.killpg(self.p.pid, signal.SIGTERM)
        time.sleep(0.2)
        try:
            os.killpg(self.p.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.p.wait()
        time.sleep(0.1)

    def end(self):
        if self.p.returncode is None:
            self.stop()
        self.group.end()


def figure(name, value, target=""):
    print(f"{name + ':':<38} {value}{f'  [target {target}]' if target else ''}", flush=True)


# --- Beside perf record ---

def run_pprofd(program, unwind, window, windows):
    """CPU from the start on in steps of a window's length, each with the end of one window in it; and the peak PSS. None
    where stacks are not walked that way."""
    d = Daemon(program, window, 997, f"Unwind={unwind}\n")
    begin = time.time()
    ends = [begin + (i + 1) * window for i in range(windows)]
    cpu = [0.0]  # the first window bears the start
    if not (d.status() or {"unwind": unwind})["unwind"].startswith(unwind):
        d.end()
        return None
    while len(cpu) <= windows:
        d.note_memory()
        if time.time() >= ends[len(cpu) - 1]:
            cpu.append(d.cpu())
        time.sleep(0.1)
    status = d.status()
    if not status:
        sys.exit(f"pprofd did not answer at the end (exit status {d.p.poll()}): {d.log()}")
    d.end()
    return [b - a for a, b in zip(cpu, cpu[1:])], d, status


def run_perf(seconds):
    """CPU seconds while it records and of its whole life, and its peak PSS. A perf that crashes, or gives up going through
    what it recorded, counts for nothing: it did less than its work."""
    for _ in range(4):
        folder = tempfile.mkdtemp(prefix="pprofd-bench-", dir="/tmp")
        t = Tool("pprofd-bench-perf", ["perf", "record", "-e", "cpu-clock", "-F", "997", "-a", "-g", "-N", "-o",
                                       f"{folder}/perf.data"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        end = time.monotonic() + seconds
        while time.monotonic() < end and t.p.poll() is None:
            t.note_memory()
            time.sleep(0.1)
        recording = t.cpu()
        if t.p.returncode is None:
            t.p.send_signal(signal.SIGINT)
        err = t.p.stderr.read().decode()
        whole = t.cpu()
        status = t.p.wait()
        if t.group.path:
            whole = t.cpu()
        t.group.end()
        shutil.rmtree(folder, ignore_errors=True)
        # Ended by our SIGINT it exits with 0, or dies of that signal again.
        if status in (0, -signal.SIGINT) and "failed to process" not in err and time.monotonic() >= end:
            return recording, whole, t.peak
        print(f"# perf record failed ({status}, {' / '.join(err.split(chr(10)))[-200:]!r}; {recording:.3f} CPU s until its end, "
              f"{whole:.3f} until it gave up): again", flush=True)
    sys.exit("perf record fails every time")


def compare(program, load_program, seconds, runs, unwinds):
    """What it costs to sample, by each of UNWINDS: "fp", the callchain that perf copies too, or "bpf", whole stacks."""
    windows = 3
    window = int(seconds / windows)
    ratios = {unwind: ([], [], [], []) for unwind in unwinds}
    lost = 0
    load = Load.mixed(load_program, False)
    for i in range(runs):
        perf = run_perf(window * windows) if i % 2 else None
        done = {unwind: run_pprofd(program, unwind, window, windows) for unwind in unwinds}
        perf = perf or run_perf(window * windows)
        recording, life, perf_peak = perf[0] / windows, perf[1] / windows, perf[2]
        print(f"# run {i + 1}: perf record {recording:.3f} recording, {life:.3f} with its end, {perf_peak:.1f} MB", flush=True)
        for unwind, result in done.items():
            if not result:
                continue
            cpu, d, status = result
            nr = status["samples"]
            print(f"# run {i + 1}: pprofd, {unwind}, {' '.join(f'{c:.3f}' for c in cpu)} CPU s a window of {window} s, "
                  f"{d.peak:.1f} MB {d.peaks}, {nr} samples, {1e9 * statistics.mean(cpu[1:]) / (nr / windows):.0f} ns each",
                  flush=True)
            later = statistics.mean(cpu[1:])
            for figures, value in zip(ratios[unwind], (cpu[0] / life, later / life, later / recording, d.peak)):
                figures.append(value)
            lost += status["lost"]
    load.end()
    for unwind, (first, later, copying, memory) in ratios.items():
        if not first:
            print(f"# stacks cannot be walked by {unwind} here")
            continue
        figure(f"CPU, first window / perf, {unwind}", f"{statistics.median(first):.2f}", "<= 3" if unwind == "fp" else "")
        figure(f"CPU, later windows / perf, {unwind}", f"{statistics.median(later):.2f} (its end, where it goes through what "
               f"it copied, not counted: {statistics.median(copying):.1f})", "<= 1.5" if unwind == "fp" else "<= 2")
        figure(f"peak memory of all processes, {unwind}", f"{max(memory):.1f} MB", "<= 40 MB")
    figure("samples lost, mixed load, 997 Hz", lost, "0")


# --- What the samples add up to ---

def whole_life(d, argv, seconds):
    """A load from its first instruction to its last: seconds of its samples, the run time that the kernel charged, stacks."""
    load = Load(*argv)
    time.sleep(seconds - 1)
    load.stop()
    charged, unit = load.cpu(), load.group.name
    load.end()
    time.sleep(0.5)  # what is in the rings
    d.run_ctl("rotate")
    mine = d.folded("--unit", unit)
    return sum(count for _, count in mine) * (1000000000 // d.hz) / 1e9, charged, mine


def accounting(program, load_program, seconds):
    d = Daemon(program, 3600, 997)
    sampled, charged, _ = whole_life(d, (os.path.join(HERE, "mixed"), load_program, "saturated"), seconds)
    status = d.status()
    d.end()
    figure("samples / task run time, saturated", f"{sampled:.3f} s of {charged:.3f} s: {100 * (sampled / charged - 1):+.2f} %"
           f" ({status['lost']} lost)", "within 2 %")


NAPS = (("sleeps 1 ms, works 0.2 ms", "nap", "1000", "200"), ("sleeps 5 ms, works 1 ms", "nap", "5000", "1000"),
        ("wakes every 1003 us, in step", "step", "1003009", "200"), ("pipe ping-pong", "pingpong"),
        ("works only", "deep"))
ENABLING = ("_raw_spin_unlock_irqrestore", "_raw_spin_unlock_irq", "finish_task_switch", "finish_task_switch.isra.0",
            "__local_bh_enable_ip", "do_softirq", "handle_softirqs", "__do_softirq", "pv_native_safe_halt", "default_idle")


def naps(program, load_program, seconds):
    for hz in (997,):
        d = Daemon(program, 3600, hz)
        for name, *argv in NAPS:
            sampled, charged, stacks = whole_life(d, (load_program, *argv), seconds)
            total = sum(count for _, count in stacks) or 1
            at = sum(count for frames, count in stacks if frames[-1] in ENABLING)
            figure(f"{hz} Hz, {name}", f"{sampled:.3f} s sampled of {charged:.3f} s: {100 * (sampled / charged - 1):+.1f} %; "
                   f"{100 * at / total:.1f} % of samples where interrupts go on again")
        d.end()


# --- Slowdown ---

# Student's t, one-sided 95 %, by degrees of freedom.
T95 = {3: 2.353, 5: 2.015, 7: 1.895, 9: 1.833, 11: 1.796, 14: 1.761, 19: 1.729, 29: 1.699, 59: 1.671}


def fixed(load_program, rounds, cpu):
    """CPU and wall seconds of the computation, pinned. Interrupts, and what they do to caches, are in its CPU time;
    what others on the machine do is not."""
    p = subprocess.Popen([load_program, "fixed", str(rounds)], preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    begin = time.monotonic()
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = status
    if status:
        sys.exit("the computation failed")
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begin


def slowdown(program, load_program, pairs, seconds):
    cpu = max(os.sched_getaffinity(0))
    rounds = 100
    while fixed(load_program, rounds, cpu)[0] < seconds:
        rounds = rounds * 3 // 2
    for hz in (49, 997):
        ratios, shares = [], []

        def with_daemon():
            d = Daemon(program, 60, hz)
            # It runs for years: its start, and what it learns of a program the first time, are not what is asked for.
            time.sleep(1.5 * seconds)
            fixed(load_program, rounds // 4, cpu)
            time.sleep(0.5)
            before, begin = d.cpu(), time.monotonic()
            t = fixed(load_program, rounds, cpu)[0]
            shares.append((d.cpu() - before) / (time.monotonic() - begin) / os.cpu_count())
            d.end()
            return t

        for i in range(pairs):
            if i % 2:
                without, sampled = fixed(load_program, rounds, cpu)[0], with_daemon()
            else:
                sampled, without = with_daemon(), fixed(load_program, rounds, cpu)[0]
            ratios.append(sampled / without - 1)
        mean = statistics.mean(ratios)
        t = T95[max(k for k in T95 if k <= pairs - 1)]
        bound = mean + t * statistics.stdev(ratios) / len(ratios) ** 0.5
        figure(f"slowdown at {hz} Hz", f"mean {100 * mean:+.2f} %, median {100 * statistics.median(ratios):+.2f} %, upper 95 % "
               f"bound {100 * bound:+.2f} % of {pairs} pairs; pprofd itself {100 * statistics.median(shares):.2f} % of the CPUs",
               "<= 0.5 %" if hz == 49 else "")


def ways(program, load_program, rounds_of_all):
    """What the ways of finding stacks take from a fixed computation without frame pointers, at a rate where it shows."""
    cpu, hz = max(os.sched_getaffinity(0)), 4999
    rounds = 100
    while fixed(load_program, rounds, cpu)[0] < 0.8:
        rounds *= 2
    without, sampled = [], {"fp": [], "stack": [], "bpf": []}
    for _ in range(rounds_of_all):
        without.append(fixed(load_program, rounds, cpu)[0])
        for way, times in sampled.items():
            d = Daemon(program, 60, hz, f"Unwind={way}\nRingSize=2M\n")
            time.sleep(1)  # it is known by then what the stacks of others need
            times.append(fixed(load_program, rounds, cpu)[0])
            used = d.status()["unwind"].split(":")[0]
            d.end()
            if used != way:
                print(f"# no {way} here: {used} instead")
    base = statistics.median(without)
    cost = {way: statistics.median(times) - base for way, times in sampled.items()}
    for way, seconds in cost.items():
        figure(f"{hz} Hz, Unwind={way}", f"{1e6 * seconds / (base * hz):.2f} us of CPU time a sample")
    figure("that of bpf / fp", f"{cost['bpf'] / cost['fp']:.2f}", "<= 1.35")


def start(program, runs):
    times = []
    for _ in range(runs):
        # first_sample_ms counts from the daemon's first statement; before that come exec and the linker, which -V has too.
        begin = time.monotonic()
        subprocess.run([program, "-V"], stdout=subprocess.DEVNULL, check=True)
        linker = time.monotonic() - begin
        d = Daemon(program, 60, 997)
        first = None
        for _ in range(100):
            first = d.status().get("first_sample_ms")
            if first is not None:
                break
            time.sleep(0.05)
        times.append(first + 1000 * linker)
        d.end()
    figure("start to the first sample", f"median {statistics.median(times):.0f} ms, most {max(times):.0f} ms of {runs}",
           "<= 300 ms")


def fields(data):
    """The fields of a protobuf message, as (number, value)."""
    def varint(i):
        value = shift = 0
        while True:
            value |= (data[i] & 127) << shift
            shift += 7
            i += 1
            if data[i - 1] < 128:
                return value, i
    i = 0
    while i < len(data):
        tag, i = varint(i)
        value, i = varint(i)
        if tag & 7 == 2:
            value, i = data[i:i + value], i + value
        yield tag >> 3, value


def numbers(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield value
            value = shift = 0


def identities(path):
    """{kind: [frames, of these with an identity]} of the samples of a profile, kind kernel or user; what is called like its
    file alone, or lies in none, has none."""
    strings, mappings, functions, locations, samples = [], {}, {}, {}, []
    for number, value in fields(gzip.open(path).read()):
        if number == 6:
            strings.append(value.decode())
        elif number in (2, 3, 4, 5):
            m = {}
            for n, v in fields(value):
                m.setdefault(n, v)
            if number == 2:
                samples.append((list(numbers(m[1])), next(numbers(m[2]))))
            else:
                (mappings, locations, functions)[number - 3][m[1]] = m
    kinds = {}
    for i, l in locations.items():
        name = strings[functions[dict(fields(l[4]))[1]].get(2, 0)] if 4 in l else ""
        bare = not name or name.startswith("[") and name.endswith("]")
        file = strings[mappings[l[2]].get(5, 0)] if 2 in l else None
        if file is not None or name == "[unmapped]":
            kinds[i] = "kernel" if (file or "").startswith("[kernel") else "user", not bare
    frames = {"user": [0, 0], "kernel": [0, 0]}
    for stack, count in samples:
        for i in stack:
            if i in kinds:
                kind, known = kinds[i]
                frames[kind][0] += count
                frames[kind][1] += count * known
    return frames


def names(program, load_program, seconds):
    load = Load.mixed(load_program, False)
    d = Daemon(program, 86400, 49)
    cost = []
    for _ in range(2):
        time.sleep(seconds)
        d.run_ctl("rotate")
        cost.append(d.status()["worker_names_ms"])
    frames = identities(max(glob.glob(f"{d.folder}/spool/cpu-*.pb.gz")))
    d.end()
    load.end()
    for kind, target in (("user", 95), ("kernel", 99)):
        nr, known = frames[kind]
        figure(f"{kind} frames with an identity", f"{100 * known / max(nr, 1):.2f} % of {nr}", f"at least {target} %")
    figure("names of the second window", f"{cost[1]:.2f} ms after {cost[0]:.1f} ms: 1/{cost[0] / max(cost[1], 0.01):.1f}",
           "at most 1/10")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    verb, a = sys.argv[1], sys.argv[2:]
    if verb == "compare":
        compare(a[0], a[1], float(a[2]), int(a[3]), a[4:])
    elif verb in ("accounting", "names", "naps"):
        globals()[verb](a[0], a[1], float(a[2]))
    elif verb == "slowdown":
        slowdown(a[0], a[1], int(a[2]), float(a[3]))
    elif verb == "ways":
        ways(a[0], a[1], int(a[2]))
    elif verb == "start":
        start(a[0], int(a[1]))
    else:
        sys.exit(__doc__)


main()
