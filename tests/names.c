/* names FILE: reads addresses of an ELF file from standard input, hexadecimal, a line each, and prints where the symbol
 * starts and what it is called, or "??". names FILE N: prints N addresses in its executable segments, always the same.
 * names -b FILE prints the bounds of functions by the unwind information, names -l FILE [DEBUG] names by all levels,
 * with the separate debug file DEBUG ("refused" when it is not FILE's),
 * names -g FILE the frames of a Go program, innermost first, "name file:line" separated by tabs. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "object/debuglink.h"
#include "object/elf.h"
#include "object/fde.h"
#include "object/gopclntab.h"
#include "object/symtab.h"
#include "symbolize/levels.h"

static void print_addresses(const struct elf *e, long nr)
{
	uint64_t x = 88172645463325252u, sum = 0, at;

	for (unsigned i = 0; i < elf_nr_segments(e); i++)
		sum += elf_segment(e, i)->exec ? elf_segment(e, i)->file_size : 0;
	while (sum && nr-- > 0) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		at = x % sum;
		for (unsigned i = 0; i < elf_nr_segments(e); i++) {
			const struct elf_segment *s = elf_segment(e, i);

			if (s->exec && at < s->file_size) {
				printf("0x%" PRIx64 "\n", s->vaddr + at);
				break;
			}
			at -= s->exec ? s->file_size : 0;
		}
	}
}

static int print_names(struct elf *e, int fd)
{
	struct symtab *t;
	struct symbol s;
	char line[64];
	int err = symtab_open(&t, e);

	while (!err && fgets(line, sizeof(line), stdin)) {
		if (symtab_find(t, fd, strtoull(line, NULL, 16), &s))
			puts("??");
		else
			printf("0x%" PRIx64 " %s\n", s.start, s.name);
	}
	if (!err)
		symtab_free(t);
	return err;
}

static int print_bounds(struct elf *e, int fd)
{
	struct fde_table *t;
	struct fde_range r;
	char line[64];
	int err = fde_open(&t, e);

	while (!err && fgets(line, sizeof(line), stdin)) {
		if (fde_find(t, fd, strtoull(line, NULL, 16), &r))
			puts("??");
		else
			printf("0x%" PRIx64 " 0x%" PRIx64 "\n", r.start, r.start + r.size);
	}
	if (!err)
		fde_free(t);
	return err;
}

static int print_frames(struct elf *e, int fd)
{
	static struct go_frame frames[GOPCLNTAB_FRAMES_MAX];
	struct gopclntab *t;
	char line[64], name[GOPCLNTAB_NAME_MAX], file[GOPCLNTAB_NAME_MAX];
	int err = gopclntab_open(&t, e);

	while (!err && fgets(line, sizeof(line), stdin)) {
		int nr = gopclntab_frames(t, fd, strtoull(line, NULL, 16), frames);

		if (nr < 0)
			printf("?? %s", strerror(-nr));
		for (int i = 0; i < nr; i++) {
			if (gopclntab_name(t, fd, frames[i].name, name, sizeof(name)) < 0)
				strcpy(name, "?");
			if (gopclntab_file(t, fd, frames[i].file, file, sizeof(file)) < 0)
				strcpy(file, "?");
			printf("%s%s %s:%d", i ? "\t" : "", name, file, frames[i].line);
		}
		putchar('\n');
	}
	if (!err)
		gopclntab_free(t);
	return err;
}

/* As symbolize/ does it. */
static int add_debug(struct levels *l, struct elf *e, int fd, const char *file)
{
	struct debuglink link;
	int debug_fd = open(file, O_RDONLY | O_CLOEXEC), err = debug_fd < 0 ? -errno : debuglink_read(e, &link);

	if (!err)
		err = debuglink_check(&link, fd, debug_fd);
	if (!err) {
		err = levels_add_debug(l, debug_fd);
		return err == -ENODATA ? 0 : err;
	}
	puts("refused");
	if (debug_fd >= 0)
		close(debug_fd);
	return 0;
}

static int print_levels(struct elf *e, int fd, const char *base, const char *debug)
{
	struct levels l = { 0 };
	struct level_function f;
	char line[64], name[LEVEL_NAME_MAX];
	int err = levels_open(&l, e);

	if (debug && (!err || err == -ENODATA))
		err = add_debug(&l, e, fd, debug);
	while (!err && fgets(line, sizeof(line), stdin)) {
		if (levels_find(&l, fd, strtoull(line, NULL, 16), &f) ||
		    levels_name(&l, fd, &f, base, name))
			puts("??");
		else
			printf("0x%" PRIx64 " %d %s\n", f.start, f.level, name);
	}
	levels_close(&l);
	return err;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 && argv[1][0] == '-' ? argv[1] : "";
	const char *file = argc > 1 ? argv[*mode ? 2 : 1] : NULL;
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1, err;
	struct elf *e = NULL;

	if (fd < 0) {
		fprintf(stderr, "usage: names [-b|-g] FILE | -l FILE [DEBUG] | FILE N\n");
		return 2;
	}
	err = elf_open(&e, fd);
	if (err)
		;
	else if (!strcmp(mode, "-b"))
		err = print_bounds(e, fd);
	else if (!strcmp(mode, "-g"))
		err = print_frames(e, fd);
	else if (!strcmp(mode, "-l"))
		err = print_levels(e, fd, strrchr(file, '/') ? strrchr(file, '/') + 1 : file,
				   argc > 3 ? argv[3] : NULL);
	else if (argc > 2)
		print_addresses(e, atol(argv[2]));
	else
		err = print_names(e, fd);
	if (err)
		fprintf(stderr, "names: %s: %s\n", file, strerror(-err));
	elf_close(e);
	return err ? 1 : 0;
}
