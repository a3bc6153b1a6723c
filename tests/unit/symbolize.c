/* symbolize: a profile's locations get functions, and the cache keeps what was learned. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mem.h"
#include "object/elf.h"
#include "object/symtab.h"
#include "profile/profile.h"
#include "symbolize/object_cache.h"
#include "symbolize/name_table.h"
#include "symbolize/symbolize.h"
#include "symbolize/vdso.h"
#include "tests/fdegen.h"

#define FUNC ELF64_ST_INFO(STB_GLOBAL, STT_FUNC)
#define TEXT 0xffffffff81000000

static const struct elfgen_symbol symbols[] = {
	{ "_ZN3foo3barEi", 0x401000, 0x40, FUNC, 0, 0 },
	{ "plain", 0x401100, 0x40, FUNC, 0, 0 },
	{ "bad\001name", 0x401200, 0x40, FUNC, 0, 0 },
	{ "", 0x401300, 0x40, FUNC, 0, 0 },
};

static const char kallsyms[] = "ffffffff81000000 T _text\n"
			       "ffffffff81000100 T schedule\n"
			       "ffffffff81000200 T _etext\n"
			       "ffffffffc0000000 t probe\t[e1000]\n";

struct fixture {
	struct symbolizer *s;
	struct elfgen gen;
	struct symbolize_object object;
	struct profile *p;
	struct symbolize_stats stats;
	unsigned nr_notices;
	uint32_t noticed;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->gen = (struct elfgen){ .symbols = symbols,
				  .nr_symbols = 4,
				  .build_id = "twenty bytes of it!",
				  .build_id_size = 20 };
	elfgen_make(&f->gen);
	f->object = (struct symbolize_object){
		.id = { .dev = 1, .inode = 2, .size = f->gen.size, .mtime_ns = 3, .ctime_ns = 4 },
		.fd = io_memfd("object", f->gen.bytes, f->gen.size),
	};
	f->s = symbolizer_new(1 << 20);
	f->p = profile_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	symbolizer_free(f->s);
	profile_free(f->p);
	close(f->object.fd);
	free(f);
	return 0;
}

static uint32_t add_mapping(struct profile *p, uint64_t start, uint64_t size, uint64_t offset,
			    const char *name, uint32_t object)
{
	return profile_mapping(p, &(struct profile_mapping){ .start = start,
							     .limit = start + size,
							     .offset = offset,
							     .filename = profile_string(p, name),
							     .object = object });
}

static void note(void *ctx, uint32_t object)
{
	struct fixture *f = ctx;

	f->nr_notices++;
	f->noticed = object;
}

static void run(struct fixture *f)
{
	symbolize(f->s, f->p, &f->object, 1, note, f, &f->stats);
}

static void new_window(struct fixture *f)
{
	profile_free(f->p);
	f->p = profile_new();
}

static void assert_function(struct fixture *f, uint32_t location, const char *name,
			    const char *system_name)
{
	const struct profile_location *l = &f->p->locations[location];
	const struct profile_function *function;

	assert_int_equal(l->nr_lines, 1);
	function = &f->p->functions[f->p->lines[l->first_line].function];
	assert_string_equal(profile_str(f->p, function->name), name);
	assert_string_equal(profile_str(f->p, function->system_name), system_name);
	assert_int_equal(f->p->lines[l->first_line].line, 0);
}

#ifdef DEMANGLE
#define FOO_BAR "foo::bar"
#else
#define FOO_BAR "_ZN3foo3barEi"
#endif

/* Mapped at 0x7f0000000000 from file offset 0x1000, of which 0x401000 is the address. */
static void names_from_a_file(void **state)
{
	struct fixture *f = *state;
	uint32_t m = add_mapping(f->p, 0x7f0000000000, 0x1000, 0x1000, "/usr/lib/libfoo.so", 1);
	uint32_t l[] = {
		profile_location(f->p, m, 0x7f0000000010),
		profile_location(f->p, m, 0x7f0000000030),
		profile_location(f->p, m, 0x7f0000000110),
		profile_location(f->p, m, 0x7f0000000210),
	};
	uint32_t nr_functions;

	run(f);
	assert_function(f, l[0], FOO_BAR, "_ZN3foo3barEi");
	assert_function(f, l[1], FOO_BAR, "_ZN3foo3barEi");
	assert_function(f, l[2], "plain", "plain");
	assert_function(f, l[3], "bad\\x01name", "bad\\x01name");
	assert_int_equal(f->p->nr_functions, 3);
	assert_true(f->p->mappings[m].has_functions);
	assert_false(f->p->mappings[m].has_line_numbers);
	assert_int_equal(f->stats.nr_locations, 4);
	assert_int_equal(f->stats.nr_named, 4);
	assert_int_equal(f->stats.nr_objects, 1);
	assert_int_equal(f->stats.nr_objects_failed, 0);
	assert_int_equal(f->nr_notices, 1);
	assert_int_equal(f->noticed, 0);

	/* Again: nothing is left to do. */
	nr_functions = f->p->nr_functions;
	run(f);
	assert_int_equal(f->stats.nr_locations, 0);
	assert_int_equal(f->p->nr_functions, nr_functions);
	assert_true(f->p->mappings[m].has_functions);
}

