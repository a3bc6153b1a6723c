/* lines FILE: reads addresses of an ELF file from standard input, hexadecimal, a line each, and prints
 * the frames there as llvm-symbolizer --inlines does: function, file:line, …, an empty line.
 * lines -f FILE: the same from an index that was written to a file.
 * lines -w OUT FILE: writes the index to OUT.
 * lines FILE N: prints N addresses in its executable segments, always the same. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "object/elf.h"
#include "object/line.h"
#include "object/line_build.h"

static void print_addresses(int fd, long nr)
{
	uint64_t x = 88172645463325252u, sum = 0, at;
	struct elf *e;

	if (elf_open(&e, fd))
		return;
	for (unsigned i = 0; i < elf_nr_segments(e); i++)
		sum += elf_segment(e, i)->exec ? elf_segment(e, i)->mem_size : 0;
	while (sum && nr-- > 0) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		at = x % sum;
		for (unsigned i = 0; i < elf_nr_segments(e); i++) {
			const struct elf_segment *s = elf_segment(e, i);

			if (s->exec && at < s->mem_size) {
				printf("0x%" PRIx64 "\n", s->vaddr + at);
				break;
			}
			at -= s->exec ? s->mem_size : 0;
		}
	}
	elf_close(e);
}

/* By path: as named, else in the folder of the object. */
static int open_other(void *ctx, const char *name, const uint8_t *id, unsigned id_size)
{
	const char *object = ctx, *slash = strrchr(object, '/');
	char path[PATH_MAX];

	if (*name == '/' || !slash)
		return open(name, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - object), object, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void print_frames(struct line_index *x)
{
	struct line_frame frames[LINE_DEPTH_MAX];
	char input[64], text[4096];
	unsigned nr;

	while (fgets(input, sizeof(input), stdin)) {
		if (line_find(x, strtoull(input, NULL, 16), frames, &nr)) {
			puts("??\n??:0\n");
			continue;
		}
		for (unsigned i = 0; i < nr; i++) {
			line_string(x, frames[i].function, text, sizeof(text));
			puts(*text ? text : "??");
			line_string(x, frames[i].file, text, sizeof(text));
			printf("%s:%u\n", *text ? text : "??", frames[i].line);
		}
		puts("");
	}
}

int main(int argc, char **argv)
{
	bool file = argc > 2 && !strcmp(argv[1], "-f"), out = argc > 3 && !strcmp(argv[1], "-w");
	const char *path = argc > 1 ? argv[out ? 3 : 1 + file] : NULL;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1, err;
	struct line_source src = { .fd = fd, .open_file = open_other,
				   .ctx = (void *)(uintptr_t)path };
	struct object_id id = { .inode = 1 };
	struct line_index *x = NULL;
	void *image;
	size_t size;

	if (fd < 0) {
		fprintf(stderr, "usage: lines [-f | -w OUT] FILE [N]\n");
		return 2;
	}
	if (argc > 2 && !file && !out) {
		print_addresses(fd, atol(argv[2]));
		return 0;
	}
	err = line_build(&src, &LINE_LIMITS_DEFAULT, &id, &image, &size);
	if (!err && out) {
		int to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0666);

		err = to < 0 ? -errno : io_write(to, image, size);
		free(image);
		return err ? 1 : 0;
	}
	if (!err && file) {
		err = line_open(&x, io_memfd("index", image, size), &id);
		free(image);
	} else if (!err) {
		err = line_open_memory(&x, image, size, &id);
	}
	if (err) {
		fprintf(stderr, "lines: %s: %s\n", path, strerror(-err));
		return 1;
	}
	print_frames(x);
	line_close(x);
	return 0;
}
