libpprofd_a_SOURCES += %reldir%/cache.c %reldir%/cache.h
libpprofd_a_SOURCES += %reldir%/demangle.h
libpprofd_a_SOURCES += %reldir%/names.c %reldir%/names.h
libpprofd_a_SOURCES += %reldir%/simplify.c %reldir%/simplify.h
libpprofd_a_SOURCES += %reldir%/symbolize.c %reldir%/symbolize.h
libpprofd_a_SOURCES += %reldir%/vdso.c %reldir%/vdso.h
if DEMANGLE
libpprofd_a_SOURCES += %reldir%/demangle.c
else
libpprofd_a_SOURCES += %reldir%/demangle_none.c
endif
