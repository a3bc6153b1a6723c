#include "object/jitdump.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/reader.h"
#include "object/jitdump_impl.h"
#include "object/radix.h"

#define MAGIC         0x4a695444u
#define MAGIC_SWAPPED 0x4454694au
#define PREFIX_SIZE   16 /* of a record: type, size, time */
#define FIELDS_MAX    48 /* bytes behind it that are looked at */
#define PIECE_SIZE    (64u << 10)
#define BLOCKS        64

enum { CODE_LOAD, CODE_MOVE, CODE_DEBUG_INFO };

/* A function while the file is read. */
struct load {
	uint64_t start, time, index;
	uint32_t size, name, lines;
};

/* A record without the strings and code that it ends in. */
struct record {
	uint32_t type;
	uint64_t at, end, time;
	struct reader fields;
};

struct reading {
	struct jitdump *d;
	int fd;
	struct blocks blocks;
	struct load *loads;
	uint32_t nr, cap;
	struct hash by_index; /* of the loads, once there is a record of a move */
	bool hashed;
	bool disordered;      /* times go back */
	uint64_t info_start;  /* of the code that the last lines were of */
	uint32_t info;        /* their record, 0: none */
};

bool jitdump_is(int fd)
{
	uint32_t magic = 0;

	return io_pread(fd, &magic, sizeof(magic), 0) == sizeof(magic) && (magic == MAGIC || magic == MAGIC_SWAPPED);
}

/* The first record's place, or negative errno. */
static int64_t read_header(struct reading *r)
{
	uint8_t bytes[JITDUMP_HEADER_SIZE];
	struct reader header = reader_of(bytes, sizeof(bytes));
	uint32_t magic, version, size;
	int err;

	if (r->d->file_size < sizeof(bytes))
		return -ENODATA;
	err = blocks_read(&r->blocks, r->fd, 0, bytes, sizeof(bytes));
	if (err)
		return err;
	magic = reader_u32(&header);
	if (magic != MAGIC && magic != MAGIC_SWAPPED)
		return -EBADMSG;
	r->d->swap = header.swap = magic == MAGIC_SWAPPED;
	version = reader_u32(&header);
	size = reader_u32(&header);
	return (version == 1 || version == 2) && size >= sizeof(bytes) ? (int64_t)size : -EBADMSG;
}

/* The record at AT; 0 and END 0: there is none, or not all of it. BYTES holds its fields. */
static int read_record(struct reading *r, uint64_t at, struct record *record, uint8_t bytes[PREFIX_SIZE + FIELDS_MAX])
{
	struct reader prefix = reader_of(bytes, PREFIX_SIZE);
	uint32_t size;
	int err;

	*record = (struct record){ .at = at };
	if (r->d->file_size < PREFIX_SIZE || at > r->d->file_size - PREFIX_SIZE)
		return 0;
	err = blocks_read(&r->blocks, r->fd, at, bytes, PREFIX_SIZE);
	if (err)
		return err;
	prefix.swap = r->d->swap;
	record->type = reader_u32(&prefix);
	size = reader_u32(&prefix);
	record->time = reader_u64(&prefix);
	if (size < PREFIX_SIZE || size > r->d->file_size - at)
		return 0;
	record->end = at + size;
	size = size - PREFIX_SIZE > FIELDS_MAX ? FIELDS_MAX : size - PREFIX_SIZE;
	err = blocks_read(&r->blocks, r->fd, at + PREFIX_SIZE, bytes + PREFIX_SIZE, size);
	record->fields = reader_of(bytes + PREFIX_SIZE, size);
	record->fields.swap = r->d->swap;
	return err;
}

static uint32_t find_index(const struct reading *r, uint64_t index)
{
	uint32_t hash = hash_u64(index), pos, i;

	for (i = hash_first(&r->by_index, hash, &pos); i != HASH_NONE; i = hash_next(&r->by_index, hash, &pos))
		if (r->loads[i].index == index)
			break;
	return i;
}

/* Of those with one index the last is kept: a thousand of them would be walked along a thousand times. */
static void index_load(struct reading *r, uint32_t i)
{
	uint64_t index = r->loads[i].index;
	uint32_t known = find_index(r, index);

	if (known == HASH_NONE)
		hash_add(&r->by_index, hash_u64(index), i);
	else
		hash_move(&r->by_index, hash_u64(index), known, i);
}

static int add_load(struct reading *r, const struct load *load)
{
	struct load *added;

	/* What has no code is at no address. */
	if (!load->size || load->start >= JITCODE_ADDRESS_MAX)
		return 0;
	if (r->nr == JITCODE_NR_MAX)
		return -EFBIG;
	added = array_try_push(r->loads, r->nr, r->cap);
	if (!added)
		return -ENOMEM;
	*added = *load;
	if (r->nr > 1 && added->time < added[-1].time)
		r->disordered = true;
	if (r->hashed)
		index_load(r, r->nr - 1);
	return 0;
}

static uint32_t size_of(uint64_t size)
{
	return size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;
}

static int take_load(struct reading *r, const struct record *record)
{
	struct reader f = record->fields;
	struct load load = { .time = record->time };

	reader_skip(&f, 4 + 4 + 8); /* process, thread, address in the file that the code is to be thought to be of */
	load.start = reader_u64(&f);
	load.size = size_of(reader_u64(&f));
	load.index = reader_u64(&f);
	load.name = (uint32_t)(record->at + PREFIX_SIZE + 40);
	if (f.failed || load.name >= record->end)
		return 0;
	if (r->info && r->info_start == load.start)
		load.lines = r->info;
	r->info = 0;
	return add_load(r, &load);
}

