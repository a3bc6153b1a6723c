#include "symbolize/levels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "object/elf.h"
#include "object/fde.h"
#include "object/gopclntab.h"
#include "object/jitdump.h"
#include "object/jitmap.h"
#include "object/minidebug.h"
#include "object/plt.h"
#include "object/symtab.h"

_Static_assert(LEVEL_NAME_MAX >= SYMTAB_NAME_MAX && LEVEL_NAME_MAX >= GOPCLNTAB_NAME_MAX &&
		       LEVEL_NAME_MAX >= JITMAP_NAME_MAX && LEVEL_NAME_MAX >= JITDUMP_NAME_MAX &&
		       LEVEL_NAME_MAX >= PLT_NAME_MAX,
	       "whole names");

/* An error that is no property of the file's contents: another attempt may succeed. */
static bool is_transient(int err)
{
	return err && err != -ENODATA && err != -EBADMSG && err != -EFBIG;
}

/* Its .symtab is a complement of .dynsym: where there is a .symtab, there is no other. */
static int open_mini(struct levels *l, const struct elf *e)
{
	struct elf *mini;
	int fd = minidebug_open(e, &l->mini_size), err;

	if (fd < 0)
		return fd;
	err = elf_open(&mini, fd);
	if (!err) {
		err = symtab_open(&l->mini, mini);
		elf_close(mini);
	}
	if (err)
		close(fd);
	else
		l->mini_fd = fd;
	return err == -ENOEXEC ? -EBADMSG : err;
}

int levels_open(struct levels *l, struct elf *e)
{
	int errors[] = { gopclntab_open(&l->go, e), symtab_open(&l->symtab, e),
			 open_mini(l, e), plt_open(&l->plt, e), fde_open(&l->fdes, e) };
	int err = 0;

	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i] && (!err || err == -ENODATA || is_transient(errors[i])))
			err = errors[i];
	if (!is_transient(err) && (l->go || l->symtab || l->mini || l->plt || l->fdes))
		err = 0;
	if (err)
		levels_close(l);
	return err;
}

int levels_add_debug(struct levels *l, int fd)
{
	struct elf *e;
	int err = elf_open(&e, fd);

	if (!err) {
		err = symtab_open(&l->debug, e);
		elf_close(e);
	}
	/* Without functions it may have lines. */
	if (err && err != -ENODATA) {
		close(fd);
		return err;
	}
	l->has_debug = true;
	l->debug_fd = fd;
	return err;
}

int levels_open_jit(struct levels *l, int fd)
{
	return jitdump_is(fd) ? jitdump_open(&l->dump, fd) : jitmap_open(&l->jit, fd);
}

void levels_close(struct levels *l)
{
	jitmap_free(l->jit);
	jitdump_free(l->dump);
	gopclntab_free(l->go);
	symtab_free(l->symtab);
	if (l->mini)
		close(l->mini_fd);
	symtab_free(l->mini);
	if (l->has_debug)
		close(l->debug_fd);
	symtab_free(l->debug);
	plt_free(l->plt);
	fde_free(l->fdes);
	memset(l, 0, sizeof(*l));
}

size_t levels_size(const struct levels *l)
{
	return (l->go ? gopclntab_size(l->go) : 0) + (l->symtab ? symtab_size(l->symtab) : 0) +
	       (l->mini ? symtab_size(l->mini) + l->mini_size : 0) +
	       (l->debug ? symtab_size(l->debug) : 0) +
	       (l->plt ? plt_size(l->plt) : 0) + (l->fdes ? fde_size(l->fdes) : 0) +
	       (l->jit ? jitmap_size(l->jit) : 0) + (l->dump ? jitdump_size(l->dump) : 0);
}

void levels_trim(struct levels *l)
{
	if (l->go)
		gopclntab_trim(l->go);
	if (l->symtab)
		symtab_trim(l->symtab);
	if (l->mini)
		symtab_trim(l->mini);
	if (l->debug)
		symtab_trim(l->debug);
	if (l->plt)
		plt_trim(l->plt);
	if (l->fdes)
		fde_trim(l->fdes);
	if (l->jit)
		jitmap_trim(l->jit);
	if (l->dump)
		jitdump_trim(l->dump);
}

/* What is damaged knows no function; other errors of reading may not come again. */
static bool has_failed(int err)
{
	return err && err != -ENOENT && err != -EBADMSG;
}

static int find_go(struct gopclntab *t, int fd, uint64_t vaddr, struct level_function *f)
{
	struct go_function go;
	int err = t ? gopclntab_find(t, fd, vaddr, &go) : -ENOENT;

	if (!err)
		*f = (struct level_function){ LEVEL_GO, go.start, go.name };
	return err;
}

