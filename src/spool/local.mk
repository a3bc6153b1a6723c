libpprofd_a_SOURCES += \
	%reldir%/internal.h \
	%reldir%/names.c \
	%reldir%/prune.c \
	%reldir%/spool.c %reldir%/spool.h \
	%reldir%/thread.c %reldir%/thread.h
