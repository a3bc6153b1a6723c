libpprofd_a_SOURCES += \
	%reldir%/accounts.c %reldir%/accounts.h \
	%reldir%/asks.c %reldir%/asks.h \
	%reldir%/maps_queue.c %reldir%/maps_queue.h \
	%reldir%/beat.c %reldir%/beat.h \
	%reldir%/bundle.c %reldir%/bundle.h \
	%reldir%/bundle_worker.c %reldir%/bundle_worker.h \
	%reldir%/clock.h %reldir%/daemon.h \
	%reldir%/debug_files.c %reldir%/debug_files.h \
	%reldir%/debuginfod.c %reldir%/debuginfod.h \
	%reldir%/java.c %reldir%/java.h \
	%reldir%/match.c %reldir%/match.h \
	%reldir%/members.c %reldir%/members.h \
	%reldir%/target.h %reldir%/target_cgroup.c \
	%reldir%/target_events.c %reldir%/target_life.c \
	%reldir%/target_follow.c %reldir%/target_thread.c \
	%reldir%/split.c %reldir%/split.h \
	%reldir%/targets.c %reldir%/targets.h \
	%reldir%/kernel.c %reldir%/kernel.h \
	%reldir%/line_cache.c %reldir%/line_cache.h \
	%reldir%/line_store.c %reldir%/line_store.h \
	%reldir%/live.c %reldir%/live.h \
	%reldir%/naming.c %reldir%/naming.h \
	%reldir%/notify.c %reldir%/notify.h \
	%reldir%/objects.c %reldir%/objects.h \
	%reldir%/privileges.c %reldir%/privileges.h \
	%reldir%/publish.c %reldir%/publish.h \
	%reldir%/publish_file.c %reldir%/publish_impl.h \
	%reldir%/recording_words.c %reldir%/recording_words.h \
	%reldir%/recordings.c %reldir%/recordings.h \
	%reldir%/reload.c %reldir%/reload.h \
	%reldir%/rotate.c %reldir%/rotate.h \
	%reldir%/sampler.c %reldir%/sampler.h \
	%reldir%/sampler_cpu.c %reldir%/sampler_cpu.h \
	%reldir%/sources.c %reldir%/sources.h \
	%reldir%/sampling.c %reldir%/sampling.h \
	%reldir%/scan.c %reldir%/scan.h \
	%reldir%/service.c %reldir%/service.h \
	%reldir%/symbols.c %reldir%/symbols.h \
	%reldir%/tables.c %reldir%/tables.h \
	%reldir%/unwind.c %reldir%/unwind.h \
	%reldir%/verbs.c \
	%reldir%/walker.c %reldir%/walker.h \
	%reldir%/walker_load.h
if BPF
libpprofd_a_SOURCES += %reldir%/walker_load.c
else
libpprofd_a_SOURCES += %reldir%/walker_load_none.c
endif
dist_man_MANS += man/pprofd.8
