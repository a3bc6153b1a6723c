libpprofd_a_SOURCES += \
	%reldir%/record.c %reldir%/record.h
