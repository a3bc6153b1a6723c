libpprofd_a_SOURCES += %reldir%/elf.c %reldir%/elf.h
libpprofd_a_SOURCES += %reldir%/kallsyms.c %reldir%/kallsyms.h
libpprofd_a_SOURCES += %reldir%/kallsyms_table.c %reldir%/kallsyms_table.h
libpprofd_a_SOURCES += %reldir%/radix.c %reldir%/radix.h
libpprofd_a_SOURCES += %reldir%/strings.c %reldir%/strings.h
libpprofd_a_SOURCES += %reldir%/symtab.c %reldir%/symtab.h
