/* gopclntab: every version's tables, and ones that lie. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "base/io.h"
#include "object/elf.h"
#include "object/gopclntab.h"
#include "tests/gogen.h"

static int open_table(const struct gogen *g, struct gopclntab **t, int *fd)
{
	struct elf *e;
	int err;

	*fd = io_memfd("go", g->elf.bytes, g->elf.size);
	assert_int_equal(elf_open(&e, *fd), 0);
	err = gopclntab_open(t, e);
	elf_close(e);
	return err;
}

static void assert_function(struct gopclntab *t, int fd, uint64_t at, uint64_t start, uint64_t size,
			    const char *name)
{
	struct go_function f;
	char text[64];

	assert_int_equal(gopclntab_find(t, fd, at, &f), 0);
	assert_int_equal(f.start, start);
	assert_int_equal(f.size, size);
	assert_int_equal(gopclntab_name(t, fd, f.name, text, sizeof(text)), strlen(name));
	assert_string_equal(text, name);
}

static void assert_frame(struct gopclntab *t, int fd, const struct go_frame *f, const char *name,
			 const char *file, int line, int start_line)
{
	char text[64];

	gopclntab_name(t, fd, f->name, text, sizeof(text));
	assert_string_equal(text, name);
	assert_int_equal(gopclntab_file(t, fd, f->file, text, sizeof(text)), strlen(file));
	assert_string_equal(text, file);
	assert_int_equal(f->line, line);
	assert_int_equal(f->start_line, start_line);
}

static void assert_all(const struct gogen *g)
{
	bool lines = g->version >= GOGEN_1_16, starts = g->version >= GOGEN_1_20;
	struct go_frame frames[GOPCLNTAB_FRAMES_MAX];
	struct go_function f;
	struct gopclntab *t;
	int fd;

	assert_int_equal(open_table(g, &t, &fd), 0);
	assert_int_equal(gopclntab_nr(t), 2);
	assert_function(t, fd, 0x401000, 0x401000, 0x40, "main.main");
	assert_function(t, fd, 0x40103f, 0x401000, 0x40, "main.main");
	assert_function(t, fd, 0x401040, 0x401040, 0x20, "main.helper");
	assert_function(t, fd, 0x40105f, 0x401040, 0x20, "main.helper");
	assert_int_equal(gopclntab_find(t, fd, 0x400fff, &f), -ENOENT);
	assert_int_equal(gopclntab_find(t, fd, 0x401060, &f), -ENOENT);
	assert_int_equal(gopclntab_find(t, fd, 0, &f), -ENOENT);
	assert_int_equal(gopclntab_find(t, fd, UINT64_MAX, &f), -ENOENT);
	assert_int_equal(gopclntab_frames(t, fd, 0x401060, frames), -ENOENT);
	assert_in_range(gopclntab_size(t), 4096, 1 << 20);
	gopclntab_trim(t);
	assert_true(gopclntab_size(t) < 1024);

	assert_int_equal(gopclntab_frames(t, fd, 0x401044, frames), 1);
	if (!lines) {
		assert_int_equal(frames[0].line, 0);
		assert_true(gopclntab_file(t, fd, frames[0].file, (char[8]){ 0 }, 8) < 0);
	} else {
		assert_frame(t, fd, &frames[0], "main.helper", "b.go", 40, starts ? 39 : 0);
		assert_int_equal(gopclntab_frames(t, fd, 0x40100f, frames), 1);
		assert_frame(t, fd, &frames[0], "main.main", "a.go", 10, starts ? 9 : 0);
		assert_int_equal(gopclntab_frames(t, fd, 0x401010, frames), 3);
		assert_frame(t, fd, &frames[0], "main.inner", "b.go", 20, starts ? 19 : 0);
		assert_frame(t, fd, &frames[1], "main.outer", "c.go", 30, starts ? 29 : 0);
		assert_frame(t, fd, &frames[2], "main.main", "a.go", 11, starts ? 9 : 0);
	}
	gopclntab_free(t);
	close(fd);
}

static void every_version(void **state)
{
	for (unsigned i = 0; i < 32; i++) {
		struct gogen g = { .version = i & 3,
				   .no_section = i & 4,
				   .elf = { .is_32 = i & 8, .big = i & 16 } };

		gogen_make(&g);
		assert_all(&g);
	}
	gopclntab_free(NULL);
}

/* The header leaves it to the module's description. */
static void text_from_the_module(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		struct gogen g = { .version = i & 1 ? GOGEN_1_20 : GOGEN_1_18,
				   .no_text = true,
				   .elf.is_32 = i & 2 };

		gogen_make(&g);
		assert_all(&g);
		/* Without it, by the section; and no inlined calls then. */
		memset(g.elf.bytes + GOGEN_MODULE, 0, 16);
		{
			struct go_frame frames[GOPCLNTAB_FRAMES_MAX];
			struct gopclntab *t;
			int fd;

			assert_int_equal(open_table(&g, &t, &fd), 0);
			assert_function(t, fd, 0x401000, 0x401000, 0x40, "main.main");
			assert_int_equal(gopclntab_frames(t, fd, 0x401010, frames), 1);
			assert_frame(t, fd, &frames[0], "main.main", "b.go", 20, i & 1 ? 9 : 0);
			gopclntab_free(t);
			close(fd);
		}
	}
}

static void assert_no_table(const struct gogen *g, int want)
{
	struct gopclntab *t = NULL;
	int fd;

	assert_int_equal(open_table(g, &t, &fd), want);
	assert_null(t);
	close(fd);
}

