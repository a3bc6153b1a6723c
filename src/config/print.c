#include <stdio.h>
#include <string.h>

#include "config/table.h"

static bool begins_section(size_t i)
{
	return !i || strcmp(config_keys[i].section, config_keys[i - 1].section);
}

static void print_keys(const void *record, size_t first, FILE *out)
{
	char value[CONFIG_VALUE_MAX];

	for (size_t i = first; i < config_nr_keys && (i == first || !begins_section(i)); i++) {
		config_format(record, &config_keys[i], value, sizeof(value));
		fprintf(out, "%s=%s\n", config_keys[i].name, value);
	}
}

void config_print(const struct config *c, FILE *out)
{
	const char *gap = "";

	for (size_t i = 0; i < config_nr_keys; i++) {
		if (!begins_section(i))
			continue;
		if (!config_is_target(&config_keys[i])) {
			fprintf(out, "%s[%s]\n", gap, config_keys[i].section);
			print_keys(c, i, out);
			gap = "\n";
		}
		for (unsigned t = 0; config_is_target(&config_keys[i]) && t < c->nr_targets; t++) {
			fprintf(out, "%s[" CONFIG_TARGET " %s]\n", gap, c->targets[t].name);
			print_keys(&c->targets[t], i, out);
		}
	}
}

void config_print_commented(FILE *out)
{
	fputs("# pprofd's configuration, as pprofd.conf(5) tells. Each key stands here with its\n"
	      "# default; `pprofd -p` prints what is in effect, `pprofd -t` checks. Files in\n"
	      "# pprofd.conf.d/ whose names end in .conf are read after this one.\n\n",
	      out);
	for (size_t i = 0; i < config_nr_keys; i++) {
		const struct config_key *k = &config_keys[i];

		if (begins_section(i)) /* an empty target would be none */
			fprintf(out, config_is_target(k) ? "%s#[%s NAME]\n" : "%s[%s]\n",
				i ? "\n" : "", k->section);
		fputs("# ", out);
		for (const char *h = k->help; *h; h++) {
			fputc(*h, out);
			if (*h == '\n')
				fputs("# ", out);
		}
		fprintf(out, "\n#%s=%s\n", k->name, k->text);
	}
}

/* What nothing means, in a word. */
static const char *empty_word(const struct config_key *k)
{
	return config_is_target(k) && k->type != CONFIG_SET	? "any" :
	       k->type == CONFIG_SET || k->type == CONFIG_TEXT	? "none" :
								  "no limit";
}

void config_each_key(void (*fn)(void *ctx, const char *section, const char *key, const char *value),
		     void *ctx)
{
	for (size_t i = 0; i < config_nr_keys; i++) {
		const struct config_key *k = &config_keys[i];

		fn(ctx, k->section, k->name, *k->text ? k->text : empty_word(k));
	}
}
