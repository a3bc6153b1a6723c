systemdsystemunit_DATA = %reldir%/pprofd.service
%reldir%/pprofd.service: %reldir%/pprofd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) 's|@sbindir[@]|$(sbindir)|g' $(srcdir)/%reldir%/pprofd.service.in > $@.tmp && mv $@.tmp $@
CLEANFILES += %reldir%/pprofd.service
EXTRA_DIST += %reldir%/pprofd.service.in %reldir%/pprofd.sysusers %reldir%/pprofd.tmpfiles

# Installed under their own names: the folders say what they are.
install-data-local:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) $(srcdir)/%reldir%/pprofd.sysusers '$(DESTDIR)$(sysusersdir)/pprofd.conf'
	$(INSTALL_DATA) $(srcdir)/%reldir%/pprofd.tmpfiles '$(DESTDIR)$(tmpfilesdir)/pprofd.conf'

uninstall-local:
	rm -f '$(DESTDIR)$(sysusersdir)/pprofd.conf' '$(DESTDIR)$(tmpfilesdir)/pprofd.conf'

AM_DISTCHECK_CONFIGURE_FLAGS = --with-systemdsystemunitdir='$${prefix}/lib/systemd/system'
