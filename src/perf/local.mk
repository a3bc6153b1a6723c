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
	%reldir%/perfdata_sample.c
