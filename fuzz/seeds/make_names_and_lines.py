#!/usr/bin/env python3
"""Writes the seeds of fuzz_config, fuzz_control_line and fuzz_spool_name beside itself."""
import os

here = os.path.dirname(os.path.abspath(__file__))

CONFIG = [
    "", "\n", "# only\n; comments", "\ufeff[Sampler]\nScope=none\n",
    "[Sampler]\r\nScope=host\r\nEvents=cpu\r\n", "[Sampler]\nEvents = cycles cpu\nSampleFrequency=997\n",
    "[Sampler]\nCallChain=kernel\nRingSize=1M\nExcludeIdle=no\n", "[Profile]\nWindow=5min 30s\nMaxMemory=128M\n",
    "[Profile]\nLabels=\n", "[Profile]\nLabels=unit container_id  pid\t# why\n",
    "[Symbols]\nSymbolize=no\nCacheSize=1G\n", "[Spool]\nDirectory=/srv/pro files\nMaxUse=10%\nKeepFree=\n",
    "[Spool]\nMaxFiles=1000\nMaxRetentionSec=1w 2d 3h 4min 5s 6ms 7us\n", "[Spool]\nSyncFiles=no\nCompressLevel=1\n",
    "[Control]\nSocket=/tmp/s\n", "[Spool]\n[Control]\n[Spool]\nMaxFiles=\n", "[Bogus]\nKey=1\n", "[Sampler\n",
    "Scope=host\n", "[Sampler]\nScope=host\nScope=host\n", "[Sampler]\nScope=host\n  SampleFrequency=1\n",
    "[Sampler]\nScope: host\n", "[Sampler]\nScope\n", "[Sampler]\n=\n", "[Spool]\nDirectory=/" + "x" * 200 + "\n",
    "[Spool]\nMaxUse=18446744073709551616\n", "[Profile]\nWindow=99999999999999999999w\n",
    "[Spool]\nDirectory=/a\0b\n", "[Spool]\nDirectory=/\x07\n", "[" + "S" * 60 + "]\n", "[Sampler]]\n",
    "[Spool]\nMaxUse=4K ; least\nKeepFree=100%\n", "[Spool]\nDirectory=/ü\n",
    "[Sampler]\nSampleFrequency=0\n", "[Sampler]\nExcludeIdle=maybe\n", "[Sampler]\nScope=some\n",
    "[Sampler]\nEvents=cpu cpu\n", "[Sampler]\nEvents=\n", "[Sampler]\nEvents=page_faults\n",
    "[Sampler]\nRingSize=96K\n", "[Sampler]\nRingSize=1T\n", "[Sampler]\nScope=\n", "[Profile]\nWindow=2d\n",
    "[Control]\nSocket=/" + "s" * 120 + "\n", "[Control]\nSocket=s\n", "[Spool]\nMaxFiles=x\n",
    "# " + "long " * 100 + "\n[Spool]\n",
]
LINES = [
    "", " ", "\t", "status", "status --json", "rotate", "reload", "  status  ", "status\t--symbols",
    "record -p 1 -d 10 -F 99 -o -", "vacuum", "list --since 2026-11-22", "a" * 511, "a " * 31, "a " * 32, "a " * 250,
    "status\r", "\x01", "stat\x7fus", "grüße", "\ud800".encode("utf-8", "surrogatepass"), b"\xff\xfe", b"a\0b",
    b"cut \xc3", "status\nrotate\n",
]
NAMES = [
    "", ".", "cpu-20261122T180000Z-60s.pb.gz", "cpu-20261122T180000Z-60s-1.pb.gz",
    "cycles@web-20261122T180000Z-5s.pb.gz", "off_cpu@a-b_C-9-20261122T180000Z-0s-4294967295.pb.gz",
    "cpu@x-20261122T180000Z-60s-20261122T180000Z-60s.pb.gz", "cpu@--19700101T000000Z-4294967295s.pb.gz",
    "cpu-99991231T235959Z-60s.pb.gz", "cpu-20240229T000000Z-60s.pb.gz", "cpu-20230229T000000Z-60s.pb.gz",
    "cpu-20261122T180060Z-60s.pb.gz", "cpu-00000000T000000Z-60s.pb.gz", "cpu-20261122T180000Z-060s.pb.gz",
    "cpu-20261122T180000Z-4294967296s.pb.gz", "cpu-20261122T180000Z-60s-0.pb.gz",
    ".cpu-20261122T180000Z-60s.pb.gz.tmp", "@-20261122T180000Z-60s.pb.gz", "cpu@-20261122T180000Z-60s.pb.gz",
    "---.pb.gz", ".pb.gz", "cpu-20261122T180000Z-s.pb.gz", "c" * 31 + "@" + "T" * 32 + "-20261122T180000Z-60s.pb.gz",
    "c" * 32 + "-20261122T180000Z-60s.pb.gz", "x" * 200 + ".pb.gz",
]

for target, seeds in (("config", CONFIG), ("control_line", LINES), ("spool_name", NAMES)):
    folder = os.path.join(here, target)
    os.makedirs(folder, exist_ok=True)
    for number, seed in enumerate(seeds):
        with open(os.path.join(folder, "%02d" % number), "wb") as file:
            file.write(seed.encode() if isinstance(seed, str) else seed)
