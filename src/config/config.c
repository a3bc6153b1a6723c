#include "config/config.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "config/table.h"

/* One text on its way through inih, which asks for its lines one by one. inih cuts overlong lines,
 * takes an indented line for more of the key above, stops at NUL, splits at ':' too and does not
 * tell the line to its handler: so each line is checked and counted here, and inih gets only good
 * ones. */
struct parser {
	struct config *config;
	const char *name, *text;
	size_t size, at;
	unsigned line;
	bool *seen; /* of each key, then of each target's: set in this text */
	bool failed;
	char *error;
	size_t error_size;
};

static void __attribute__((format(printf, 2, 3))) fail(struct parser *p, const char *fmt, ...)
{
	char name[CONFIG_VALUE_MAX], why[CONFIG_VALUE_MAX];
	va_list ap;

	if (p->failed)
		return;
	p->failed = true;
	text_clean(name, sizeof(name), p->name, strlen(p->name));
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	snprintf(p->error, p->error_size, "%s:%u: %s", name, p->line, why);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Copies the next line without its end and comment: a comment begins the line, or follows a blank.
 * False when it does not fit. */
static bool take_line(struct parser *p, char *line, size_t line_size)
{
	const char *s = p->text + p->at;
	const char *newline = memchr(s, '\n', p->size - p->at);
	size_t length = newline ? (size_t)(newline - s) : p->size - p->at, n;

	p->at += length + (newline != NULL);
	p->line++;
	if (p->line == 1 && length >= 3 && !memcmp(s, "\xef\xbb\xbf", 3)) { /* a byte order mark */
		s += 3;
		length -= 3;
	}
	for (n = 0; n < length; n++)
		if ((s[n] == '#' || s[n] == ';') && (!n || is_blank(s[n - 1])))
			break;
	while (n && (is_blank(s[n - 1]) || s[n - 1] == '\r'))
		n--;
	if (n >= line_size)
		return false;
	memcpy(line, s, n);
	line[n] = '\0';
	if (memchr(s, '\0', length)) /* in a comment too: this is no text */
		memcpy(line, "\1", 2);
	return true;
}

static bool is_section(const char *name, size_t length)
{
	for (size_t i = 0; i < config_nr_keys; i++)
		if (strlen(config_keys[i].section) == length &&
		    !memcmp(config_keys[i].section, name, length))
			return true;
	return false;
}

#define TARGET_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

/* The target of a section called "Target NAME"; NULL: it is another's. */
static const char *target_name(const char *section)
{
	size_t n = strlen(CONFIG_TARGET);

	return strncmp(section, CONFIG_TARGET " ", n + 1) ? NULL : section + n + 1;
}

static struct config_target *target_find(struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->nr_targets; i++)
		if (!strcmp(c->targets[i].name, name))
			return &c->targets[i];
	return NULL;
}

static void take_section(struct parser *p, char *section)
{
	const char *name = target_name(section);

	if (!strcmp(section, CONFIG_TARGET))
		fail(p, "[Target]: a target has a name: [Target NAME]");
	else if (!name && !is_section(section, strlen(section)))
		fail(p, "[%s]: unknown section", section);
	else if (name && (!*name || strlen(name) > 32 || name[strspn(name, TARGET_CHARS)]))
		fail(p, "[%s]: a target's name is 1 to 32 of A-Z a-z 0-9 _ -", section);
	else if (name && !target_find(p->config, name) &&
		 p->config->nr_targets == CONFIG_TARGETS_MAX)
		fail(p, "[%s]: more than %d targets", section, CONFIG_TARGETS_MAX);
	else if (name && !target_find(p->config, name))
		config_target_defaults(&p->config->targets[p->config->nr_targets++], name);
}

static void check_line(struct parser *p, char *line)
{
	size_t length = strlen(line), split;

	for (size_t i = 0; i < length; i++)
		if (line[i] == '\t')
			line[i] = ' ';
	if (!text_is_clean(line, length))
		fail(p, "a control byte, or not UTF-8");
	else if (line[0] == ' ')
		fail(p, "an indented line: each key stands at the beginning of its own");
	else if (line[0] == '[' && (strchr(line, ']') != line + length - 1))
		fail(p, "not [Section]");
	else if (line[0] == '[') {
		line[length - 1] = '\0';
		take_section(p, line + 1);
		line[length - 1] = ']';
	}
	if (p->failed || !length || line[0] == '[')
		return;
	split = strcspn(line, "=:");
	if (!split || line[split] != '=')
		fail(p, "not Key=value");
}

