libpprofd_a_SOURCES += \
	%reldir%/cli.c %reldir%/cli.h \
	%reldir%/answer.h \
	%reldir%/daemon.c \
	%reldir%/convert.c \
	%reldir%/folded.c \
	%reldir%/live.c %reldir%/live.h \
	%reldir%/list.c \
	%reldir%/merge.c \
	%reldir%/output.c %reldir%/output.h \
	%reldir%/read.c \
	%reldir%/command.c %reldir%/command.h \
	%reldir%/record.c %reldir%/record.h \
	%reldir%/record_daemon.c \
	%reldir%/record_standalone.c \
	%reldir%/select.c %reldir%/select.h \
	%reldir%/show.c %reldir%/show.h \
	%reldir%/symbolize.c \
	%reldir%/threads.c \
	%reldir%/top.c \
	%reldir%/tree.c \
	%reldir%/vacuum.c
bin_PROGRAMS += pprofctl
pprofctl_SOURCES = src/pprofctl.c
pprofctl_LDADD = $(pprofd_libs)
dist_man_MANS += man/pprofctl.1
