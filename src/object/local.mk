libpprofd_a_SOURCES += %reldir%/elf.c %reldir%/elf.h
libpprofd_a_SOURCES += %reldir%/kallsyms.c %reldir%/kallsyms.h
libpprofd_a_SOURCES += %reldir%/kallsyms_table.c %reldir%/kallsyms_table.h
libpprofd_a_SOURCES += %reldir%/radix.c %reldir%/radix.h
libpprofd_a_SOURCES += %reldir%/strings.c %reldir%/strings.h
libpprofd_a_SOURCES += %reldir%/symtab.c %reldir%/symtab.h
libpprofd_a_SOURCES += %reldir%/cfi.c %reldir%/cfi.h %reldir%/cfi_impl.h
libpprofd_a_SOURCES += %reldir%/cfi_entry.c %reldir%/cfi_exec.c %reldir%/cfi_expr.c %reldir%/dwarf_cfa.h
libpprofd_a_SOURCES += %reldir%/cfi_go.c %reldir%/cfi_page.c
libpprofd_a_SOURCES += %reldir%/blocks.c %reldir%/blocks.h
libpprofd_a_SOURCES += %reldir%/fde.c %reldir%/fde.h
libpprofd_a_SOURCES += %reldir%/object_id.h
libpprofd_a_SOURCES += %reldir%/line.c %reldir%/line.h
libpprofd_a_SOURCES += %reldir%/line_build.c %reldir%/line_build.h %reldir%/line_build_impl.h
libpprofd_a_SOURCES += %reldir%/line_encode.c
libpprofd_a_SOURCES += %reldir%/line_rows.c
libpprofd_a_SOURCES += %reldir%/line_walk.c
libpprofd_a_SOURCES += %reldir%/dwarf.h %reldir%/dwarf_constants.h
libpprofd_a_SOURCES += %reldir%/dwarf_abbrev.c
libpprofd_a_SOURCES += %reldir%/dwarf_alt.c %reldir%/dwarf_alt.h
libpprofd_a_SOURCES += %reldir%/dwarf_form.c
libpprofd_a_SOURCES += %reldir%/dwarf_info.c
libpprofd_a_SOURCES += %reldir%/dwarf_line.c %reldir%/dwarf_line.h
libpprofd_a_SOURCES += %reldir%/dwarf_ranges.c
libpprofd_a_SOURCES += %reldir%/dwarf_section.c %reldir%/dwarf_section.h
libpprofd_a_SOURCES += %reldir%/gopclntab.c %reldir%/gopclntab.h %reldir%/gopclntab_impl.h
libpprofd_a_SOURCES += %reldir%/gopclntab_frames.c %reldir%/gopclntab_scan.c
libpprofd_a_SOURCES += %reldir%/jitmap.c %reldir%/jitmap.h
libpprofd_a_SOURCES += %reldir%/minidebug.h
if LZMA
libpprofd_a_SOURCES += %reldir%/minidebug.c
AM_CPPFLAGS += $(LZMA_CFLAGS)
pprofd_libs += $(LZMA_LIBS)
else
libpprofd_a_SOURCES += %reldir%/minidebug_none.c
endif
