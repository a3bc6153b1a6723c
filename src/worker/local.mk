libpprofd_a_SOURCES += \
	%reldir%/client.c %reldir%/client.h \
	%reldir%/pages.c %reldir%/pages.h \
	%reldir%/pages_client.c \
	%reldir%/process.c %reldir%/process.h \
	%reldir%/protocol.h \
	%reldir%/protocol_pages.c %reldir%/protocol_pages.h \
	%reldir%/protocol_window.c %reldir%/protocol_window.h \
	%reldir%/symbols.c %reldir%/symbols.h \
	%reldir%/window.c %reldir%/window.h \
	%reldir%/worker.c %reldir%/worker.h
