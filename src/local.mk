# One archive of everything but the two main()s: what the programs, tests, fuzzers and benches link.
noinst_LIBRARIES += libpprofd.a
libpprofd_a_SOURCES =
pprofd_libs = libpprofd.a $(LIBBPF_LIBS) $(LIBELF_LIBS) $(ZLIB_LIBS) $(INIH_LIBS) $(IBERTY_LIBS) $(LIBCAP_LIBS)

include src/base/local.mk
include src/perf/local.mk
include src/profile/local.mk
include src/opener/local.mk
include src/attach/local.mk
include src/fetch/local.mk
include src/object/local.mk
include src/proc/local.mk
include src/spool/local.mk
include src/config/local.mk
include src/collect/local.mk
include src/worker/local.mk
include src/view/local.mk
include src/cli/local.mk
include src/control/local.mk
include src/symbolize/local.mk
include src/daemon/local.mk
include src/unwind/local.mk
include src/bpf/local.mk

sbin_PROGRAMS += pprofd
pprofd_SOURCES = %reldir%/pprofd.c
pprofd_LDADD = $(pprofd_libs)
include src/replay/local.mk