static void without_a_name_the_mapping_names_it(void **state)
{
	struct fixture *f = *state;
	uint32_t m = add_mapping(f->p, 0x10000, 0x1000, 0x1000, "/usr/lib/libfoo.so", 1);
	uint32_t anon = add_mapping(f->p, 0x90000, 0x1000, 0, "//anon", 0);
	uint32_t bracket = add_mapping(f->p, 0xa0000, 0x1000, 0, "[stack]", 0);
	uint32_t nothing = add_mapping(f->p, 0xb0000, 0x1000, 0, "", 7);
	uint32_t named = profile_location(f->p, m, 0x10110),
		 unnamed = profile_location(f->p, m, 0x10800);
	uint32_t empty = profile_location(f->p, m, 0x10310),
		 outside = profile_location(f->p, m, 0x90000000);
	uint32_t a = profile_location(f->p, anon, 0x90010),
		 b = profile_location(f->p, bracket, 0xa0010);
	uint32_t c = profile_location(f->p, nothing, 0xb0010);
	uint32_t none = profile_location(f->p, PROFILE_NO_MAPPING, 0x1234);
	uint32_t lost = profile_pseudo(f->p, "[lost]");

	run(f);
	assert_function(f, named, "plain", "plain");
	assert_function(f, unnamed, "[libfoo.so]", "[libfoo.so]");
	assert_function(f, empty, "[libfoo.so]", "[libfoo.so]");
	assert_function(f, outside, "[libfoo.so]", "[libfoo.so]");
	assert_function(f, a, "[anon]", "[anon]");
	assert_function(f, b, "[stack]", "[stack]");
	assert_function(f, c, "[unknown]", "[unknown]");
	assert_function(f, none, "[unknown]", "[unknown]");
	assert_function(f, lost, "[lost]", "[lost]");
	assert_false(f->p->mappings[m].has_functions);
	assert_int_equal(f->stats.nr_locations, 8);
	assert_int_equal(f->stats.nr_named, 1);
}

