#include "daemon/kernel.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/reader.h"

#define NT_GNU_BUILD_ID 3
#define PROC_PID_INIT_INO 0xeffffffcu /* include/linux/proc_ns.h: the initial PID namespace */
/* _text stands behind the percpu symbols, some hundred lines from the top. */
#define TEXT_SEARCH_MAX (1 << 20)

uint64_t kernel_parse_text(const char *text, size_t size)
{
	const char *end = text + size, *line = text, *nl;

	for (; line < end && (nl = memchr(line, '\n', (size_t)(end - line))); line = nl + 1) {
		size_t length = (size_t)(nl - line);

		if (length > 22 && !memcmp(nl - 6, " _text", 6) && line[16] == ' ') {
			char hex[17] = { 0 };

			memcpy(hex, line, 16);
			return strtoull(hex, NULL, 16);
		}
	}
	return 0;
}

void kernel_parse_notes(const void *notes, size_t size, char *hex, size_t hex_size)
{
	struct reader r = reader_of(notes, size);

	hex[0] = 0;
	while (reader_left(&r) >= 12) { /* elf(5), Elf64_Nhdr: namesz, descsz, type, then both padded to 4 */
		uint32_t name_size = reader_u32(&r), desc_size = reader_u32(&r), type = reader_u32(&r);
		const char *name = reader_bytes(&r, ((uint64_t)name_size + 3) & ~UINT64_C(3));
		const uint8_t *desc = reader_bytes(&r, ((uint64_t)desc_size + 3) & ~UINT64_C(3));

		if (r.failed)
			return;
		if (type != NT_GNU_BUILD_ID || name_size != 4 || memcmp(name, "GNU", 4) || desc_size * 2 >= hex_size)
			continue;
		for (uint32_t i = 0; i < desc_size; i++)
			snprintf(hex + 2 * i, 3, "%02x", desc[i]);
		return;
	}
}

static void read_file(const char *path, struct buf *b, size_t limit)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	b->size = 0;
	if (fd < 0)
		return;
	io_read_all(fd, b, limit); /* what was read up to the limit is there in any case */
	close(fd);
}

bool kernel_in_pid_namespace(void)
{
	struct stat st;

	return !stat("/proc/self/ns/pid", &st) && st.st_ino != PROC_PID_INIT_INO;
}

void kernel_read(struct kernel *k)
{
	struct buf b = { 0 };
	char number[16] = "";
	struct stat st;

	memset(k, 0, sizeof(*k));
	/* Where systemd's ProtectKernelTunables= hides /proc/kallsyms, the unit binds it here. */
	k->kallsyms = !stat("/run/pprofd-kallsyms", &st) ? "/run/pprofd-kallsyms" : "/proc/kallsyms";
	read_file(k->kallsyms, &b, TEXT_SEARCH_MAX);
	k->text = kernel_parse_text((char *)b.data, b.size);
	read_file("/proc/sys/kernel/kptr_restrict", &b, 64);
	k->restricted = b.size && b.data[0] != '0';
	read_file("/proc/sys/kernel/perf_event_max_stack", &b, 64);
	k->max_stack = b.size ? (uint32_t)strtoul((char *)memcpy(number, b.data, b.size < 15 ? b.size : 15), NULL, 10) : 0;
	read_file("/sys/kernel/notes", &b, 64 << 10);
	kernel_parse_notes(b.data, b.size, k->build_id, sizeof(k->build_id));
	if (getrandom(&k->blind, sizeof(k->blind), GRND_NONBLOCK) != sizeof(k->blind))
		k->blind = 0; /* then only the image's addresses are told apart */
	k->blind &= ~UINT64_C(4095);
	buf_fini(&b);
}

int kernel_open_kallsyms(const struct kernel *k)
{
	return k->text ? open(k->kallsyms, O_RDONLY | O_CLOEXEC) : -1;
}
