libpprofd_a_SOURCES += \
	%reldir%/event.c %reldir%/event.h \
	%reldir%/merge.c %reldir%/merge.h \
	%reldir%/record.c %reldir%/record.h \
	%reldir%/ring.c %reldir%/ring.h
