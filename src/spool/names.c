#include "spool/spool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "spool/internal.h"

#define KIND_CHARS   "abcdefghijklmnopqrstuvwxyz_"
#define TARGET_CHARS KIND_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
#define SUFFIX       ".pb.gz"
#define STAMP_LENGTH (sizeof("20261122T180000Z") - 1)
#define STAMP_END    INT64_C(253402300800) /* year 10000: a fifth digit */

static bool consists_of(const char *s, const char *chars)
{
	return s[strspn(s, chars)] == '\0';
}

void spool_folder(char folder[SPOOL_FOLDER_MAX], const char *what, const char *name)
{
	char clean[SPOOL_FOLDER_MAX - 16];

	text_file_name(clean, sizeof(clean), name);
	snprintf(folder, SPOOL_FOLDER_MAX, "%.15s-%s", what, clean);
}

bool spool_is_folder(const char *name)
{
	char clean[SPOOL_FOLDER_MAX];

	if (strlen(name) >= sizeof(clean) ||
	    !(text_has_prefix(name, "unit-") || text_has_prefix(name, "process-")))
		return false;
	text_file_name(clean, sizeof(clean), name);
	return !strcmp(name, clean);
}

int spool_format_name(const struct spool_name *n, char *out, size_t size)
{
	char stamp[STAMP_LENGTH + 1], seq[16] = "", name[SPOOL_NAME_MAX];
	time_t start = (time_t)n->start;
	struct tm tm;
	int length;

	if (!n->kind[0] || !consists_of(n->kind, KIND_CHARS) ||
	    !consists_of(n->target, TARGET_CHARS) || (n->folder[0] && !spool_is_folder(n->folder)))
		return -EINVAL;
	if (n->start < 0 || n->start >= STAMP_END || !gmtime_r(&start, &tm))
		return -EINVAL;
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	if (n->seq)
		snprintf(seq, sizeof(seq), "-%u", n->seq);
	length = snprintf(name, sizeof(name), "%s%s%s%s%s-%s-%us%s" SUFFIX,
			  n->folder, n->folder[0] ? "/" : "", n->kind,
			  n->target[0] ? "@" : "", n->target, stamp, n->seconds, seq);
	if ((size_t)length >= sizeof(name) || (size_t)length >= size)
		return -ENAMETOOLONG;
	memcpy(out, name, (size_t)length + 1);
	return 0;
}

/* Cuts NAME before its last '-' and returns what stood behind; NULL when there is none. */
static char *cut_last(char *name)
{
	char *dash = strrchr(name, '-');

	if (!dash)
		return NULL;
	*dash = '\0';
	return dash + 1;
}

/* Decimal digits, whole; what does not fit is told by the comparison of the formatted name. */
static bool parse_u32(const char *s, size_t length, uint32_t *v)
{
	uint64_t value = 0;

	if (!length || length > 10)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(s[i] - '0');
	}
	*v = (uint32_t)value;
	return true;
}

static bool parse_stamp(const char *s, int64_t *start)
{
	struct tm tm = { 0 };
	uint32_t part[5];
	static const struct {
		uint8_t at, length;
	} parts[] = { { 0, 4 }, { 4, 2 }, { 6, 2 }, { 9, 2 }, { 11, 2 } };
	uint32_t second;

	if (strlen(s) != STAMP_LENGTH)
		return false;
	for (int i = 0; i < 5; i++)
		if (!parse_u32(s + parts[i].at, parts[i].length, &part[i]))
			return false;
	if (!parse_u32(s + 13, 2, &second))
		return false;
	tm.tm_year = (int)part[0] - 1900;
	tm.tm_mon = (int)part[1] - 1;
	tm.tm_mday = (int)part[2];
	tm.tm_hour = (int)part[3];
	tm.tm_min = (int)part[4];
	tm.tm_sec = (int)second;
	*start = timegm(&tm);
	return true;
}

static bool parse_kind_and_target(const char *s, struct spool_name *n)
{
	const char *at = strchr(s, '@');
	size_t length = at ? (size_t)(at - s) : strlen(s);

	if (!length || length >= sizeof(n->kind))
		return false;
	memcpy(n->kind, s, length);
	if (!at)
		return true;
	length = strlen(at + 1);
	if (!length || length >= sizeof(n->target))
		return false;
	memcpy(n->target, at + 1, length);
	return true;
}

/* From the right, since a target may hold dashes, even a stamp. The pieces are read loosely: a name
 * is ours when it is exactly what we would write for them. */
bool spool_parse_name(const char *name, struct spool_name *n)
{
	char copy[SPOOL_NAME_MAX], again[SPOOL_NAME_MAX], *word, *stamp;
	struct spool_name parsed = { 0 };
	const char *slash = strchr(name, '/'), *file = slash ? slash + 1 : name;
	size_t length = strlen(file), folder_length = slash ? (size_t)(slash - name) : 0;

	if (folder_length >= sizeof(parsed.folder) || (slash && !folder_length))
		return false;
	memcpy(parsed.folder, name, folder_length);
	if (length >= sizeof(copy) || length < sizeof(SUFFIX) - 1)
		return false;
	memcpy(copy, file, length + 1);
	copy[length - (sizeof(SUFFIX) - 1)] = '\0';
	word = cut_last(copy);
	if (word && parse_u32(word, strlen(word), &parsed.seq))
		word = cut_last(copy);
	if (!word || !*word || !parse_u32(word, strlen(word) - 1, &parsed.seconds))
		return false;
	stamp = cut_last(copy);
	if (!stamp || !parse_stamp(stamp, &parsed.start) || !parse_kind_and_target(copy, &parsed))
		return false;
	if (spool_format_name(&parsed, again, sizeof(again)) || strcmp(name, again))
		return false;
	*n = parsed;
	return true;
}