/* Symbols without size end where a function begins; what has bounds only is called by them. */
static void bounds_where_there_is_no_name(void **state)
{
	static const struct fdegen_function functions[] = {
		{ 0x401000, 0x40 }, { 0x401080, 0x40 }, { 0x401100, 0x60 }, { 0x401400, 0x80 },
	};
	static const struct elfgen_symbol few[] = {
		{ "plain", 0x401100, 0x40, FUNC, 0, 0 },
		{ "unsized", 0x401200, 0, FUNC, 0, 0 },
	};
	struct fixture *f = *state;
	struct fdegen g = { .elf = { .symbols = few, .nr_symbols = 2 },
			    .functions = functions,
			    .nr = 4 };

	fdegen_make(&g);
	assert_int_equal(pwrite(f->object.fd, g.elf.bytes, g.elf.size, 0), g.elf.size);
	for (unsigned turn = 0; turn < 3; turn++) {
		uint32_t m, named, l[6];

		new_window(f);
		m = add_mapping(f->p, 0x10000, 0x1000, 0x1000, "/usr/lib/libfoo.so", 1);
		named = add_mapping(f->p, 0x20000, 0x1000, 0x1000, "/usr/lib/libfoo.so", 1);
		l[0] = profile_location(f->p, m, 0x10000);
		l[1] = profile_location(f->p, m, 0x1003f);
		l[2] = profile_location(f->p, named, 0x20110);
		l[3] = profile_location(f->p, m, 0x10150); /* past the symbol, in its function */
		l[4] = profile_location(f->p, named, 0x20210);
		l[5] = profile_location(f->p, m, 0x10450);
		run(f);
		assert_function(f, l[0], "libfoo.so+0x401000", "libfoo.so+0x401000");
		assert_function(f, l[1], "libfoo.so+0x401000", "libfoo.so+0x401000");
		assert_function(f, l[2], "plain", "plain");
		assert_function(f, l[3], "libfoo.so+0x401100", "libfoo.so+0x401100");
		assert_function(f, l[4], "unsized", "unsized");
		assert_function(f, l[5], "libfoo.so+0x401400", "libfoo.so+0x401400");
		assert_int_equal(f->p->nr_functions, 5);
		assert_int_equal(f->stats.nr_named, 2);
		assert_int_equal(f->stats.nr_bounded, 4);
		assert_false(f->p->mappings[m].has_functions);
		assert_true(f->p->mappings[named].has_functions);
		if (turn == 1) /* what was seen needs the file no more */
			assert_int_equal(ftruncate(f->object.fd, 0), 0);
	}
	assert_int_equal(f->nr_notices, 1);
}

static void addresses_seen_before(void **state)
{
	struct seen s = { 0 };
	uint32_t number;

	(void)state;
	assert_false(seen_find(&s, 0, &number));
	for (uint32_t i = 0; i < SEEN_MAX; i++)
		seen_add(&s, i * UINT64_C(0x100000001), i);
	for (uint32_t i = 0; i < SEEN_MAX; i += 97) {
		assert_true(seen_find(&s, i * UINT64_C(0x100000001), &number));
		assert_int_equal(number, i);
		assert_false(seen_find(&s, i * UINT64_C(0x100000001) + 1, &number));
	}
	assert_in_range(seen_size(&s), SEEN_MAX * 12, SEEN_MAX * 12 * 4);
	seen_add(&s, 1, 7); /* over the limit it begins anew */
	assert_false(seen_find(&s, 0, &number));
	assert_true(seen_find(&s, 1, &number));
	assert_int_equal(s.nr, 1);
	seen_fini(&s);
	assert_int_equal(seen_size(&s), 0);
}

static void another_build_id_means_no_names(void **state)
{
	struct fixture *f = *state;
	uint32_t m, l;

	for (unsigned turn = 0; turn < 3; turn++) {
		new_window(f);
		m = add_mapping(f->p, 0x10000, 0x1000, 0x1000, "libfoo.so", 1);
		l = profile_location(f->p, m, 0x10110);
		f->object.build_id_size = 20;
		memcpy(f->object.build_id, f->gen.build_id, 20);
		f->object.build_id[19] = turn == 1;
		run(f);
		assert_function(f, l, turn == 1 ? "[libfoo.so]" : "plain",
				turn == 1 ? "[libfoo.so]" : "plain");
		assert_int_equal(f->stats.nr_objects_failed, turn == 1);
		assert_int_equal(f->stats.nr_cached, turn > 0);
	}
}

