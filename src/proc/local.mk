libpprofd_a_SOURCES += \
	%reldir%/cgroup.c \
	%reldir%/fill.c %reldir%/fill.h \
	%reldir%/life.c %reldir%/life.h \
	%reldir%/maps.c \
	%reldir%/merge.c \
	%reldir%/names.c \
	%reldir%/process.c %reldir%/process.h \
	%reldir%/procfs.c %reldir%/procfs.h \
	%reldir%/roster.c \
	%reldir%/space.c %reldir%/space.h \
	%reldir%/table.h