/* The symbol at VADDR: of the best table that knows its end, else the one that begins last. */
static bool find_symbol(const struct levels *l, uint64_t vaddr, struct symbol *symbol,
			enum level *level)
{
	bool whole = l->symtab && symtab_is_whole(l->symtab), found = false;
	const struct {
		const struct symtab *table;
		enum level level;
	} tables[] = {
		{ whole ? l->symtab : l->debug, whole ? LEVEL_SYMBOL : LEVEL_DEBUG },
		{ whole ? l->debug : l->symtab, whole ? LEVEL_DEBUG : LEVEL_DYNSYM },
		{ l->mini, LEVEL_MINI },
	};

	for (unsigned i = 0; i < 3 && (!found || symbol->guessed); i++) {
		struct symbol s;

		if (tables[i].table && !symtab_lookup(tables[i].table, vaddr, &s) &&
		    (!found || !s.guessed || s.start > symbol->start)) {
			*symbol = s;
			*level = tables[i].level;
			found = true;
		}
	}
	return found;
}

static int find_jit(const struct levels *l, uint64_t address, struct level_function *f)
{
	uint32_t number;
	int err = l->dump ? jitdump_find(l->dump, address, &number)
			  : jitmap_find(l->jit, address, &number);

	if (!err)
		*f = (struct level_function){ LEVEL_JIT, number, number };
	return err;
}

/* What is known of code at VADDR that has no symbol, or one whose end is a guess. 0, -ENOENT or the
 * errno of reading. */
static int find_unnamed(struct levels *l, int fd, uint64_t vaddr, struct level_function *f)
{
	struct fde_range range;
	struct plt_stub stub;
	int err;

	if (l->plt && !plt_find(l->plt, vaddr, &stub)) {
		*f = (struct level_function){ LEVEL_PLT, stub.start, stub.index };
		return 0;
	}
	err = l->fdes ? fde_find(l->fdes, fd, vaddr, &range) : -ENOENT;
	if (!err)
		*f = (struct level_function){ .level = LEVEL_BOUNDS, .start = range.start };
	return err;
}

int levels_find(struct levels *l, int fd, uint64_t vaddr, struct level_function *f)
{
	enum level level = LEVEL_SYMBOL;
	struct level_function other;
	struct symbol symbol = { 0 };
	bool found;
	int err;

	if (levels_of_jit(l))
		return find_jit(l, vaddr, f);
	err = find_go(l->go, fd, vaddr, f);
	if (!err || has_failed(err))
		return err;
	found = find_symbol(l, vaddr, &symbol, &level);
	err = -ENOENT;
	if (!found || symbol.guessed)
		err = find_unnamed(l, fd, vaddr, &other);
	if (!err && (!found || other.start > symbol.start)) {
		*f = other;
		return 0;
	}
	if (!found)
		return has_failed(err) ? err : -ENOENT;
	*f = (struct level_function){ level, symbol.start, symbol.index };
	return 0;
}

int levels_name(struct levels *l, int fd, const struct level_function *f, const char *base,
		char name[LEVEL_NAME_MAX])
{
	struct symbol symbol = { .start = f->start, .index = f->index };
	int err;

	if (f->level == LEVEL_BOUNDS) {
		snprintf(name, LEVEL_NAME_MAX, "%s+0x%" PRIx64, base, f->start);
		return 0;
	}
	if (f->level == LEVEL_JIT) {
		err = l->dump ? jitdump_name(l->dump, fd, f->index, name, LEVEL_NAME_MAX)
			      : jitmap_name(l->jit, fd, f->index, name, LEVEL_NAME_MAX);
		return err < 0 ? err : 0;
	}
	if (f->level == LEVEL_PLT) {
		err = plt_name(l->plt, fd, f->index, name);
		return err < 0 ? err : 0;
	}
	if (f->level == LEVEL_GO) {
		err = gopclntab_name(l->go, fd, f->index, name, LEVEL_NAME_MAX);
		return err < 0 ? err : 0;
	}
	if (f->level == LEVEL_MINI)
		err = symtab_name(l->mini, l->mini_fd, &symbol);
	else if (f->level == LEVEL_DEBUG)
		err = symtab_name(l->debug, l->debug_fd, &symbol);
	else
		err = symtab_name(l->symtab, fd, &symbol);
	if (!err)
		snprintf(name, LEVEL_NAME_MAX, "%s", symbol.name);
	return err;
}
