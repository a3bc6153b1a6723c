libpprofd_a_SOURCES += \
	%reldir%/compact.c %reldir%/compact.h \
	%reldir%/extents.c %reldir%/extents.h \
	%reldir%/format.h \
	%reldir%/kernel.h \
	%reldir%/mirror.c %reldir%/mirror.h %reldir%/mirror_impl.h \
	%reldir%/mirror_pages.c \
	%reldir%/stack.c %reldir%/stack.h \
	%reldir%/step.h \
	%reldir%/table.c %reldir%/table.h
