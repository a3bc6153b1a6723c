libpprofd_a_SOURCES += \
	%reldir%/client.c %reldir%/client.h \
	%reldir%/connection.c %reldir%/internal.h \
	%reldir%/protocol.h \
	%reldir%/request.c \
	%reldir%/server.c %reldir%/server.h
