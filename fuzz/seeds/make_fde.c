/* Writes the seeds of fuzz_fde into the directory given: good files of all kinds, and the ways in
 * which they can lie. cc -I. -o make_fde fuzz/seeds/make_fde.c && ./make_fde fuzz/seeds/fde */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/fdegen.h"

static const struct fdegen_function functions[] = {
	{ 0x401000, 0x40 }, { 0x401040, 0x10 }, { 0x401100, 0x80 }, { 0x401200, 0x300 },
};

static const char *directory;

static void save(const char *name, const struct fdegen *g, size_t size)
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

static void good(const char *name, struct fdegen g)
{
	g.functions = functions;
	g.nr = 4;
	fdegen_make(&g);
	save(name, &g, g.elf.size);
}

static void damaged(const char *name, size_t at, uint64_t value, size_t size)
{
	struct fdegen g = { .functions = functions, .nr = 4 };

	fdegen_make(&g);
	memcpy(g.elf.bytes + at, &value, size);
	save(name, &g, g.elf.size);
}

int main(int argc, char **argv)
{
	struct fdegen g = { .functions = functions, .nr = 4 };

	directory = argc > 1 ? argv[1] : ".";
	good("good", (struct fdegen){ 0 });
	good("scanned", (struct fdegen){ .no_table = true });
	good("scanned-32", (struct fdegen){ .no_table = true, .elf.is_32 = true });
	good("scanned-long", (struct fdegen){ .no_table = true, .long_length = true });
	good("good-32", (struct fdegen){ .elf.is_32 = true });
	good("good-big", (struct fdegen){ .elf.big = true });
	good("long", (struct fdegen){ .long_length = true });
	good("absolute", (struct fdegen){ .encoding = 0x04 });
	good("relative-8", (struct fdegen){ .encoding = 0x1c });
	good("data-relative", (struct fdegen){ .encoding = 0x3b });
	good("leb", (struct fdegen){ .encoding = 0x01 });
	good("short", (struct fdegen){ .encoding = 0x02 });
	good("plain", (struct fdegen){ .encoding = 0x04, .letters = "" });
	good("personality", (struct fdegen){ .letters = "zPLR", .version = 3 });
	good("signal", (struct fdegen){ .letters = "zRS" });
	good("unknown-letter", (struct fdegen){ .letters = "zX" });
	fdegen_make(&g);
	save("cut", &g, FDEGEN_FRAME + 80);
	damaged("terminator", g.fde[2], 0, 4);
	damaged("length-huge", g.fde[2], UINT32_MAX, 4);
	damaged("no-cie", g.fde[2] + 4, 1, 4);
	damaged("cie-outside", g.fde[2] + 4, 0x10000, 4);
	damaged("cie-of-cie", g.fde[2] + 4, 0, 4);
	damaged("size-huge", g.fde[2] + 12, 0xfffffff0, 4);
	damaged("indirect", g.cie + 16, 0x8b, 1);
	damaged("letters-endless", g.cie + 9, 0x7a7a7a7a7a7a7a7a, 8);
	damaged("unsorted", g.table + 8, 0x7fffffff, 4);
	damaged("fde-outside", g.table + 12, 0x7fffffff, 4);
	damaged("count", FDEGEN_HDR + 8, UINT32_MAX, 4);
	damaged("no-frame", FDEGEN_HDR + 4, 0x7fffffff, 4);
	damaged("table-encoding", FDEGEN_HDR + 3, 0xff, 1);
	return 0;
}