static void a_file_is_parsed_once(void **state)
{
	struct fixture *f = *state;
	uint32_t l;

	for (unsigned turn = 0; turn < 3; turn++) {
		new_window(f);
		l = profile_location(f->p, add_mapping(f->p, 0x10000, 0x1000, 0x1000, "x", 1),
				     0x10110);
		run(f);
		assert_function(f, l, "plain", "plain");
		assert_int_equal(f->stats.nr_cached, turn > 0);
	}
	assert_int_equal(f->nr_notices, 1);

	/* Its names too: they need the file no more. */
	assert_int_equal(ftruncate(f->object.fd, 0), 0);
	new_window(f);
	l = profile_location(f->p, add_mapping(f->p, 0x10000, 0x1000, 0x1000, "x", 1), 0x10120);
	run(f);
	assert_function(f, l, "plain", "plain");

	/* Identity decides, not the path. */
	f->object.id.mtime_ns++;
	new_window(f);
	l = profile_location(f->p, add_mapping(f->p, 0x10000, 0x1000, 0x1000, "x", 1), 0x10120);
	run(f);
	assert_function(f, l, "[x]", "[x]");
	assert_int_equal(f->nr_notices, 2);
}

static void what_is_no_elf_is_known_too(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(pwrite(f->object.fd, "#!/bin/sh", 9, 0), 9);
	for (unsigned turn = 0; turn < 2; turn++) {
		uint32_t l;

		new_window(f);
		l = profile_location(f->p, add_mapping(f->p, 0x10000, 0x1000, 0x1000, "/bin/x", 1),
				     0x10110);
		run(f);
		assert_function(f, l, "[x]", "[x]");
		assert_int_equal(f->stats.nr_objects_failed, 0);
	}
	assert_int_equal(f->nr_notices, 1);
}

static void quarantined_objects_stay_shut(void **state)
{
	struct fixture *f = *state;
	uint32_t l = profile_location(f->p, add_mapping(f->p, 0x10000, 0x1000, 0x1000, "/bin/x", 1),
				      0x10110);

	f->object.quarantined = true;
	run(f);
	assert_function(f, l, "[x]", "[x]");
	assert_int_equal(f->nr_notices, 0);
	assert_int_equal(f->stats.nr_objects_failed, 1);
}

static void kernel_names(void **state)
{
	struct fixture *f = *state;
	int fd = io_memfd("kallsyms", kallsyms, sizeof(kallsyms) - 1);
	int zeros = io_memfd("kallsyms", "0000000000000000 T _text\n", 25);

	for (unsigned relative = 0; relative < 2; relative++) {
		uint64_t base = relative ? 0 : TEXT;
		uint32_t m, l[4];

		new_window(f);
		m = add_mapping(f->p, base, 0x80000000, 0, "[kernel.kallsyms]", 0);
		l[0] = profile_location(f->p, m, base + 0x10);
		l[1] = profile_location(f->p, m, base + 0x110);
		l[2] = profile_location(f->p, m, base + 0x210);
		l[3] = profile_location(f->p, m, base + 0x3f000010);
		assert_int_equal(symbolizer_set_kernel(f->s, relative ? -1 : fd, relative, 0), 0);
		assert_int_equal(symbolizer_set_kernel(f->s, zeros, relative, 0),
				 -EACCES); /* what was read stays */
		run(f);
		assert_function(f, l[0], "_text", "_text");
		assert_function(f, l[1], "schedule", "schedule");
		assert_function(f, l[2], "[kernel.kallsyms]", "[kernel.kallsyms]");
		assert_function(f, l[3], "probe", "probe");
		assert_false(f->p->mappings[m].has_functions);
		assert_true(symbolizer_size(f->s) > 100);
	}
	close(fd);
	close(zeros);
}

static void kernel_without_symbols(void **state)
{
	struct fixture *f = *state;
	uint32_t m = add_mapping(f->p, TEXT, 0x1000000, 0, "[kernel.kallsyms]", 0);
	uint32_t l = profile_location(f->p, m, TEXT + 0x110);

	run(f);
	assert_function(f, l, "[kernel.kallsyms]", "[kernel.kallsyms]");
}

