libpprofd_a_SOURCES += \
	%reldir%/client.c %reldir%/client.h \
	%reldir%/confine.c %reldir%/confine.h \
	%reldir%/fetch.c %reldir%/fetch.h \
	%reldir%/http.h %reldir%/protocol.h \
	%reldir%/store.c %reldir%/store.h
if CURL
libpprofd_a_SOURCES += %reldir%/http.c
AM_CPPFLAGS += $(CURL_CFLAGS)
else
libpprofd_a_SOURCES += %reldir%/http_none.c
endif
