libpprofd_a_SOURCES += \
	%reldir%/calls.c %reldir%/calls.h \
	%reldir%/folded.c \
	%reldir%/frames.c %reldir%/frames.h \
	%reldir%/top.c \
	%reldir%/tree.c \
	%reldir%/values.c %reldir%/values.h \
	%reldir%/view.h
