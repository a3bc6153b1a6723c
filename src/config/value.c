#include <stdio.h>
#include <string.h>

#include "config/table.h"
#include "config/units.h"

bool config_is_target(const struct config_key *k)
{
	return !strcmp(k->section, CONFIG_TARGET);
}

static void *field(void *record, const struct config_key *k)
{
	return (char *)record + k->offset;
}

static const char *out_of_range(const struct config_key *k, const char *lowest, const char *highest,
				char *why, size_t why_size)
{
	snprintf(why, why_size, "must be %s to %s", lowest, highest);
	return why;
}

static const char *set_count(const struct config_key *k, const char *text, uint64_t *v, char *why,
			     size_t why_size)
{
	char lowest[UNITS_TEXT_MAX], highest[UNITS_TEXT_MAX];

	if (units_parse_number(text, v))
		return "not a number";
	snprintf(lowest, sizeof(lowest), "%llu", (unsigned long long)k->min);
	snprintf(highest, sizeof(highest), "%llu", (unsigned long long)k->max);
	if ((*v < k->min && (*v || k->type != CONFIG_COUNT)) || *v > k->max)
		return out_of_range(k, lowest, highest, why, why_size);
	return NULL;
}

static const char *set_bytes(const struct config_key *k, const char *text, uint64_t *v, char *why,
			     size_t why_size)
{
	char lowest[UNITS_TEXT_MAX], highest[UNITS_TEXT_MAX];

	if (units_parse_size(text, v))
		return k->type == CONFIG_SHARE ? "not a size (such as 64M) or share (such as 15%)" :
						 "not a size (such as 64M)";
	units_format_size(k->min, lowest, sizeof(lowest));
	units_format_size(k->max, highest, sizeof(highest));
	if ((*v < k->min && (*v || k->type != CONFIG_SHARE)) || *v > k->max)
		return out_of_range(k, lowest, highest, why, why_size);
	if (k->type == CONFIG_POWER && *v & (*v - 1))
		return "must be a power of two";
	return NULL;
}

static const char *set_span(const struct config_key *k, const char *text, uint64_t *v, char *why,
			    size_t why_size)
{
	char lowest[UNITS_TEXT_MAX], highest[UNITS_TEXT_MAX];

	if (units_parse_span(text, v))
		return "not a span (such as 60s, 5min or 7d)";
	units_format_span(k->min, lowest, sizeof(lowest));
	units_format_span(k->max, highest, sizeof(highest));
	if ((*v < k->min && (*v || k->type != CONFIG_AGE)) || *v > k->max)
		return out_of_range(k, lowest, highest, why, why_size);
	return NULL;
}

/* "must be A, B or C" */
static const char *not_a_word(const struct config_key *k, char *why, size_t why_size)
{
	size_t n =
		(size_t)snprintf(why, why_size, "must be %s", k->type == CONFIG_SET ? "of " : "");

	for (const struct config_word *w = k->words; w->word && n < why_size; w++)
		n += (size_t)snprintf(why + n, why_size - n, "%s%s",
				      w == k->words ? "" : !w[1].word ? " or " : ", ", w->word);
	return why;
}

static const struct config_word *find_word(const struct config_key *k, const char *text,
					   size_t length)
{
	for (const struct config_word *w = k->words; w->word; w++)
		if (strlen(w->word) == length && !memcmp(w->word, text, length))
			return w;
	return NULL;
}

static const char *set_words(const struct config_key *k, const char *text, unsigned *v, char *why,
			     size_t why_size)
{
	const struct config_word *w;
	unsigned set = 0;
	size_t length;

	for (text += strspn(text, " \t"); *text; text += length, text += strspn(text, " \t")) {
		length = strcspn(text, " \t");
		w = find_word(k, text, length);
		if (!w)
			return not_a_word(k, why, why_size);
		if (set & 1u << w->value) {
			snprintf(why, why_size, "%s is named twice", w->word);
			return why;
		}
		set |= 1u << w->value;
	}
	if ((unsigned)__builtin_popcount(set) < k->min)
		return not_a_word(k, why, why_size);
	*v = set;
	return NULL;
}

static const char *set_path(const struct config_key *k, const char *text, char *path, char *why,
			    size_t why_size)
{
	size_t length = strlen(text);

	if (text[0] != '/')
		return "must be an absolute path";
	if (length > k->max) {
		snprintf(why, why_size, "is longer than %u bytes", (unsigned)k->max);
		return why;
	}
	memset(path, 0, k->max + 1);
	memcpy(path, text, length);
	return NULL;
}

static const char *set_text(const struct config_key *k, const char *text, char *to, char *why,
			    size_t why_size)
{
	size_t length = strlen(text);

	if (length > k->max) {
		snprintf(why, why_size, "is longer than %u bytes", (unsigned)k->max);
		return why;
	}
	memset(to, 0, k->max + 1);
	memcpy(to, text, length);
	return NULL;
}

