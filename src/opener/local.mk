libpprofd_a_SOURCES += \
	%reldir%/client.c %reldir%/client.h \
	%reldir%/debug.c %reldir%/debug.h \
	%reldir%/file.c %reldir%/file.h \
	%reldir%/jit.c %reldir%/jit.h \
	%reldir%/mapped.c %reldir%/mapped.h \
	%reldir%/mounts.c %reldir%/mounts.h \
	%reldir%/opener.c %reldir%/opener.h \
	%reldir%/protocol.c %reldir%/protocol.h \
	%reldir%/serve.c %reldir%/serve.h
