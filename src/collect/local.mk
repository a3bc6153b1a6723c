libpprofd_a_SOURCES += \
	%reldir%/chain.c \
	%reldir%/collect.c %reldir%/collect.h \
	%reldir%/counters.c %reldir%/counters.h \
	%reldir%/kernel.c \
	%reldir%/labels.c \
	%reldir%/resolve.c \
	%reldir%/state.h \
	%reldir%/wait.c %reldir%/walk.c \
	%reldir%/window.c
