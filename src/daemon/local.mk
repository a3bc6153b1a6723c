libpprofd_a_SOURCES += \
	%reldir%/asks.c %reldir%/asks.h \
	%reldir%/clock.h %reldir%/daemon.h \
	%reldir%/match.c %reldir%/match.h \
	%reldir%/members.c %reldir%/members.h \
	%reldir%/target.h %reldir%/target_cgroup.c \
	%reldir%/target_follow.c %reldir%/target_thread.c \
	%reldir%/targets.c %reldir%/targets.h \
	%reldir%/kernel.c %reldir%/kernel.h \
	%reldir%/notify.c %reldir%/notify.h \
	%reldir%/objects.c %reldir%/objects.h \
	%reldir%/privileges.c %reldir%/privileges.h \
	%reldir%/rotate.c %reldir%/rotate.h \
	%reldir%/sampler.c %reldir%/sampler.h \
	%reldir%/scan.c %reldir%/scan.h \
	%reldir%/service.c %reldir%/service.h \
	%reldir%/verbs.c
dist_man_MANS += man/pprofd.8
