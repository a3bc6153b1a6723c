# Benchmarks: built and run by hand or by `make bench`, never part of check.
EXTRA_PROGRAMS += bench/bench_replay
bench_bench_replay_LDADD = $(pprofd_libs)
EXTRA_PROGRAMS += bench/bench_names
bench_bench_names_LDADD = $(pprofd_libs)
EXTRA_DIST += bench/names.sh bench/lines.sh
EXTRA_DIST += bench/run.sh
EXTRA_PROGRAMS += bench/load
bench_load_SOURCES = bench/load.c
bench_load_CFLAGS = $(AM_CFLAGS) -fomit-frame-pointer
EXTRA_DIST += bench/host.py
EXTRA_DIST += bench/mixed

# What `make bench` runs, one line each; `make bench BENCH=full` in their long forms. host.py:VERB and targets.py:VERB need root.
bench_runs =
bench_runs += bench/bench_replay
bench_runs += bench/names.sh
bench_runs += bench/lines.sh
bench_runs += bench/host.py:start
bench_runs += bench/host.py:accounting
bench_runs += bench/host.py:names
bench_runs += bench/host.py:naps
bench_runs += bench/host.py:compare
bench_runs += bench/host.py:slowdown
bench_runs += bench/host.py:ways

.PHONY: bench
bench: all $(EXTRA_PROGRAMS) tests/lines tests/names
	@top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; export top_srcdir top_builddir; \
		BENCH='$(BENCH)'; export BENCH; $(SHELL) $(srcdir)/bench/run.sh $(bench_runs)
EXTRA_PROGRAMS += bench/bench_profile
bench_bench_profile_LDADD = $(pprofd_libs)
bench_runs += bench/bench_profile
EXTRA_PROGRAMS += bench/bench_unwind
bench_bench_unwind_LDADD = $(pprofd_libs)
bench_runs += bench/unwind.sh
bench_runs += bench/walker.sh
EXTRA_PROGRAMS += bench/bench_walker
bench_bench_walker_SOURCES = tests/live/walkers.c
bench_bench_walker_LDADD = $(pprofd_libs)
EXTRA_DIST += bench/walker.sh
EXTRA_DIST += bench/unwind.sh

.PHONY: benches
benches: $(EXTRA_PROGRAMS)
bench_runs += bench/targets.py:attach
bench_runs += bench/targets.py:clock
bench_runs += bench/targets.py:pingpong
bench_runs += bench/targets.py:chain
EXTRA_DIST += bench/targets.py