static void vdso_names(void **state)
{
	struct fixture *f = *state;
	struct symtab *t;
	struct symbol symbol;
	struct elf *e;
	uint64_t size, start = 0x7fff00000000;
	uint32_t good, other;
	int fd = vdso_open(&size);

	if (fd < 0)
		skip();
	assert_int_equal(elf_open(&e, fd), 0);
	assert_int_equal(symtab_open(&t, e), 0);
	for (uint64_t vaddr = 0;; vaddr += 16) {
		assert_true(vaddr < size);
		if (!symtab_find(t, fd, vaddr, &symbol) && strstr(symbol.name, "clock_gettime"))
			break;
	}
	good = profile_location(f->p, add_mapping(f->p, start, size, 0, "[vdso]", 0),
				start + symbol.start + 1);
	other = profile_location(f->p, add_mapping(f->p, start, size + 4096, 0, "[vdso]", 0),
				 start + symbol.start + 1);
	run(f);
	assert_function(f, good, symbol.name, symbol.name);
	assert_function(f, other, "[vdso]", "[vdso]");
	symtab_free(t);
	elf_close(e);
	close(fd);
}

static void cache_keeps_its_budget(void **state)
{
	struct object_cache c = { .budget = 10 * sizeof(struct cached) };

	for (uint32_t i = 0; i < 100; i++) {
		struct object_id id = { .dev = i };

		assert_null(object_cache_find(&c, &id));
		object_cache_settle(&c, object_cache_add(&c, &id));
		object_cache_find(&c,
				  &(struct object_id){ .dev = 3 }); /* stays the newest but one */
		assert_true(c.size <= c.budget);
	}
	assert_int_equal(c.nr, 10);
	assert_non_null(object_cache_find(&c, &(struct object_id){ .dev = 3 }));
	assert_non_null(object_cache_find(&c, &(struct object_id){ .dev = 91 }));
	assert_null(object_cache_find(&c, &(struct object_id){ .dev = 90 }));
	assert_null(object_cache_find(&c, &(struct object_id){ .dev = 3, .size = 1 }));
	object_cache_set_budget(&c, 0);
	assert_int_equal(c.nr, 0);
	assert_int_equal(c.size, 0);
	object_cache_fini(&c);
}

/* With no cache at all it is slower and right. */
static void works_without_cache(void **state)
{
	struct fixture *f = *state;

	symbolizer_set_cache_size(f->s, 0);
	for (unsigned turn = 0; turn < 2; turn++) {
		uint32_t l;

		new_window(f);
		l = profile_location(f->p, add_mapping(f->p, 0x10000, 0x1000, 0x1000, "x", 1),
				     0x10010);
		run(f);
		assert_function(f, l, FOO_BAR, "_ZN3foo3barEi");
		assert_int_equal(f->stats.nr_cached, 0);
	}
	symbolizer_free(NULL);
}

/* What a symbolizer asked for, and what it gets. */
struct debug_wish {
	unsigned nr;
	uint32_t object;
	enum symbolize_file file;
	bool another;
	struct debug_names names;
	int fd; /* −1: later, perhaps */
};

static int take_wish(void *ctx, uint32_t object, enum symbolize_file file, bool another,
		     const struct debug_names *names)
{
	struct debug_wish *w = ctx;

	w->nr++;
	w->object = object;
	w->file = file;
	w->another = another;
	w->names = *names;
	return w->fd < 0 ? -EAGAIN : dup(w->fd);
}

/* A stripped object: it exports "plain" alone. */
static void strip_object(struct fixture *f)
{
	static const struct elfgen_symbol exported[] = { { "plain", 0x401100, 0x40, FUNC, 0, 0 } };

	f->gen.symbols = exported;
	f->gen.nr_symbols = 1;
	f->gen.dynsym = true;
	elfgen_make(&f->gen);
	close(f->object.fd);
	f->object.fd = io_memfd("object", f->gen.bytes, f->gen.size);
}

