#include "cli/show.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

void show_init(struct show *s)
{
	*s = (struct show){ 0 };
	select_init(&s->select);
}

static bool set_nr(const struct cli *cli, struct show *s, const char *value)
{
	char *end;
	unsigned long nr;

	errno = 0;
	nr = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || nr > UINT_MAX) {
		cli_usage(cli, "-n %s: not a number", value);
		return false;
	}
	s->view.nr = (unsigned)nr;
	return true;
}

static bool set_min(const struct cli *cli, struct show *s, const char *value)
{
	char *end;
	double percent = strtod(value, &end);

	if (end == value || (*end && strcmp(end, "%")) || !(percent >= 0 && percent <= 100)) {
		cli_usage(cli, "--min %s: not a percentage", value);
		return false;
	}
	s->view.min_fraction = percent / 100;
	return true;
}

static bool set_by(const struct cli *cli, struct show *s, const char *value)
{
	s->view.label = NULL;
	if (!strcmp(value, "function")) {
		s->view.by = VIEW_FUNCTION;
	} else if (!strcmp(value, "file")) {
		s->view.by = VIEW_FILE;
	} else if (text_has_prefix(value, "label:") && value[6]) {
		s->view.by = VIEW_LABEL;
		s->view.label = value + 6;
	} else {
		cli_usage(cli, "--by %s: not function, file or label:KEY", value);
		return false;
	}
	return true;
}

static bool take_option(const struct cli *cli, struct show *s, int c, const char *value)
{
	switch (c) {
	case 'n':
		return set_nr(cli, s, value);
	case SHOW_BY:
		return set_by(cli, s, value);
	case SHOW_CUM:
		s->view.cumulative = true;
		return true;
	case SHOW_LIVE:
		s->live = true;
		return true;
	case SHOW_MIN:
		return set_min(cli, s, value);
	case SHOW_TYPE:
		s->type = value;
		return true;
	}
	return select_option(cli, &s->select, c, value);
}

int show_options(struct cli *cli, struct show *s, int argc, char **argv, const char *shorts, const struct option *longs)
{
	int c;

	while ((c = cli_getopt(cli, argc, argv, shorts, longs)) != -1) {
		if (c == CLI_OPTION_USAGE || c == CLI_OPTION_HELP)
			return cli_getopt_status(c);
		if (!take_option(cli, s, c, optarg))
			return CLI_USAGE;
	}
	return -1;
}

static void tell_types(const struct profile *p, const char *type)
{
	char list[512] = "";
	size_t size = 0;

	for (uint32_t i = 0; i < p->nr_types; i++) {
		const char *name = profile_str(p, p->types[i].type);

		if (size + strlen(name) + 2 < sizeof(list)) {
			list[size++] = ' ';
			strcpy(list + size, name);
			size += strlen(name);
		}
	}
	log_warnx("no sample type %s; there are:%s", type, list);
}

int show_read(const struct cli *cli, struct show *s, char **files, int nr_files,
	      struct profile **out)
{
	struct profile *p = NULL;
	int err = select_read(cli, &s->select, files, nr_files, &p), type;

	if (err)
		return err;
	type = view_type(p, s->type);
	if (type < 0) {
		tell_types(p, s->type ? s->type : profile_str(p, p->default_type));
		profile_free(p);
		return -EINVAL;
	}
	s->view.type = (unsigned)type;
	*out = p;
	return 0;
}

int show_print(const struct cli *cli, struct show *s, char **files, int nr_files,
	       void (*view)(const struct profile *p, const struct view_options *o, FILE *out))
{
	struct profile *p;

	if (show_read(cli, s, files, nr_files, &p))
		return CLI_FAILED;
	printf("Source: %s\n", s->select.source);
	view_header(p, &s->view, stdout);
	view(p, &s->view, stdout);
	profile_free(p);
	return cli_end_output();
}
