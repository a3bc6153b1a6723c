libpprofd_a_SOURCES += \
	%reldir%/format.h \
	%reldir%/stack.c %reldir%/stack.h \
	%reldir%/table.c %reldir%/table.h
