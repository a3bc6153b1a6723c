libpprofd_a_SOURCES += \
	%reldir%/attach.c %reldir%/attach.h \
	%reldir%/client.c %reldir%/client.h \
	%reldir%/hotspot.c %reldir%/hotspot.h \
	%reldir%/hotspot_text.c \
	%reldir%/protocol.h
