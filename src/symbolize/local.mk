libpprofd_a_SOURCES += %reldir%/object_cache.c %reldir%/object_cache.h
libpprofd_a_SOURCES += %reldir%/debug_file.c %reldir%/debug_file.h
libpprofd_a_SOURCES += %reldir%/object_samples.c %reldir%/object_samples.h
libpprofd_a_SOURCES += %reldir%/demangle.h
libpprofd_a_SOURCES += %reldir%/name_table.c %reldir%/name_table.h
libpprofd_a_SOURCES += %reldir%/simplify.c %reldir%/simplify.h
libpprofd_a_SOURCES += %reldir%/symbolize.c %reldir%/symbolize.h
libpprofd_a_SOURCES += %reldir%/symbolizer.c %reldir%/symbolize_object.c %reldir%/symbolize_impl.h
libpprofd_a_SOURCES += %reldir%/vdso.c %reldir%/vdso.h
if DEMANGLE
libpprofd_a_SOURCES += %reldir%/demangle.c
else
libpprofd_a_SOURCES += %reldir%/demangle_none.c
endif
libpprofd_a_SOURCES += %reldir%/levels.c %reldir%/levels.h
libpprofd_a_SOURCES += %reldir%/naming.c %reldir%/naming.h
libpprofd_a_SOURCES += %reldir%/identify.c %reldir%/identify.h
libpprofd_a_SOURCES += %reldir%/seen.c %reldir%/seen.h
libpprofd_a_SOURCES += %reldir%/lines.c %reldir%/lines.h %reldir%/lines_fill.c %reldir%/lines_impl.h
libpprofd_a_SOURCES += %reldir%/line_builder.c %reldir%/line_builder.h
