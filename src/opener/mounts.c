#include "opener/mounts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* virtiofs and 9p are not here: they are what virtual machines have their root on, served by the
 * host. */
static const char *const remote_types[] = {
	"afs",	"autofs",  "beegfs", "ceph", "cifs", "coda",
	"fuse", "fuseblk", "lustre", "nfs",  "nfs4", "smb3",
};

static const uint32_t remote_magics[] = {
	0x6b414653, /* afs */
	0x00000187, /* autofs */
	0x00c36400, /* ceph */
	0xff534d42, /* cifs */
	0x73757245, /* coda */
	0x65735546, /* fuse */
	0x0bd00bd0, /* lustre */
	0x00006969, /* nfs */
	0xfe534d42, /* smb2 and 3 */
};

static enum mount_kind kind_of_type(const char *type, size_t size)
{
	if (size > 5 && !memcmp(type, "fuse.", 5))
		return MOUNT_REMOTE;
	for (size_t i = 0; i < sizeof(remote_types) / sizeof(remote_types[0]); i++)
		if (strlen(remote_types[i]) == size && !memcmp(type, remote_types[i], size))
			return MOUNT_REMOTE;
	return MOUNT_LOCAL;
}

enum mount_kind mount_kind_of_magic(uint64_t f_type)
{
	for (size_t i = 0; i < sizeof(remote_magics) / sizeof(remote_magics[0]); i++)
		if ((uint32_t)f_type == remote_magics[i])
			return MOUNT_REMOTE;
	return MOUNT_LOCAL;
}

struct mount_line {
	uint64_t id;
	unsigned major, minor;
	const char *type;
	size_t type_size;
};

/* "36 35 98:0 /root /mount/point rw,noatime master:1 - ext4 /dev/sda rw": names are escaped, so
 * that " - " comes once. */
static bool parse_line(const char *line, size_t size, struct mount_line *m)
{
	char head[64];
	size_t n = size < sizeof(head) - 1 ? size : sizeof(head) - 1;
	const char *dash = memmem(line, size, " - ", 3), *end;

	memcpy(head, line, n);
	head[n] = 0;
	if (!dash || sscanf(head, "%" SCNu64 " %*u %u:%u", &m->id, &m->major, &m->minor) != 3)
		return false;
	m->type = dash + 3;
	end = memchr(m->type, ' ', size - (size_t)(m->type - line));
	m->type_size = end ? (size_t)(end - m->type) : size - (size_t)(m->type - line);
	return true;
}

static bool next_line(const char *text, size_t size, size_t *pos, struct mount_line *m)
{
	while (*pos < size) {
		const char *line = text + *pos, *nl = memchr(line, '\n', size - *pos);
		size_t n = nl ? (size_t)(nl - line) : size - *pos;

		*pos += n + 1;
		if (parse_line(line, n, m))
			return true;
	}
	return false;
}

enum mount_kind mount_kind_of_id(const char *mountinfo, size_t size, uint64_t id)
{
	struct mount_line m;

	for (size_t pos = 0; next_line(mountinfo, size, &pos, &m);)
		if (m.id == id)
			return kind_of_type(m.type, m.type_size);
	return MOUNT_UNKNOWN;
}

enum mount_kind mount_kind_of_dev(const char *mountinfo, size_t size, unsigned major,
				  unsigned minor)
{
	struct mount_line m;

	for (size_t pos = 0; next_line(mountinfo, size, &pos, &m);)
		if (m.major == major && m.minor == minor)
			return kind_of_type(m.type, m.type_size);
	return MOUNT_UNKNOWN;
}

enum mount_kind mount_cache_find(const struct mount_cache *c, uint64_t unique_id)
{
	size_t i = unique_id % MOUNT_CACHE_SIZE;

	return unique_id && c->mounts[i].id == unique_id ? c->mounts[i].kind : MOUNT_UNKNOWN;
}

void mount_cache_add(struct mount_cache *c, uint64_t unique_id, enum mount_kind kind)
{
	size_t i = unique_id % MOUNT_CACHE_SIZE;

	c->mounts[i].id = unique_id;
	c->mounts[i].kind = kind;
}
