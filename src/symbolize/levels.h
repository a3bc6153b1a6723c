/* levels: what an object's file, and the separate debug file of it, say of its functions, the best
 * first:
 *
 *   Go       a Go program's own table (object/gopclntab.h)
 *   symbols  .symtab (object/symtab.h)
 *   debug    .symtab of the debug file
 *   symbols  .dynsym of a file without .symtab, a level of its own
 *   mini     the .symtab in .gnu_debugdata (object/minidebug.h)
 *   plt      stubs that call other files' functions (object/plt.h)
 *   bounds   where a function begins and ends, by the unwind information; it has no name, and is
 *            called by its file and first address
 *   JIT      not of an object: what a process tells of the code that it made at run time
 *            (object/jitmap.h, object/jitdump.h)
 *   kernel   nor this: /proc/kallsyms (object/kallsyms.h)
 *
 * An address past its symbol's end is never attributed to that symbol; where the file gives no end,
 * a function that begins in between ends it. */
#ifndef SYMBOLIZE_LEVELS_H
#define SYMBOLIZE_LEVELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf;
struct fde_table;
struct gopclntab;
struct jitdump;
struct jitmap;
struct plt;
struct symtab;

enum level {
	LEVEL_GO = 1, LEVEL_SYMBOL, LEVEL_MINI, LEVEL_BOUNDS, LEVEL_JIT, LEVEL_PLT, LEVEL_DEBUG, LEVEL_DYNSYM, LEVEL_KERNEL,
	LEVEL_NR
};

#define LEVEL_NAME_MAX 4096 /* with the NUL; longer names are cut */

/* Zeroed, it names nothing. */
struct levels {
	struct gopclntab *go;
	struct symtab *symtab, *mini, *debug;
	int mini_fd;    /* valid with mini */
	bool has_debug; /* a debug file was added, whether it knows functions or not */
	int debug_fd;   /* valid with has_debug */
	size_t mini_size;
	struct plt *plt;
	struct fde_table *fdes;
	struct jitmap *jit; /* then no other; or */
	struct jitdump *dump;
};

static inline bool levels_of_jit(const struct levels *l)
{
	return l->jit || l->dump;
}

/* A function: level and start are its identity in the object. */
struct level_function {
	enum level level;
	uint64_t start; /* virtual address, < 2^60; LEVEL_JIT: its number, as several begin at one */
	uint32_t index; /* the level's own number for it */
};

/* 0; -ENODATA: nothing here knows functions; -EBADMSG, -EFBIG: what should know them is damaged or
 * too large; -ENOMEM; or the errno of reading. Keeps nothing of E, which needs its sections. */
int levels_open(struct levels *l, struct elf *e);
/* L's object has the debug file FD, which becomes L's, whatever comes back. As levels_open. Numbers of
 * functions found before are not valid any more. */
int levels_add_debug(struct levels *l, int fd);
/* Of what a JIT tells, of either kind: addresses are the process's own. As jitdump_open. */
int levels_open_jit(struct levels *l, int fd);
void levels_close(struct levels *l);
size_t levels_size(const struct levels *l); /* bytes held */
void levels_trim(struct levels *l);         /* forgets the cached parts of the file */

/* The function at VADDR, read by FD, a descriptor of the same file. 0, -ENOENT or the errno of
 * reading. */
int levels_find(struct levels *l, int fd, uint64_t vaddr, struct level_function *f);
/* Its name, as in the file; of a function of LEVEL_BOUNDS in a file called BASE: "BASE+0x1234". 0
 * or the errno of reading. */
int levels_name(struct levels *l, int fd, const struct level_function *f, const char *base,
		char name[LEVEL_NAME_MAX]);

#endif
