# What the kernel runs: compiled by clang for its own machine, wrapped as a header by bpftool. Its headers are its own parts.
bpf_sources = \
	%reldir%/unwind.bpf.c \
	%reldir%/code.h \
	%reldir%/end.h \
	%reldir%/maps.h \
	%reldir%/read.h \
	%reldir%/vmlinux.h
EXTRA_DIST += $(bpf_sources)
if BPF
BUILT_SOURCES += %reldir%/unwind.skel.h
CLEANFILES += %reldir%/unwind.skel.h %reldir%/unwind.bpf.o %reldir%/unwind.tmp.o

src/daemon/walker_load.$(OBJEXT): %reldir%/unwind.skel.h
%reldir%/unwind.skel.h: $(bpf_sources) src/unwind/format.h src/unwind/kernel.h src/unwind/step.h
	$(AM_V_GEN)$(MKDIR_P) %reldir% && \
	$(CLANG) -target bpf -mcpu=v2 -O2 -g -Wall -Wno-unused-function -I$(top_srcdir)/src $(LIBBPF_CFLAGS) \
		-c $(srcdir)/%reldir%/unwind.bpf.c -o %reldir%/unwind.tmp.o && \
	$(BPFTOOL) gen object %reldir%/unwind.bpf.o %reldir%/unwind.tmp.o && \
	$(BPFTOOL) gen skeleton %reldir%/unwind.bpf.o name unwind_bpf >$@.tmp && mv $@.tmp $@
endif
