/* Writes the seeds of fuzz_gopclntab into the directory given: good files of every version, and the
 * ways in which they can lie. cc -I. -o make_go fuzz/seeds/make_gopclntab.c && ./make_go DIR */
#include <stdio.h>
#include <stdlib.h>

#include "tests/gogen.h"

static const char *directory;

static void save(const char *name, const struct gogen *g, size_t size)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "w");
	if (!f || fwrite(g->elf.bytes, 1, size, f) != size || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void good(void)
{
	static const char *const versions[] = { "1.2", "1.16", "1.18", "1.20" };
	char name[64];

	for (unsigned i = 0; i < 16; i++) {
		struct gogen g = { .version = i & 3,
				   .no_section = i & 4,
				   .no_text = i & 4,
				   .elf = { .is_32 = i & 8, .big = i & 8 } };

		gogen_make(&g);
		snprintf(name, sizeof(name), "good-%s%s%s", versions[i & 3], i & 4 ? "-scan" : "",
			 i & 8 ? "-32-big" : "");
		save(name, &g, g.elf.size);
	}
}

/* SIZE bytes of VALUE at AT of the file. */
static void damaged(const char *name, size_t at, uint64_t value, size_t size)
{
	struct gogen g = { .version = GOGEN_1_20 };

	gogen_make(&g);
	memcpy(g.elf.bytes + at, &value, size);
	save(name, &g, g.elf.size);
}

int main(int argc, char **argv)
{
	struct gogen g = { .version = GOGEN_1_20 };
	size_t f;

	directory = argc > 1 ? argv[1] : ".";
	good();
	gogen_make(&g);
	f = GOGEN_TABLE + g.record[0];
	save("cut", &g, GOGEN_TABLE + 0x290);
	damaged("nr-huge", GOGEN_TABLE + 8, 1 << 20, 8);
	damaged("functions-outside", GOGEN_TABLE + 64, UINT64_MAX, 8);
	damaged("no-lines", f + 24, 0, 4);
	damaged("pcfile-outside", f + 20, 0x7fffffff, 4);
	damaged("pcdata-huge", f + 28, 0x7fffffff, 4);
	damaged("no-tree", f + 68, UINT32_MAX, 4);
	damaged("tree-outside", f + 68, 0x10000, 4);
	damaged("call-in-itself", GOGEN_DATA + 24, 0x10, 4);
	damaged("call-elsewhere", GOGEN_DATA + 24, 0x40, 4);
	damaged("endless-number", GOGEN_TABLE + 0x281, UINT64_MAX, 8);
	damaged("unsorted", GOGEN_TABLE + 0x108, 0, 4);
	damaged("no-module", GOGEN_MODULE, 0, 8);
	return 0;
}
