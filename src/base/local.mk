libpprofd_a_SOURCES += \
	%reldir%/arena.c %reldir%/arena.h \
	%reldir%/array.h \
	%reldir%/background.c %reldir%/background.h \
	%reldir%/buf.c %reldir%/buf.h \
	%reldir%/channel.c %reldir%/channel.h \
	%reldir%/child.c %reldir%/child.h \
	%reldir%/debug_path.c %reldir%/debug_path.h \
	%reldir%/gzip.c %reldir%/gzip.h \
	%reldir%/hash.c %reldir%/hash.h \
	%reldir%/io.c %reldir%/io.h \
	%reldir%/kernel_hide.h \
	%reldir%/log.c %reldir%/log.h \
	%reldir%/loop.c %reldir%/loop.h \
	%reldir%/mem.c %reldir%/mem.h \
	%reldir%/reader.h \
	%reldir%/status.c %reldir%/status.h \
	%reldir%/text.c %reldir%/text.h
libpprofd_a_SOURCES += %reldir%/unzstd.h
if ZSTD
libpprofd_a_SOURCES += %reldir%/unzstd.c
AM_CPPFLAGS += $(ZSTD_CFLAGS)
pprofd_libs += $(ZSTD_LIBS)
else
libpprofd_a_SOURCES += %reldir%/unzstd_none.c
endif
