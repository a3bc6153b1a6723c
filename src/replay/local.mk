libpprofd_a_SOURCES += \
	%reldir%/debug.c \
	%reldir%/files.c \
	%reldir%/impl.h \
	%reldir%/kernel.c \
	%reldir%/kind.c \
	%reldir%/names.c \
	%reldir%/replay.c %reldir%/replay.h \
	%reldir%/search.c %reldir%/search.h \
	%reldir%/stored.c %reldir%/stored.h \
	%reldir%/unwind.c
libpprofd_a_SOURCES += \
	%reldir%/recorder.c %reldir%/recorder.h %reldir%/recorder_impl.h \
	%reldir%/recorder_events.c \
	%reldir%/recorder_world.c
