libpprofd_a_SOURCES += \
	%reldir%/client.c %reldir%/client.h \
	%reldir%/protocol.c %reldir%/protocol.h \
	%reldir%/window.c %reldir%/window.h \
	%reldir%/worker.c %reldir%/worker.h
