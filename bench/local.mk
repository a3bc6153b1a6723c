# Benchmarks: built and run by hand or by `make bench`, never part of check.
EXTRA_PROGRAMS += bench/bench_replay
bench_bench_replay_LDADD = $(pprofd_libs)
EXTRA_PROGRAMS += bench/bench_names
bench_bench_names_LDADD = $(pprofd_libs)
EXTRA_DIST += bench/names.sh
EXTRA_DIST += bench/run.sh

# What `make bench` runs, one line each; `make bench BENCH=full` in their long forms.
bench_runs =
bench_runs += bench/bench_replay
bench_runs += bench/names.sh

.PHONY: bench
bench: $(EXTRA_PROGRAMS)
	@top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; export top_srcdir top_builddir; \
		BENCH='$(BENCH)'; export BENCH; $(SHELL) $(srcdir)/bench/run.sh $(bench_runs)
EXTRA_PROGRAMS += bench/bench_profile
bench_bench_profile_LDADD = $(pprofd_libs)
bench_runs += bench/bench_profile
EXTRA_PROGRAMS += bench/bench_unwind
bench_bench_unwind_LDADD = $(pprofd_libs)
