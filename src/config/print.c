#include <stdio.h>
#include <string.h>

#include "config/table.h"

static void print_section(FILE *out, size_t i)
{
	if (!i || strcmp(config_keys[i].section, config_keys[i - 1].section))
		fprintf(out, "%s[%s]\n", i ? "\n" : "", config_keys[i].section);
}

void config_print(const struct config *c, FILE *out)
{
	char value[CONFIG_VALUE_MAX];

	for (size_t i = 0; i < config_nr_keys; i++) {
		config_format(c, &config_keys[i], value, sizeof(value));
		print_section(out, i);
		fprintf(out, "%s=%s\n", config_keys[i].name, value);
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

		print_section(out, i);
		fputs("# ", out);
		for (const char *h = k->help; *h; h++) {
			fputc(*h, out);
			if (*h == '\n')
				fputs("# ", out);
		}
		fprintf(out, "\n#%s=%s\n", k->name, k->text);
	}
}

void config_each_key(void (*fn)(void *ctx, const char *section, const char *key, const char *value),
		     void *ctx)
{
	for (size_t i = 0; i < config_nr_keys; i++)
		fn(ctx, config_keys[i].section, config_keys[i].name, config_keys[i].text);
}
