/* names FILE: reads addresses of an ELF file from standard input, hexadecimal, a line each, and prints where the symbol
 * starts and what it is called, or "??". names FILE N: prints N addresses in its executable segments, always the same. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object/elf.h"
#include "object/symtab.h"

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

static void print_names(struct symtab *t, int fd)
{
	struct symbol s;
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		if (symtab_find(t, fd, strtoull(line, NULL, 16), &s))
			puts("??");
		else
			printf("0x%" PRIx64 " %s\n", s.start, s.name);
	}
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1, err;
	struct symtab *t = NULL;
	struct elf *e = NULL;

	if (fd < 0) {
		fprintf(stderr, "usage: names FILE [N]\n");
		return 2;
	}
	err = elf_open(&e, fd);
	if (!err && argc > 2)
		print_addresses(e, atol(argv[2]));
	else if (!err && !(err = symtab_open(&t, e)))
		print_names(t, fd);
	if (err)
		fprintf(stderr, "names: %s: %s\n", argv[1], strerror(-err));
	symtab_free(t);
	elf_close(e);
	return err ? 1 : 0;
}
