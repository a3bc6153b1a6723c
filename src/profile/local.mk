libpprofd_a_SOURCES += \
	%reldir%/bracket.c %reldir%/bracket.h \
	%reldir%/decode.c %reldir%/decode.h \
	%reldir%/encode.c %reldir%/encode.h \
	%reldir%/ids.c %reldir%/ids.h \
	%reldir%/label.c \
	%reldir%/merge.c %reldir%/merge.h \
	%reldir%/profile.c %reldir%/profile.h \
	%reldir%/read.c \
	%reldir%/wire.c %reldir%/wire.h
