"""cfi_oracle ROWS FILE [SAME WRONG]: compares what cfi_rows printed of FILE with readelf --debug-dump=frames-interp.

Every row of every function must be the same. readelf says
"exp" for every expression, so there only the kind can be compared. Prints a summary line; every
difference is an error line and makes the exit status 1. With SAME and WRONG the rows are of the same code without its
unwind information: at least SAME percent of FILE's must be so, and at most WRONG percent be another, the rest unknown."""
import bisect
import re
import subprocess
import sys

EXPRESSIONS = ("plt", "*sp", "*fp", "signal", "unsupported")


def parse(path):
    """Functions: (start, end, [(address, cfa, rbp, ra)]), from readelf's text: those of .debug_frame are for
    code of which .eh_frame says nothing."""
    text = subprocess.run(["readelf", "-W", "--debug-dump=frames-interp", path], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    cies, fdes, rows, columns, debug = {}, [], None, [], False
    for line in text.splitlines():
        if not line:
            continue
        if "Contents of the" in line:
            cies = {}
            debug = ".debug_frame" in line
        head = re.match(r"([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ (CIE|FDE)(.*)", line)
        if head:
            rows = []
            columns = []
            if head[2] == "CIE":
                cies[int(head[1], 16)] = rows
            else:
                fde = re.search(r"cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.([0-9a-f]+)", head[3])
                fdes.append((int(fde[2], 16), int(fde[3], 16), rows, cies[int(fde[1], 16)], debug))
        elif line.lstrip().startswith("LOC"):
            columns = line.split()
        elif rows is not None and columns and re.match(r"[0-9a-f]{16} ", line):
            cells = dict(zip(columns, re.sub(r" \(\w+\)", "", line).split()))
            rows.append((int(cells["LOC"], 16), cells["CFA"], cells.get("rbp", "u"), cells["ra"]))
    first = sorted((fde[0], fde[1]) for fde in fdes if not fde[4])
    out = []
    for start, end, own, cie, debug in fdes:
        i = bisect.bisect_left(first, (end, 0))
        if debug and i and first[i - 1][1] > start:
            continue
        if not own:
            own = [(start,) + cie[0][1:]]
        by_address = {row[0]: row for row in own}  # of several for one address the last counts
        out.append((start, end, sorted(by_address.values())))
    return sorted(out, key=lambda f: f[0])


def expected(cfa, rbp, ra):
    """The CFA that cfi_rows should print and the frame pointers that would do; None: any."""
    if ra == "u":
        return "end", None
    if "exp" in (cfa, rbp, ra):
        return "exp", None
    if ra != "c-8" or not re.fullmatch(r"(rsp|rbp)[+-]\d+", cfa):
        return "unsupported", None
    if rbp in ("u", "s"):
        fp = ("same", "lost")
    elif rbp.startswith("c"):
        fp = (rbp,)
    else:
        fp = ("lost",)
    return cfa[1] + "p" + cfa[3:] if cfa.startswith("rs") else "fp" + cfa[3:], fp


class Checker:
    def __init__(self, rows_path):
        self.rows = []
        with open(rows_path) as f:
            for line in f:
                address, cfa, fp = line.split(maxsplit=2)
                self.rows.append((int(address, 16), cfa, fp.strip()))
        self.starts = [row[0] for row in self.rows]
        self.nr = self.expressions = self.unsupported = self.differ = 0

    def at(self, address):
        i = bisect.bisect_right(self.starts, address) - 1
        return (i,) + self.rows[i] if i >= 0 else (i, 0, "none", "same")

    def report(self, address, have, want):
        self.differ += 1
        if self.differ <= 20:
            print(f"{address:x}: have {have}, want {want}")

    def check_row(self, address, end, row):
        i, _, cfa, fp = self.at(address)
        want_cfa, want_fp = expected(*row[1:])
        self.nr += 1
        self.unsupported += cfa == "unsupported"
        if want_cfa == "exp":
            self.expressions += 1
            # fp at an expression of its own, CFA not: the row says both.
            if not cfa.startswith(EXPRESSIONS) and not fp.startswith(("s", "f")):
                self.report(address, (cfa, fp), row)
        elif cfa != want_cfa or (want_fp and fp.replace(" trampoline", "") not in want_fp):
            self.report(address, (cfa, fp), row)
        # Nothing else may begin before the next row.
        if i + 1 < len(self.rows) and address < self.starts[i + 1] < end:
            self.report(self.starts[i + 1], self.rows[i + 1], row)


def compare_code(check, functions, same_least, wrong_most):
    """A rule by the other register may be as right: it counts for neither."""
    nr = same = wrong = 0
    for start, _, rows in functions:
        for row in rows:
            want, _ = expected(*row[1:])
            if want in ("exp", "unsupported"):
                continue
            have = check.at(row[0])[2]
            nr += 1
            same += have == want
            if have[:2] == want[:2] and have != want:
                wrong += 1
                if wrong <= 5:
                    print(f"{row[0]:x} of {start:x}: have {have}, want {want}")
    print(f"{nr} rows: {100 * same / max(nr, 1):.2f} % the same, {100 * wrong / max(nr, 1):.2f} % wrong")
    return nr and same >= same_least * nr / 100 and wrong <= wrong_most * nr / 100


def main():
    check = Checker(sys.argv[1])
    functions = [f for f in parse(sys.argv[2]) if f[1] > f[0]]
    if len(sys.argv) > 3:
        sys.exit(not compare_code(check, functions, float(sys.argv[3]), float(sys.argv[4])))
    for i, (start, end, rows) in enumerate(functions):
        following = functions[i + 1][0] if i + 1 < len(functions) else end
        if following < end:
            end = following
        for k, row in enumerate(rows):
            row_end = rows[k + 1][0] if k + 1 < len(rows) else end
            if row[0] < end:
                check.check_row(row[0], min(row_end, end), row)
    print(f"{len(functions)} functions, {check.nr} rows: {check.expressions} by expression, "
          f"{check.unsupported} unsupported, {check.differ} differ")
    if not functions or check.differ:
        sys.exit(1)


main()