static const struct load *find_load(struct reading *r, uint64_t index)
{
	uint32_t i;

	for (i = 0; !r->hashed && i < r->nr; i++)
		index_load(r, i);
	r->hashed = true;
	i = find_index(r, index);
	return i == HASH_NONE ? NULL : &r->loads[i];
}

/* Names and lines of code that is moved stay those of its record of loading. */
static int take_move(struct reading *r, const struct record *record)
{
	struct reader f = record->fields;
	const struct load *from;
	struct load load;
	uint64_t start, size, index;

	reader_skip(&f, 4 + 4 + 8 + 8); /* as above, and its address before */
	start = reader_u64(&f);
	size = reader_u64(&f);
	index = reader_u64(&f);
	from = f.failed ? NULL : find_load(r, index);
	if (!from)
		return 0;
	load = *from;
	load.start = start;
	load.size = size_of(size);
	load.time = record->time;
	return add_load(r, &load);
}

static void take_info(struct reading *r, const struct record *record)
{
	struct reader f = record->fields;

	r->info_start = reader_u64(&f);
	reader_skip(&f, 8);
	r->info = f.failed ? 0 : (uint32_t)record->at;
}

static int read_records(struct reading *r)
{
	uint8_t bytes[PREFIX_SIZE + FIELDS_MAX];
	int64_t at = read_header(r);
	int err = at < 0 ? (int)at : 0;

	while (!err) {
		struct record record;

		err = read_record(r, (uint64_t)at, &record, bytes);
		if (err || !record.end)
			break;
		if (record.type == CODE_LOAD)
			err = take_load(r, &record);
		else if (record.type == CODE_MOVE)
			err = take_move(r, &record);
		else if (record.type == CODE_DEBUG_INFO)
			take_info(r, &record);
		at = (int64_t)record.end;
	}
	return err;
}

/* Threads may have written their records in another order than they took the time. */
static int sort_loads(struct reading *r)
{
	struct radix_entry *order = reallocarray(NULL, r->nr, sizeof(*order));
	struct load *sorted = reallocarray(NULL, r->nr, sizeof(*sorted));
	int err = order && sorted ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < r->nr; i++)
		order[i] = (struct radix_entry){ .key = r->loads[i].time, .a = i };
	if (!err)
		err = radix_sort(order, r->nr);
	for (uint32_t i = 0; !err && i < r->nr; i++)
		sorted[i] = r->loads[order[i].a];
	if (!err) {
		free(r->loads);
		r->loads = sorted;
		sorted = NULL;
	}
	free(sorted);
	free(order);
	return err;
}

static int keep_functions(struct reading *r)
{
	struct jitdump *d = r->d;
	int err = 0;

	if (!r->nr)
		return -ENODATA;
	if (r->disordered)
		err = sort_loads(r);
	d->functions = reallocarray(NULL, r->nr, sizeof(*d->functions));
	if (!err && !d->functions)
		err = -ENOMEM;
	for (uint32_t i = 0; !err && i < r->nr; i++) {
		const struct load *from = &r->loads[i];

		d->functions[d->nr++] = (struct jitdump_function){ from->start, from->size, from->name, from->lines };
		err = jitcode_add(&d->code, from->start, from->size, i);
	}
	return err ? err : jitcode_settle(&d->code);
}

int jitdump_open(struct jitdump **out, int fd)
{
	struct jitdump *d = calloc(1, sizeof(*d));
	struct reading r = { .d = d, .fd = fd, .blocks = { .nr_lines = 1, .block_size = PIECE_SIZE } };
	struct stat st;
	int err;

	if (!d)
		return -ENOMEM;
	d->blocks.nr_lines = BLOCKS;
	err = fstat(fd, &st) ? -errno : 0;
	if (!err && st.st_size > JITDUMP_SIZE_MAX)
		err = -EFBIG;
	if (!err) {
		d->file_size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
		err = read_records(&r);
	}
	if (!err)
		err = keep_functions(&r);
	blocks_trim(&r.blocks);
	hash_fini(&r.by_index);
	free(r.loads);
	if (err)
		jitdump_free(d);
	else
		*out = d;
	return err;
}

void jitdump_free(struct jitdump *d)
{
	if (!d)
		return;
	jitdump_trim(d);
	jitcode_fini(&d->code);
	free(d->functions);
	free(d);
}

size_t jitdump_size(const struct jitdump *d)
{
	return sizeof(*d) + d->nr * sizeof(*d->functions) + jitcode_size(&d->code) + d->blocks.held;
}

uint32_t jitdump_nr(const struct jitdump *d)
{
	return d->nr;
}

void jitdump_trim(struct jitdump *d)
{
	blocks_trim(&d->blocks);
	d->walked = 0;
}

int jitdump_find(const struct jitdump *d, uint64_t address, uint32_t *function)
{
	return jitcode_find(&d->code, address, function);
}

int jitdump_name(struct jitdump *d, int fd, uint32_t function, char *out, size_t out_size)
{
	if (function >= d->nr)
		return -ENOENT;
	return blocks_string(&d->blocks, fd, d->functions[function].name, d->file_size, out, out_size);
}
