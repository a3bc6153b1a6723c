#include "symbolize/levels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "object/elf.h"
#include "object/fde.h"
#include "object/symtab.h"

_Static_assert(LEVEL_NAME_MAX >= SYMTAB_NAME_MAX, "whole names of symbols");

/* An error that is no property of the file's contents: another attempt may succeed. */
static bool is_transient(int err)
{
	return err && err != -ENODATA && err != -EBADMSG && err != -EFBIG;
}

int levels_open(struct levels *l, struct elf *e)
{
	int symbols = symtab_open(&l->symtab, e), bounds = fde_open(&l->fdes, e), err = 0;

	if (is_transient(symbols) || is_transient(bounds))
		err = is_transient(symbols) ? symbols : bounds;
	else if (!l->symtab && !l->fdes)
		err = symbols == -ENODATA ? bounds : symbols;
	if (err)
		levels_close(l);
	return err;
}

void levels_close(struct levels *l)
{
	symtab_free(l->symtab);
	fde_free(l->fdes);
	memset(l, 0, sizeof(*l));
}

size_t levels_size(const struct levels *l)
{
	return (l->symtab ? symtab_size(l->symtab) : 0) + (l->fdes ? fde_size(l->fdes) : 0);
}

void levels_trim(struct levels *l)
{
	if (l->symtab)
		symtab_trim(l->symtab);
	if (l->fdes)
		fde_trim(l->fdes);
}

static bool find_symbol(struct symtab *t, uint64_t vaddr, struct symbol *symbol)
{
	return t && !symtab_lookup(t, vaddr, symbol);
}

int levels_find(struct levels *l, int fd, uint64_t vaddr, struct level_function *f)
{
	struct symbol symbol;
	bool found = find_symbol(l->symtab, vaddr, &symbol);
	struct fde_range range;
	int err = -ENOENT;

	if ((!found || symbol.guessed) && l->fdes)
		err = fde_find(l->fdes, fd, vaddr, &range);
	if (!err && (!found || range.start > symbol.start)) {
		*f = (struct level_function){ .level = LEVEL_BOUNDS, .start = range.start };
		return 0;
	}
	if (!found)
		return err == -EBADMSG ? -ENOENT : err;
	*f = (struct level_function){ LEVEL_SYMBOL, symbol.start, symbol.index };
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
	err = symtab_name(l->symtab, fd, &symbol);
	if (!err)
		snprintf(name, LEVEL_NAME_MAX, "%s", symbol.name);
	return err;
}
