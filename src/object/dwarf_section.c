#include "object/dwarf_section.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "base/unzstd.h"
#include "object/elf.h"

#define PACKED_SIZE (256u << 10) /* compressed bytes read at once */

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif

struct dwarf_unpack {
	struct unzstd *zstd; /* NULL: zlib */
	z_stream zlib;
	bool zlib_open;
	size_t pos, size; /* in packed: taken, there */
	uint8_t packed[PACKED_SIZE];
};

static void unpack_free(struct dwarf_unpack *u)
{
	if (!u)
		return;
	if (u->zlib_open)
		inflateEnd(&u->zlib);
	unzstd_free(u->zstd);
	free(u);
}

static int unpack_new(struct dwarf_unpack **out, uint32_t type)
{
	struct dwarf_unpack *u = calloc(1, sizeof(*u));
	int err = 0;

	if (!u)
		return -ENOMEM;
	if (type == ELFCOMPRESS_ZLIB)
		err = inflateInit(&u->zlib) == Z_OK ? 0 : -ENOMEM;
	else if (type == ELFCOMPRESS_ZSTD)
		err = unzstd_new(&u->zstd);
	else
		err = -ENOTSUP;
	u->zlib_open = !err && !u->zstd;
	if (err)
		unpack_free(u);
	else
		*out = u;
	return err;
}

static int unpack_zlib(struct dwarf_unpack *u, const uint8_t *in, size_t *in_size, uint8_t *out,
		       size_t *out_size)
{
	int ret;

	u->zlib.next_in = (Bytef *)(uintptr_t)in;
	u->zlib.avail_in = (uInt)*in_size;
	u->zlib.next_out = out;
	u->zlib.avail_out = (uInt)*out_size;
	ret = inflate(&u->zlib, Z_NO_FLUSH);
	if (ret != Z_OK && ret != Z_STREAM_END && ret != Z_BUF_ERROR)
		return -EBADMSG;
	*in_size -= u->zlib.avail_in;
	*out_size -= u->zlib.avail_out;
	return 0;
}

/* More contents, some bytes at least. */
static int unpack_more(struct dwarf_section *s, size_t room)
{
	struct dwarf_unpack *u = s->unpack;
	size_t in, out = room;
	int err;

	if (u->pos == u->size && s->left) {
		u->size = s->left < sizeof(u->packed) ? (size_t)s->left : sizeof(u->packed);
		u->pos = 0;
		err = elf_read(s->elf, s->offset, u->packed, u->size);
		if (err) {
			u->size = 0;
			return err;
		}
		s->offset += u->size;
		s->left -= u->size;
	}
	in = u->size - u->pos;
	err = u->zstd ? unzstd_step(u->zstd, u->packed + u->pos, &in, s->data + s->ready, &out)
		      : unpack_zlib(u, u->packed + u->pos, &in, s->data + s->ready, &out);
	if (err)
		return err;
	if (!in && !out)
		return -EBADMSG; /* it ends before the size that it claims */
	u->pos += in;
	s->ready += out;
	return 0;
}

int dwarf_section_need(struct dwarf_section *s, uint64_t upto)
{
	int err = 0;

	if (upto > s->size)
		upto = s->size;
	while (!err && s->ready < upto) {
		uint64_t room = s->size - s->ready;
		size_t step = room < DWARF_STEP_SIZE ? (size_t)room : DWARF_STEP_SIZE;

		if (s->unpack) {
			err = unpack_more(s, step);
			continue;
		}
		err = elf_read(s->elf, s->offset, s->data + s->ready, step);
		if (!err) {
			s->offset += step;
			s->ready += step;
		}
	}
	if (!err && s->ready == s->size && s->unpack) {
		unpack_free(s->unpack);
		s->unpack = NULL;
	}
	return err;
}

void dwarf_section_forget(struct dwarf_section *s, uint64_t upto)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	upto = (upto < s->ready ? upto : s->ready) & ~(page - 1);
	if (upto <= s->gone || upto - s->gone < DWARF_STEP_SIZE)
		return;
	madvise(s->data + s->gone, upto - s->gone, MADV_DONTNEED);
	s->gone = upto;
}

/* gABI: Elf64_Chdr, Elf32_Chdr; binutils' older format has neither flag nor type. */
static int read_header(struct dwarf_section *s, const struct elf_section *from, bool old,
		       uint32_t *type)
{
	size_t size = old ? 12 : elf_is_64(s->elf) ? sizeof(Elf64_Chdr) : sizeof(Elf32_Chdr);
	uint8_t bytes[sizeof(Elf64_Chdr)];
	struct reader r = reader_of(bytes, size);
	int err = from->size < size ? -EBADMSG : elf_read(s->elf, from->offset, bytes, size);

	if (err)
		return err;
	r.swap = elf_swap(s->elf);
	if (old) {
		r.swap = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
		if (memcmp(reader_bytes(&r, 4), "ZLIB", 4))
			return -EBADMSG;
		*type = ELFCOMPRESS_ZLIB;
		s->size = reader_u64(&r);
	} else {
		*type = reader_u32(&r);
		if (elf_is_64(s->elf))
			reader_skip(&r, 4);
		s->size = elf_is_64(s->elf) ? reader_u64(&r) : reader_u32(&r);
	}
	s->offset += size;
	s->left -= size;
	return 0;
}

static const struct elf_section *find(const struct elf *e, const char *name, bool *old)
{
	const struct elf_section *s = elf_find_section(e, name);
	char z[64];

	*old = false;
	if (!s || !s->size || s->type == SHT_NOBITS) {
		snprintf(z, sizeof(z), ".z%s", name + 1);
		s = elf_find_section(e, z);
		*old = true;
	}
	return s && s->size && s->type != SHT_NOBITS ? s : NULL;
}

int dwarf_section_open(struct dwarf_section *s, const struct elf *e, const char *name,
		       uint64_t limit)
{
	bool old;
	const struct elf_section *from = find(e, name, &old);
	uint32_t type = 0;
	void *p;
	int err = 0;

	memset(s, 0, sizeof(*s));
	if (!from)
		return 0;
	s->elf = e;
	s->offset = from->offset;
	s->left = s->size = from->size;
	if (old || (from->flags & SHF_COMPRESSED)) {
		err = read_header(s, from, old, &type);
		if (!err && s->size / DWARF_RATIO_MAX > elf_file_size(e))
			err = -EFBIG;
		if (!err)
			err = unpack_new(&s->unpack, type);
	}
	if (!err && s->size > limit)
		err = -EFBIG;
	if (!err) {
		p = mmap(NULL, s->size + 1, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p == MAP_FAILED)
			err = -ENOMEM;
		else
			s->data = p;
	}
	if (err)
		dwarf_section_close(s);
	return err;
}

void dwarf_section_close(struct dwarf_section *s)
{
	if (s->data)
		munmap(s->data, s->size + 1);
	unpack_free(s->unpack);
	memset(s, 0, sizeof(*s));
}
