libpprofd_a_SOURCES += \
	%reldir%/files.c \
	%reldir%/impl.h \
	%reldir%/kernel.c \
	%reldir%/kind.c \
	%reldir%/names.c \
	%reldir%/replay.c %reldir%/replay.h \
	%reldir%/unwind.c
