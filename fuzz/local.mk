# A target is one line here, `fuzz_targets += fuzz/fuzz_NAME`, its source fuzz/fuzz_NAME.c, and at
# least twenty seeds in fuzz/seeds/NAME/. `make check` replays the seeds with any compiler; with
# --enable-fuzzing (CC=clang) the same sources link with libFuzzer: `fuzz/fuzz_NAME CORPUS SEEDS`.
fuzz_targets =
fuzz_targets += fuzz/fuzz_opener_maps
fuzz_targets += fuzz/fuzz_cfi
fuzz_targets += fuzz/fuzz_cfi_code
fuzz_targets += fuzz/fuzz_x86
fuzz_targets += fuzz/fuzz_unwind_page
fuzz_targets += fuzz/fuzz_unwind_compact
fuzz_targets += fuzz/fuzz_worker_pages
fuzz_targets += fuzz/fuzz_unwind_stack
fuzz_targets += fuzz/fuzz_worker_window
fuzz_targets += fuzz/fuzz_worker_answer
fuzz_targets += fuzz/fuzz_mountinfo
fuzz_targets += fuzz/fuzz_opener_answer
fuzz_targets += fuzz/fuzz_opener_request
fuzz_targets += fuzz/fuzz_perf_record
fuzz_targets += fuzz/fuzz_config
fuzz_targets += fuzz/fuzz_control_line
fuzz_targets += fuzz/fuzz_spool_name
fuzz_targets += fuzz/fuzz_perf_ring
fuzz_targets += fuzz/fuzz_proc_maps
fuzz_targets += fuzz/fuzz_proc_stat
fuzz_targets += fuzz/fuzz_profile
fuzz_targets += fuzz/fuzz_perfdata
fuzz_targets += fuzz/fuzz_replay

fuzz_targets += fuzz/fuzz_debuglink
fuzz_targets += fuzz/fuzz_demangle
fuzz_targets += fuzz/fuzz_elf
fuzz_targets += fuzz/fuzz_fde
fuzz_targets += fuzz/fuzz_gopclntab
fuzz_targets += fuzz/fuzz_plt
fuzz_targets += fuzz/fuzz_hotspot
fuzz_targets += fuzz/fuzz_jitdump
fuzz_targets += fuzz/fuzz_jitmap
fuzz_targets += fuzz/fuzz_kallsyms
fuzz_targets += fuzz/fuzz_dwarf
fuzz_targets += fuzz/fuzz_dwarf_line
fuzz_targets += fuzz/fuzz_line_index

if FUZZING
noinst_PROGRAMS += $(fuzz_targets)
AM_LDFLAGS += $(FUZZ_LDFLAGS)
else
# In an archive that LDADD names: it is linked only where there is no other main().
check_LIBRARIES += fuzz/libdriver.a
fuzz_libdriver_a_SOURCES = fuzz/driver.c
fuzz_driver = fuzz/libdriver.a
check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
endif
EXTRA_DIST += fuzz/seeds fuzz/parsers

.PHONY: fuzz-targets
fuzz-targets: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(fuzz_targets)
