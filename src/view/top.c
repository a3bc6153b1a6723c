/* The flat table, and the header over every view. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "view/frames.h"
#include "view/values.h"
#include "view/view.h"

#define NO_LABEL "<none>"

int view_type(const struct profile *p, const char *name)
{
	if (!name)
		name = profile_str(p, p->default_type);
	for (uint32_t i = 0; i < p->nr_types; i++)
		if (!strcmp(profile_str(p, p->types[i].type), name))
			return (int)i;
	return *name ? -1 : (int)p->nr_types - 1;
}

void view_header(const struct profile *p, const struct view_options *o, FILE *out)
{
	static const struct values_unit seconds = { 1e9, "s", 2 };
	int64_t total = values_total(p, o->type);
	struct values_unit unit = values_unit(p, o->type, total);
	char text[VALUES_TEXT], when[64];
	time_t start = p->time_nanos / 1000000000;
	struct tm tm;

	if (p->nr_mappings && p->mappings[0].filename)
		fprintf(out, "File: %s\n", profile_str(p, p->mappings[0].filename));
	fprintf(out, "Type: %s\n", profile_str(p, p->types[o->type].type));
	if (p->time_nanos && localtime_r(&start, &tm) &&
	    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %Z", &tm))
		fprintf(out, "Time: %s\n", when);
	if (p->duration_nanos > 0)
		fprintf(out, "Duration: %s, ", values_text(&seconds, p->duration_nanos, text));
	fprintf(out, "Total: %s", values_text(&unit, total, text));
	if (p->duration_nanos > 0 && !strcmp(unit.suffix, "s"))
		fprintf(out, " (%.2f%%)", values_percent(total, p->duration_nanos));
	fputc('\n', out);
}

struct row {
	const char *name;
	int64_t flat, cum;
	uint32_t seen; /* 1 + the last sample that was counted in cum */
};

static int by_flat(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->flat != y->flat)
		return x->flat > y->flat ? -1 : 1;
	if (x->cum != y->cum)
		return x->cum > y->cum ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int by_cum(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return x->cum != y->cum ? (x->cum > y->cum ? -1 : 1) : by_flat(a, b);
}

static void count_frames(const struct frames *f, struct row *rows, uint32_t sample, int64_t value)
{
	const struct profile *p = f->p;
	const struct profile_stack *s = &p->stacks[p->samples[sample].stack];

	for (uint32_t i = 0; i < s->nr; i++) {
		uint32_t location = p->stack_locations[s->first + i];

		for (uint32_t k = f->first[location]; k < f->first[location + 1]; k++) {
			struct row *r = &rows[f->of[k]];

			if (!i && k == f->first[location])
				r->flat = values_sum(r->flat, value);
			if (r->seen != sample + 1) /* recursion counts once */
				r->cum = values_sum(r->cum, value);
			r->seen = sample + 1;
		}
	}
}

static void print_rows(const struct row *rows, uint32_t nr, uint32_t nr_all, int64_t total,
		       const struct values_unit *unit, FILE *out)
{
	char flat[VALUES_TEXT], cum[VALUES_TEXT];
	int64_t sum = 0;

	for (uint32_t i = 0; i < nr; i++)
		sum = values_sum(sum, rows[i].flat);
	fprintf(out, "Showing %u of %u rows, %s (%.2f%%) of the total\n", nr, nr_all,
		values_text(unit, sum, flat), values_percent(sum, total));
	fprintf(out, "%10s %7s %7s %10s %7s\n", "flat", "flat%", "sum%", "cum", "cum%");
	sum = 0;
	for (uint32_t i = 0; i < nr; i++) {
		sum = values_sum(sum, rows[i].flat);
		fprintf(out, "%10s %6.2f%% %6.2f%% %10s %6.2f%%  %s\n",
			values_text(unit, rows[i].flat, flat), values_percent(rows[i].flat, total),
			values_percent(sum, total), values_text(unit, rows[i].cum, cum),
			values_percent(rows[i].cum, total), rows[i].name);
	}
}

/* Rows that no sample touches are the names of unused elements: they come last and are left out. */
static uint32_t nr_touched(const struct row *rows, uint32_t nr)
{
	while (nr && !rows[nr - 1].cum)
		nr--;
	return nr;
}

/* By label set: the number of its value's name. */
static uint32_t *label_names(struct frames *f, const char *key)
{
	const struct profile *p = f->p;
	uint32_t *names = xreallocarray(NULL, (size_t)p->nr_label_sets + 1, sizeof(*names));

	for (uint32_t i = 0; i < p->nr_label_sets; i++) {
		const char *value = profile_label(p, i, key);

		names[i] = frames_name(f, value ? value : NO_LABEL);
	}
	return names;
}

static struct row *count_rows(struct frames *f, const struct view_options *o)
{
	const struct profile *p = f->p;
	uint32_t *labels = o->by == VIEW_LABEL ? label_names(f, o->label) : NULL;
	struct row *rows = xcalloc((size_t)f->nr_names + 1, sizeof(*rows)), *r;

	for (uint32_t i = 0; i < f->nr_names; i++)
		rows[i].name = f->names[i];
	for (uint32_t i = 0; i < p->nr_samples; i++) {
		int64_t value = values_of(p, i, o->type);

		if (labels) {
			r = &rows[labels[p->samples[i].label_set]];
			r->flat = r->cum = values_sum(r->flat, value);
		} else {
			count_frames(f, rows, i, value);
		}
	}
	free(labels);
	return rows;
}

void view_top(const struct profile *p, const struct view_options *o, FILE *out)
{
	int64_t total = values_total(p, o->type);
	struct values_unit unit = values_unit(p, o->type, total);
	struct frames f;
	struct row *rows;
	uint32_t nr_rows, nr;

	frames_init(&f, p, o->by);
	rows = count_rows(&f, o);
	qsort(rows, f.nr_names, sizeof(*rows), o->cumulative ? by_cum : by_flat);
	nr_rows = nr_touched(rows, f.nr_names);
	nr = o->nr && o->nr < nr_rows ? o->nr : nr_rows;
	print_rows(rows, nr, nr_rows, total, &unit, out);
	free(rows);
	frames_fini(&f);
}