static void no_go_program(void **state)
{
	struct elfgen elf = { .build_id_size = 4 };
	struct gogen g = { .version = GOGEN_1_18 };

	elfgen_make(&elf);
	g.elf = elf;
	assert_no_table(&g, -ENODATA);
	g = (struct gogen){ .version = GOGEN_1_18, .no_section = true };
	gogen_make(&g);
	g.elf.bytes[GOGEN_TABLE] = 0; /* nothing to be found */
	assert_no_table(&g, -ENODATA);
}

static void damaged_headers(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		size_t size;
	} cases[] = {
		{ 0, 0xfffffff2, 4 },      { 4, 1, 1 },         { 6, 3, 1 },
		{ 7, 4, 1 },               { 8, 0, 8 },         { 8, 1 << 20, 8 },
		{ 8, UINT64_MAX, 8 },      { 32, UINT64_MAX, 8 }, { 40, 0x10000, 8 },
		{ 48, UINT64_MAX / 2, 8 }, { 56, 0x10000, 8 }, { 64, 0x10000, 8 },
		{ 0x104, 0x7fffffff, 4 }, { 0x100, 1, 4 },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gogen g = { .version = GOGEN_1_18 };

		gogen_make(&g);
		memcpy(g.elf.bytes + GOGEN_TABLE + cases[i].at, &cases[i].value, cases[i].size);
		assert_no_table(&g, -EBADMSG);
		g = (struct gogen){ .version = GOGEN_1_18, .no_section = true };
		gogen_make(&g);
		memcpy(g.elf.bytes + GOGEN_TABLE + cases[i].at, &cases[i].value, cases[i].size);
		assert_no_table(&g, -ENODATA);
	}
}

/* SIZE bytes of VALUE at AT of the table, or before it of the file: what is said of 0x401010. */
static void assert_damaged(uint32_t at, uint64_t value, size_t size, int want)
{
	struct go_frame frames[GOPCLNTAB_FRAMES_MAX];
	struct gogen g = { .version = GOGEN_1_20 };
	struct gopclntab *t;
	int fd;

	gogen_make(&g);
	memcpy(g.elf.bytes + (at < GOGEN_DATA ? GOGEN_TABLE : 0) + at, &value, size);
	assert_int_equal(open_table(&g, &t, &fd), 0);
	assert_int_equal(gopclntab_frames(t, fd, 0x401010, frames), want);
	gopclntab_free(t);
	close(fd);
}

static void damaged_functions(void **state)
{
	struct gogen g = { .version = GOGEN_1_20 };
	uint32_t f;

	gogen_make(&g);
	f = g.record[0];
	assert_damaged(f + 20, 0x7fffffff, 4, -EBADMSG);         /* pcfile past the end */
	assert_damaged(f + 24, 0, 4, 3);                         /* no lines */
	assert_damaged(f + 28, 0, 4, 1);                         /* no pcdata */
	assert_damaged(f + 28, 0x7fffffff, 4, -EBADMSG);         /* too much of it */
	assert_damaged(f + 43, 0, 1, 1);                         /* no funcdata */
	assert_damaged(f + 32, 0x7fffffff, 4, -EBADMSG);         /* no such unit */
	assert_damaged(f + 44 + 12 + 12, UINT32_MAX, 4, 1);      /* nothing inlined */
	assert_damaged(f + 44 + 12 + 12, 0x10000, 4, -EBADMSG);  /* outside */
	assert_damaged(f + 44 + 8, 0, 4, 1);                     /* nothing said of inlined calls */
	assert_damaged(GOGEN_DATA + 16 + 8, 0x10, 4, -EBADMSG);  /* a call in itself */
	assert_damaged(GOGEN_DATA + 16 + 8, 0x40, 4, -EBADMSG);  /* from another function */
	assert_damaged(0x281, 0xffffffffffffffff, 8, -EBADMSG);  /* endless numbers */
	assert_damaged(0x108, 0x7fffffff, 4, 3);                 /* the next function far away */
	assert_damaged(0x108, 0, 4, -EBADMSG);                   /* unsorted */
}

static void a_file_that_shrinks(void **state)
{
	struct gogen g = { .version = GOGEN_1_18 };
	struct go_frame frames[GOPCLNTAB_FRAMES_MAX];
	struct go_function f;
	struct gopclntab *t;
	char text[8];
	int fd;

	gogen_make(&g);
	assert_int_equal(open_table(&g, &t, &fd), 0);
	assert_int_equal(gopclntab_find(t, fd, 0x401010, &f), 0);
	gopclntab_trim(t);
	assert_int_equal(ftruncate(fd, 0x1000), 0);
	assert_int_equal(gopclntab_find(t, fd, 0x401010, &f), -EBADMSG);
	assert_int_equal(gopclntab_frames(t, fd, 0x401010, frames), -EBADMSG);
	assert_int_equal(gopclntab_name(t, fd, f.name, text, sizeof(text)), -EBADMSG);
	assert_int_equal(gopclntab_name(t, fd, UINT32_MAX, text, sizeof(text)), -EBADMSG);
	gopclntab_free(t);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version),       cmocka_unit_test(text_from_the_module),
		cmocka_unit_test(no_go_program),       cmocka_unit_test(damaged_headers),
		cmocka_unit_test(damaged_functions),   cmocka_unit_test(a_file_that_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
