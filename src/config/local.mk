libpprofd_a_SOURCES += \
	%reldir%/config.c %reldir%/config.h \
	%reldir%/load.c \
	%reldir%/print.c \
	%reldir%/table.c %reldir%/table.h \
	%reldir%/units.c %reldir%/units.h \
	%reldir%/value.c
dist_man_MANS += man/pprofd.conf.5
EXTRA_DIST += etc/pprofd.conf

# An administrator's own file is neither replaced nor removed.
install-data-local: install-pprofd-conf
uninstall-local: uninstall-pprofd-conf
install-pprofd-conf:
	test -e '$(DESTDIR)$(sysconfdir)/pprofd.conf' || { \
	  $(MKDIR_P) '$(DESTDIR)$(sysconfdir)' && \
	  $(INSTALL_DATA) $(top_srcdir)/etc/pprofd.conf '$(DESTDIR)$(sysconfdir)/pprofd.conf'; }
uninstall-pprofd-conf:
	! cmp -s $(top_srcdir)/etc/pprofd.conf '$(DESTDIR)$(sysconfdir)/pprofd.conf' || \
	  rm -f '$(DESTDIR)$(sysconfdir)/pprofd.conf'
.PHONY: install-pprofd-conf uninstall-pprofd-conf