static const char *set_pids(const char *text, struct config_pids *to)
{
	struct config_pids pids = { 0 };
	char word[16];
	uint64_t pid;
	size_t length;

	for (text += strspn(text, " \t"); *text; text += length, text += strspn(text, " \t")) {
		length = strcspn(text, " \t");
		if (length >= sizeof(word))
			return "must be process ids";
		memcpy(word, text, length);
		word[length] = '\0';
		if (units_parse_number(word, &pid) || !pid || pid > INT32_MAX)
			return "must be process ids";
		if (pids.nr == CONFIG_PIDS_MAX)
			return "names too many processes";
		pids.pids[pids.nr++] = (uint32_t)pid;
	}
	*to = pids;
	return NULL;
}

static const char *set_bool(const char *text, bool *v)
{
	if (strcmp(text, "yes") && strcmp(text, "no"))
		return "must be yes or no";
	*v = text[0] == 'y';
	return NULL;
}

static bool may_be_empty(const struct config_key *k)
{
	return k->type == CONFIG_COUNT || k->type == CONFIG_SHARE || k->type == CONFIG_AGE ||
	       k->type == CONFIG_TEXT || k->type == CONFIG_PIDS ||
	       (k->type == CONFIG_SET && !k->min);
}

const char *config_set(void *c, const struct config_key *k, const char *text, char *why,
		       size_t why_size)
{
	struct config_size share = { 0 };
	const struct config_word *w;
	const char *bad = NULL;
	uint64_t v = 0;

	if (!*text && !may_be_empty(k))
		return "needs a value";
	switch (k->type) {
	case CONFIG_NUMBER:
		bad = set_count(k, text, &v, why, why_size);
		if (!bad)
			*(unsigned *)field(c, k) = (unsigned)v;
		break;
	case CONFIG_COUNT:
		bad = *text ? set_count(k, text, &v, why, why_size) : NULL;
		if (!bad)
			*(uint64_t *)field(c, k) = v;
		break;
	case CONFIG_BYTES:
	case CONFIG_POWER:
		bad = set_bytes(k, text, &v, why, why_size);
		if (!bad)
			*(uint64_t *)field(c, k) = v;
		break;
	case CONFIG_SHARE:
		if (*text && units_parse_percent(text, &share.percent))
			bad = set_bytes(k, text, &share.bytes, why, why_size);
		if (!bad)
			*(struct config_size *)field(c, k) = share;
		break;
	case CONFIG_SPAN:
	case CONFIG_AGE:
		bad = *text ? set_span(k, text, &v, why, why_size) : NULL;
		if (!bad)
			*(uint64_t *)field(c, k) = v;
		break;
	case CONFIG_BOOL:
		return set_bool(text, field(c, k));
	case CONFIG_CHOICE:
		w = find_word(k, text, strlen(text));
		if (!w)
			return not_a_word(k, why, why_size);
		*(unsigned *)field(c, k) = w->value;
		break;
	case CONFIG_SET:
		return set_words(k, text, field(c, k), why, why_size);
	case CONFIG_PATH:
		return set_path(k, text, field(c, k), why, why_size);
	case CONFIG_TEXT:
		return set_text(k, text, field(c, k), why, why_size);
	case CONFIG_PIDS:
		return set_pids(text, field(c, k));
	}
	return bad;
}

static void format_words(const struct config_key *k, unsigned v, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (const struct config_word *w = k->words; w->word && n < size; w++)
		if (k->type == CONFIG_SET ? v >> w->value & 1 : v == w->value)
			n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "", w->word);
}

static void format_pids(const struct config_pids *pids, char *out, size_t size)
{
	size_t n = 0;

	for (uint32_t i = 0; i < pids->nr && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%u", i ? " " : "", pids->pids[i]);
}

void config_format(const void *c, const struct config_key *k, char *out, size_t size)
{
	const void *p = (const char *)c + k->offset;
	const struct config_size *share = p;

	out[0] = '\0';
	switch (k->type) {
	case CONFIG_NUMBER:
		snprintf(out, size, "%u", *(const unsigned *)p);
		break;
	case CONFIG_COUNT:
		if (*(const uint64_t *)p)
			snprintf(out, size, "%llu", *(const unsigned long long *)p);
		break;
	case CONFIG_BYTES:
	case CONFIG_POWER:
		units_format_size(*(const uint64_t *)p, out, size);
		break;
	case CONFIG_SHARE:
		if (share->percent)
			snprintf(out, size, "%u%%", share->percent);
		else if (share->bytes)
			units_format_size(share->bytes, out, size);
		break;
	case CONFIG_SPAN:
	case CONFIG_AGE:
		if (*(const uint64_t *)p)
			units_format_span(*(const uint64_t *)p, out, size);
		break;
	case CONFIG_BOOL:
		snprintf(out, size, "%s", *(const bool *)p ? "yes" : "no");
		break;
	case CONFIG_CHOICE:
	case CONFIG_SET:
		format_words(k, *(const unsigned *)p, out, size);
		break;
	case CONFIG_PATH:
	case CONFIG_TEXT:
		snprintf(out, size, "%s", (const char *)p);
		break;
	case CONFIG_PIDS:
		format_pids(p, out, size);
		break;
	}
}
