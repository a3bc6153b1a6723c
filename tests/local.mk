# Programs have no extension, scripts end in .test; both speak TAP.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TEST_LOG_DRIVER = $(LOG_DRIVER)
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/tap.sh
EXTRA_DIST += tests/tap.sh
TEST_EXTENSIONS = .test
AM_TESTS_ENVIRONMENT = top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; CC='$(CC)'; \
	CMOCKA_MESSAGE_OUTPUT=TAP; export top_srcdir top_builddir CC CMOCKA_MESSAGE_OUTPUT;

# One program per module, tests/unit/NAME.c: automake finds the source by the program's name.
LDADD = $(fuzz_driver) $(pprofd_libs) $(CMOCKA_LIBS)
unit_tests =
unit_tests += tests/unit/base
unit_tests += tests/unit/background
unit_tests += tests/unit/kernel
unit_tests += tests/unit/objects
unit_tests += tests/unit/debug_files
unit_tests += tests/unit/profile
unit_tests += tests/unit/view
unit_tests += tests/unit/cli
unit_tests += tests/unit/event
unit_tests += tests/unit/merge
unit_tests += tests/unit/record
unit_tests += tests/unit/ring
unit_tests += tests/unit/perfdata
unit_tests += tests/unit/replay
unit_tests += tests/unit/opener
unit_tests += tests/unit/attach
unit_tests += tests/unit/fetch_store
if CURL
unit_tests += tests/unit/fetch
endif
EXTRA_DIST += tests/unit/fetch_server.py
unit_tests += tests/unit/opener_hang
unit_tests += tests/unit/worker
unit_tests += tests/unit/kallsyms
unit_tests += tests/unit/symtab
unit_tests += tests/unit/elf
unit_tests += tests/unit/process
unit_tests += tests/unit/collect
unit_tests += tests/unit/config
unit_tests += tests/unit/control
unit_tests += tests/unit/control_parts
unit_tests += tests/unit/spool
unit_tests += tests/unit/spool_thread
unit_tests += tests/unit/units
unit_tests += tests/unit/collect_answers
unit_tests += tests/unit/collect_walk
unit_tests += tests/unit/worker_pages
EXTRA_DIST += tests/unit/collect_world.h tests/unit/control_test.h
unit_tests += tests/unit/maps_queue
unit_tests += tests/unit/procfs
unit_tests += tests/unit/symbolize
if DEMANGLE
unit_tests += tests/unit/demangle
endif
unit_tests += tests/unit/space
unit_tests += tests/unit/line
unit_tests += tests/unit/line_cache
unit_tests += tests/unit/lines
unit_tests += tests/unit/stored
unit_tests += tests/unit/symbols
unit_tests += tests/unit/jitdump
unit_tests += tests/unit/jitmap
unit_tests += tests/unit/targets
unit_tests += tests/unit/recording_words
unit_tests += tests/unit/unwind
unit_tests += tests/unit/mirror
unit_tests += tests/unit/cfi_code
if CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif

TESTS += tests/layers.test
EXTRA_DIST += tests/layers.test tests/unit/unit.h
EXTRA_DIST += tests/unit/opener_test.h tests/unit/worker_test.h
EXTRA_DIST += tests/elfgen.h
EXTRA_DIST += tests/fdegen.h tests/gogen.h tests/jitgen.h

TESTS += tests/pprof.test
check_PROGRAMS += tests/pprof_files
EXTRA_DIST += tests/pprof.test tests/profile.proto
tests_unit_symbolize_CPPFLAGS = $(AM_CPPFLAGS)
if DEMANGLE
tests_unit_symbolize_CPPFLAGS += -DDEMANGLE
endif
TESTS += tests/docs.test
EXTRA_DIST += tests/docs.test
TESTS += tests/cli.test
EXTRA_DIST += tests/cli.test

# Kills and full disks; the program that suffers them.
check_PROGRAMS += tests/spool_writer
TESTS += tests/spool_faults.test
EXTRA_DIST += tests/spool_faults.test
check_PROGRAMS += tests/replay/dump
TESTS += tests/replay.test
EXTRA_DIST += tests/replay.test tests/replay
# The folder is there twice, and what is built in one of them is not to be released.
dist-hook:
	rm -rf $(distdir)/tests/replay/dump $(distdir)/tests/replay/*.o $(distdir)/tests/replay/.d*
TESTS += tests/names.test
check_PROGRAMS += tests/names
EXTRA_DIST += tests/names.test
include tests/live/local.mk
check_PROGRAMS += tests/live/walkers
tests_live_walkers_LDADD = $(pprofd_libs)
check_PROGRAMS += tests/cfi_rows
TESTS += tests/cfi.test
EXTRA_DIST += tests/cfi.test tests/cfi_oracle.py
EXTRA_DIST += tests/fixtures/frames.c tests/fixtures/frames.S tests/fixtures/leaf.c tests/fixtures/throws.cc
TESTS += tests/debug.test
EXTRA_DIST += tests/debug.test
TESTS += tests/plt.test
EXTRA_DIST += tests/plt.test
TESTS += tests/x86.test
check_PROGRAMS += tests/x86
EXTRA_DIST += tests/x86.test
TESTS += tests/bounds.test
EXTRA_DIST += tests/bounds.test
unit_tests += tests/unit/fde
if LIBDW
check_PROGRAMS += tests/unwind_trace
tests_unwind_trace_CPPFLAGS = $(AM_CPPFLAGS) $(LIBDW_CFLAGS)
tests_unwind_trace_LDADD = $(pprofd_libs) $(LIBDW_LIBS)
endif
check_PROGRAMS += tests/unwind_steps
TESTS += tests/unwind.test
EXTRA_DIST += tests/unwind.test tests/traced.h tests/fixtures/steps.c tests/fixtures/churn.c
check_PROGRAMS += tests/lines
TESTS += tests/lines.test
EXTRA_DIST += tests/lines.test
unit_tests += tests/unit/gopclntab
TESTS += tests/go.test
EXTRA_DIST += tests/go.test
if LZMA
unit_tests += tests/unit/minidebug
TESTS += tests/minidebug.test
endif
EXTRA_DIST += tests/minidebug.test
