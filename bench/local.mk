# Benchmarks: built and run by hand or by `make bench`, never part of check.
EXTRA_PROGRAMS += bench/bench_replay
bench_bench_replay_LDADD = $(pprofd_libs)