/* inih's reader: as fgets(3). */
static char *next_line(char *line, int size, void *stream)
{
	struct parser *p = stream;
	size_t room = (size_t)size - 1; /* for the newline */

	if (p->failed || p->at >= p->size)
		return NULL;
	if (!take_line(p, line, room))
		fail(p, "longer than %zu bytes", room - 1);
	else
		check_line(p, line);
	if (p->failed)
		return NULL;
	memcpy(line + strlen(line), "\n", 2);
	return line;
}

static const struct config_key *find_key(const char *section, const char *name)
{
	for (size_t i = 0; i < config_nr_keys; i++)
		if (!strcmp(config_keys[i].section, section) && !strcmp(config_keys[i].name, name))
			return &config_keys[i];
	return NULL;
}

/* inih's handler: 1 for good. */
static int take_key(void *user, const char *section, const char *name, const char *value)
{
	struct parser *p = user;
	const char *target = target_name(section);
	const struct config_key *k = find_key(target ? CONFIG_TARGET : section, name);
	void *record = p->config;
	size_t number = k ? (size_t)(k - config_keys) : 0;
	char why[CONFIG_VALUE_MAX];
	const char *bad;

	if (p->failed)
		return 0;
	if (target) {
		struct config_target *t = target_find(p->config, target);

		record = t;
		number += config_nr_keys * (1 + (size_t)(t - p->config->targets));
	}
	if (!section[0])
		fail(p, "%s: stands in no section", name);
	else if (!k)
		fail(p, "%s.%s: unknown key", section, name);
	else if (p->seen[number])
		fail(p, "%s.%s: repeated in this file", section, name);
	if (p->failed)
		return 0;
	p->seen[number] = true;
	bad = config_set(record, k, value, why, sizeof(why));
	if (bad)
		fail(p, "%s.%s: %s", section, name, bad);
	return !bad;
}

int config_parse(struct config *c, const char *name, const char *text, size_t size, char *error,
		 size_t error_size)
{
	struct config copy = *c;
	struct parser p = {
		.config = &copy,
		.name = name,
		.text = text,
		.size = size,
		.seen = xcalloc(config_nr_keys * (1 + CONFIG_TARGETS_MAX), sizeof(bool)),
		.error = error,
		.error_size = error_size,
	};
	int ret = ini_parse_stream(next_line, &p, take_key, &p);

	if (ret && !p.failed) { /* what our own checks let through and inih does not */
		p.line = ret > 0 ? (unsigned)ret : p.line;
		fail(&p, "%s", ret > 0 ? "not understood" : "out of memory");
	}
	free(p.seen);
	if (p.failed)
		return -EINVAL;
	*c = copy;
	return 0;
}

void config_defaults(struct config *c)
{
	char why[CONFIG_VALUE_MAX];

	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < config_nr_keys; i++)
		if (!config_is_target(&config_keys[i]) &&
		    config_set(c, &config_keys[i], config_keys[i].text, why, sizeof(why)))
			abort(); /* the table contradicts itself, as every run and test shows */
}

void config_target_defaults(struct config_target *t, const char *name)
{
	char why[CONFIG_VALUE_MAX];

	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", name);
	for (size_t i = 0; i < config_nr_keys; i++)
		if (config_is_target(&config_keys[i]) &&
		    config_set(t, &config_keys[i], config_keys[i].text, why, sizeof(why)))
			abort();
}

static const char *check_target(const struct config_target *t)
{
	bool group = t->unit[0] || t->cgroup[0];
	bool process = t->pids.nr || t->comm[0] || t->exe[0] || t->user[0];

	if (!group && !process)
		return "needs one of Unit= Cgroup= Pid= Comm= Exe= User=";
	if (t->method == METHOD_CGROUP && (process || !group))
		return "Method=cgroup: a control group is chosen by Unit= and Cgroup= alone";
	if (t->method == METHOD_CGROUP && t->unit[0] && t->cgroup[0])
		return "Method=cgroup: either Unit= or Cgroup=";
	if (t->cgroup[0] && t->cgroup[0] != '/')
		return "Cgroup= must begin with /";
	return NULL;
}

int config_check(const struct config *c, char *error, size_t error_size)
{
	for (unsigned i = 0; i < c->nr_targets; i++) {
		const char *bad = check_target(&c->targets[i]);

		if (!bad)
			continue;
		snprintf(error, error_size, "[Target %s]: %s", c->targets[i].name, bad);
		return -EINVAL;
	}
	return 0;
}