/* What was taken out of it; or, with OTHER, of another build. */
static int debug_file(bool other)
{
	struct elfgen *g = xcalloc(1, sizeof(*g));
	int fd;

	*g = (struct elfgen){ .symbols = symbols, .nr_symbols = 4, .build_id = "twenty bytes of it!",
			      .build_id_size = 20 };
	g->build_id[7] += other;
	elfgen_make(g);
	fd = io_memfd("debug", g->bytes, g->size);
	free(g);
	return fd;
}

/* One window with COUNT samples in what only the debug file names, and one in "plain". */
static uint32_t debug_window(struct fixture *f, int64_t count)
{
	uint32_t m, l, plain, stack;
	int64_t values[] = { count };

	new_window(f);
	profile_add_type(f->p, "samples", "count");
	m = add_mapping(f->p, 0x10000, 0x1000, 0x1000, "/usr/lib/libfoo.so", 1);
	l = profile_location(f->p, m, 0x10010);
	plain = profile_location(f->p, m, 0x10110);
	stack = profile_stack(f->p, &l, 1);
	profile_add(f->p, stack, 0, values);
	run(f);
	assert_function(f, plain, "plain", "plain");
	return l;
}

static void debug_files_are_wanted_once_earned(void **state)
{
	struct fixture *f = *state;
	struct debug_wish wish = { .fd = -1 };
	int debug = debug_file(false);

	strip_object(f);
	symbolizer_set_debug(f->s, &(struct symbolize_debug){ .earned = 50, .want = take_wish, .ctx = &wish });
	assert_function(f, debug_window(f, 49), "[libfoo.so]", "[libfoo.so]");
	assert_int_equal(wish.nr, 0);
	assert_function(f, debug_window(f, 1), "[libfoo.so]", "[libfoo.so]");
	assert_int_equal(wish.nr, 1);
	assert_int_equal(wish.object, 0);
	assert_int_equal(wish.file, SYMBOLIZE_DEBUG_FILE);
	assert_true(debug_names_valid(&wish.names));
	assert_int_equal(wish.names.build_id_size, 20);
	assert_memory_equal(wish.names.build_id, "twenty bytes of it!", 20);
	debug_window(f, 1);
	assert_int_equal(wish.nr, 1); /* not at once again */

	/* It comes, and what was known before is known better; once taken it is not needed again. */
	f->object.debug_fd = debug;
	assert_function(f, debug_window(f, 1), FOO_BAR, "_ZN3foo3barEi");
	close(debug);
	f->object.debug_fd = 0;
	for (unsigned i = 0; i < 40; i++)
		assert_function(f, debug_window(f, 100), FOO_BAR, "_ZN3foo3barEi");
	assert_int_equal(wish.nr, 1);
}

/* And the next one is wanted at once, however little else there is to name. */
static void debug_files_of_others_are_refused(void **state)
{
	struct fixture *f = *state;
	struct debug_wish wish = { .fd = -1 };
	int right = debug_file(false);
	int others[] = { debug_file(true), io_memfd("debug", "junk", 4), -1 };

	for (unsigned i = 0; i < 3; i++) {
		symbolizer_free(f->s);
		f->s = symbolizer_new(1 << 20);
		symbolizer_set_debug(f->s, &(struct symbolize_debug){ .earned = 1, .want = take_wish, .ctx = &wish });
		strip_object(f);
		if (others[i] < 0)
			others[i] = dup(f->object.fd);
		f->object.debug_fd = others[i];
		for (unsigned k = 0; k < 20; k++)
			assert_function(f, debug_window(f, 1), "[libfoo.so]", "[libfoo.so]");
		assert_true(wish.nr && wish.another);
		assert_int_equal(wish.file, SYMBOLIZE_DEBUG_FILE);
		close(others[i]);
		/* It has gone: whether there is a new one is asked now and then. */
		f->object.debug_fd = -1;
		wish.nr = 0;
		for (unsigned k = 0; k < 20; k++)
			assert_function(f, debug_window(f, 1), "[libfoo.so]", "[libfoo.so]");
		assert_in_range(wish.nr, 2, 10);
		assert_false(wish.another);
		f->object.debug_fd = right;
		assert_function(f, debug_window(f, 1), FOO_BAR, "_ZN3foo3barEi");
		f->object.debug_fd = -1;
	}
	close(right);
}

