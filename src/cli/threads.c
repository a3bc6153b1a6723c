/* pprofctl threads */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "cli/answer.h"
#include "cli/select.h"
#include "config/units.h"

struct row {
	uint32_t pid, tid;
	char state;
	int64_t sampled_ns, kernel_ns;
	uint64_t rss;
	bool has_kernel;
	const char *comm, *thread_comm, *unit; /* in the answer */
};

struct table {
	const char *start, *seconds;
	struct row *rows;
	uint32_t nr, cap;
	unsigned nr_others;
	int64_t others_ns;
};

static bool parse_row(const char *value, struct row *r)
{
	char kernel[24];

	*r = (struct row){ .comm = "", .thread_comm = "", .unit = "" };
	if (sscanf(value, "%" SCNu32 " %" SCNu32 " %c %" SCNd64 " %23s %" SCNu64, &r->pid, &r->tid,
		   &r->state, &r->sampled_ns, kernel, &r->rss) != 6)
		return false;
	r->has_kernel = strcmp(kernel, "-");
	r->kernel_ns = strtoll(kernel, NULL, 10);
	return true;
}

static void parse(struct table *t, char *answer)
{
	char *key, *value;

	while (answer_next(&answer, &key, &value)) {
		struct row *last = t->nr ? &t->rows[t->nr - 1] : NULL, r;

		if (!strcmp(key, "window_start"))
			t->start = value;
		else if (!strcmp(key, "window_seconds"))
			t->seconds = value;
		else if (!strcmp(key, "others"))
			sscanf(value, "%u %" SCNd64, &t->nr_others, &t->others_ns);
		else if (!strcmp(key, "thread") && parse_row(value, &r))
			*array_push(t->rows, t->nr, t->cap) = r;
		else if (last && !strcmp(key, "comm"))
			last->comm = value;
		else if (last && !strcmp(key, "thread_comm"))
			last->thread_comm = value;
		else if (last && !strcmp(key, "unit"))
			last->unit = value;
	}
}

struct labels {
	const struct row *row;
	char number[16];
};

static const char *label_of(void *ctx, const char *key)
{
	struct labels *l = ctx;

	if (!strcmp(key, "comm"))
		return l->row->comm;
	if (!strcmp(key, "unit"))
		return l->row->unit;
	snprintf(l->number, sizeof(l->number), "%u", strcmp(key, "tid") ? l->row->pid : l->row->tid);
	return l->number;
}

static void choose(struct table *t, const struct select *s, uint32_t max)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < t->nr && (!max || kept < max); i++) {
		struct labels l = { .row = &t->rows[i] };

		if (select_matches(s, label_of, &l))
			t->rows[kept++] = t->rows[i];
	}
	t->nr = kept;
}

static void print_text(const struct table *t)
{
	printf("%7s %7s S %10s %10s %8s %9s %-15s %-15s %s\n", "PID", "TID", "SAMPLED", "KERNEL",
	       "DIFF", "RSS", "COMM", "THREAD", "UNIT");
	for (uint32_t i = 0; i < t->nr; i++) {
		const struct row *r = &t->rows[i];
		char kernel[24] = "-", diff[24] = "-";

		if (r->has_kernel) {
			snprintf(kernel, sizeof(kernel), "%.3fs", (double)r->kernel_ns / 1e9);
			snprintf(diff, sizeof(diff), "%+.3fs",
				 (double)(r->sampled_ns - r->kernel_ns) / 1e9);
		}
		printf("%7u %7u %c %9.3fs %10s %8s %8.1fM %-15s %-15s %s\n", r->pid, r->tid, r->state,
		       (double)r->sampled_ns / 1e9, kernel, diff, (double)r->rss / (1 << 20),
		       r->comm, r->thread_comm, r->unit);
	}
	if (t->nr_others)
		printf("%u threads more, with %.3fs sampled\n", t->nr_others, (double)t->others_ns / 1e9);
}

static void print_json(const struct table *t)
{
	printf("{\n  \"window_start\": %s,\n  \"window_seconds\": %s,\n  \"threads\": [", t->start,
	       t->seconds);
	for (uint32_t i = 0; i < t->nr; i++) {
		const struct row *r = &t->rows[i];

		printf("%s\n    {\"pid\": %u, \"tid\": %u, \"state\": \"%c\", \"sampled_ns\": %" PRId64,
		       i ? "," : "", r->pid, r->tid, r->state, r->sampled_ns);
		if (r->has_kernel)
			printf(", \"kernel_ns\": %" PRId64 ", \"difference_ns\": %" PRId64,
			       r->kernel_ns, r->sampled_ns - r->kernel_ns);
		printf(", \"rss\": %" PRIu64 ", \"comm\": ", r->rss);
		answer_json_string(r->comm);
		fputs(", \"thread_comm\": ", stdout);
		answer_json_string(r->thread_comm);
		fputs(", \"unit\": ", stdout);
		answer_json_string(r->unit);
		putchar('}');
	}
	printf("\n  ],\n  \"others\": {\"threads\": %u, \"sampled_ns\": %" PRId64 "}\n}\n",
	       t->nr_others, t->others_ns);
}

static bool parse_max(const struct cli *cli, const char *value, uint32_t *max)
{
	uint64_t n;

	if (units_parse_number(value, &n) || n > UINT32_MAX) {
		cli_usage(cli, "-n %s: not a number", value);
		return false;
	}
	*max = (uint32_t)n;
	return true;
}

int cli_threads(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = {
		SELECT_LABEL_OPTIONS, { "json", no_argument, NULL, 'j' }, { 0 },
	};
	struct table t = { .start = "0", .seconds = "0" };
	struct buf answer = { 0 };
	struct select s;
	uint32_t max = 0;
	bool json = false;
	int c, err;

	select_init(&s);
	while ((c = cli_getopt(cli, argc, argv, "n:", longs)) != -1) {
		if (c == CLI_OPTION_USAGE || c == CLI_OPTION_HELP)
			return cli_getopt_status(c);
		if (c == 'j') {
			json = true;
		} else if (c == 'n') {
			if (!parse_max(cli, optarg, &max))
				return CLI_USAGE;
		} else if (!select_option(cli, &s, c, optarg)) {
			return CLI_USAGE;
		}
	}
	if (optind < argc)
		return cli_usage(cli, "%s: takes no files: the daemon tells", argv[optind]);
	err = answer_ask(cli, "threads", ANSWER_MS, &answer);
	if (!err) {
		parse(&t, (char *)answer.data);
		choose(&t, &s, max);
		(json ? print_json : print_text)(&t);
	}
	free(t.rows);
	buf_fini(&answer);
	return err ? CLI_FAILED : cli_end_output();
}
