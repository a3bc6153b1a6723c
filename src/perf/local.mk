libpprofd_a_SOURCES += \
	%reldir%/event.c %reldir%/event.h \
	%reldir%/leak.c %reldir%/leak.h \
	%reldir%/merge.c %reldir%/merge.h \
	%reldir%/record.c %reldir%/record.h \
	%reldir%/record_sample.c %reldir%/record_sample.h \
	%reldir%/ring.c %reldir%/ring.h
libpprofd_a_SOURCES += \
	%reldir%/perfdata.c %reldir%/perfdata.h %reldir%/perfdata_impl.h \
	%reldir%/perfdata_attr.c \
	%reldir%/perfdata_each.c \
	%reldir%/perfdata_frame.c \
	%reldir%/perfdata_header.c \
	%reldir%/perfdata_sample.c \
	%reldir%/unzstd.h
if ZSTD
libpprofd_a_SOURCES += %reldir%/unzstd.c
AM_CPPFLAGS += $(ZSTD_CFLAGS)
pprofd_libs += $(ZSTD_LIBS)
else
libpprofd_a_SOURCES += %reldir%/unzstd_none.c
endif