static void debug_files_that_can_be_had_are_taken_at_once(void **state)
{
	struct fixture *f = *state;
	struct debug_wish wish = { .fd = debug_file(false) };

	strip_object(f);
	symbolizer_set_debug(f->s, &(struct symbolize_debug){ .want = take_wish, .ctx = &wish });
	assert_function(f, debug_window(f, 1), FOO_BAR, "_ZN3foo3barEi");
	assert_int_equal(wish.nr, 1);
	debug_window(f, 1);
	assert_int_equal(wish.nr, 1);
	close(wish.fd);
}

/* What has symbols of its own wants none. */
static void debug_files_are_not_for_all(void **state)
{
	struct fixture *f = *state;
	struct debug_wish wish = { .fd = -1 };

	symbolizer_set_debug(f->s, &(struct symbolize_debug){ .earned = 1, .want = take_wish, .ctx = &wish });
	assert_function(f, debug_window(f, 100), FOO_BAR, "_ZN3foo3barEi");
	assert_int_equal(wish.nr, 0);
}

/* The ending of a stub is no part of the mangled name. */
static void stubs_are_demangled(void **state)
{
	static const struct { const char *raw, *name; } cases[] = {
#ifdef DEMANGLE
		{ "_ZN3abc3defEv@plt", "abc::def@plt" },
#endif
		{ "memcpy@plt", "memcpy@plt" },
		{ "*ABS*+0x1234@plt", "*ABS*+0x1234@plt" },
		{ "_Z@plt", "_Z@plt" },
		{ "@plt", "@plt" },
		{ "plt", "plt" },
	};
	struct name_table t = { 0 };
	char raw[5000];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct name *n = name_table_add(&t, i, cases[i].raw);

		assert_string_equal(name_table_text(&t, n->name), cases[i].name);
		assert_string_equal(name_table_text(&t, n->system_name), cases[i].raw);
	}
	memset(raw, 'x', sizeof(raw));
	strcpy(raw + sizeof(raw) - 5, "@plt");
	assert_non_null(name_table_add(&t, 100, raw)); /* too long for any name */
	raw[4090] = 0;
	strcpy(raw + 4086, "@plt");
	assert_non_null(name_table_add(&t, 101, raw));
	name_table_fini(&t);
}

static void names_have_a_limit(void **state)
{
	struct name_table t = { 0 };
	static char raw[SYMTAB_NAME_MAX];
	uint32_t i;

	memset(raw, 'n', sizeof(raw) - 1);
	for (i = 0; name_table_add(&t, i, raw); i++)
		;
	assert_in_range(i, NAME_TABLE_TEXT_MAX / 8192, NAME_TABLE_TEXT_MAX / 4096 + 1);
	assert_non_null(name_table_find(&t, i - 1));
	assert_null(name_table_find(&t, i));
	name_table_fini(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_from_a_file),
		TEST(without_a_name_the_mapping_names_it),
		TEST(bounds_where_there_is_no_name),
		TEST(addresses_seen_before),
		TEST(another_build_id_means_no_names),
		TEST(a_file_is_parsed_once),
		TEST(what_is_no_elf_is_known_too),
		TEST(quarantined_objects_stay_shut),
		TEST(kernel_names),
		TEST(kernel_without_symbols),
		TEST(vdso_names),
		TEST(cache_keeps_its_budget),
		TEST(works_without_cache),
		TEST(names_have_a_limit),
		TEST(stubs_are_demangled),
		TEST(debug_files_are_wanted_once_earned),
		TEST(debug_files_of_others_are_refused),
		TEST(debug_files_that_can_be_had_are_taken_at_once),
		TEST(debug_files_are_not_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
