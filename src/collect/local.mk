libpprofd_a_SOURCES += \
	%reldir%/asks.h \
	%reldir%/cache.c %reldir%/cache.h \
	%reldir%/chain.c \
	%reldir%/collect.c %reldir%/collect.h \
	%reldir%/counters.c %reldir%/counters.h \
	%reldir%/kernel.c \
	%reldir%/labels.c %reldir%/labels.h \
	%reldir%/resolve.c %reldir%/resolve.h \
	%reldir%/sample.c %reldir%/sample.h \
	%reldir%/stack.h \
	%reldir%/state.h \
	%reldir%/wait.c %reldir%/wait.h \
	%reldir%/walk.c %reldir%/walk.h \
	%reldir%/window.c %reldir%/window.h
