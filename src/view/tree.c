/* The tree of calls, printed from the roots down. */
#include <stdlib.h>

#include "base/array.h"
#include "view/calls.h"
#include "view/values.h"
#include "view/view.h"

#define INDENT_MAX 100 /* deeper calls stand below each other */

struct printing {
	const struct calls *c;
	const struct frames *f;
	const struct view_options *o;
	struct values_unit unit;
	int64_t total;
	FILE *out;
};

/* How many of AT's children are shown: the largest come first. */
static uint32_t nr_shown(const struct printing *t, uint32_t at)
{
	uint32_t first = t->c->first[at], nr = t->c->first[at + 1] - first, i;
	double least = t->o->min_fraction * (double)t->total;

	if (t->o->nr && nr > t->o->nr)
		nr = t->o->nr;
	for (i = 0; i < nr; i++)
		if ((double)t->c->calls[t->c->order[first + i]].total < least)
			break;
	return i;
}

static void print_line(const struct printing *t, uint32_t depth, int64_t total, int64_t self,
		       const char *name, uint32_t nr_more)
{
	char total_text[VALUES_TEXT], self_text[VALUES_TEXT];
	int indent = (int)(depth < INDENT_MAX ? depth : INDENT_MAX) * 2 - 2;

	fprintf(t->out, "%10s %6.2f%% %10s  %*s", values_text(&t->unit, total, total_text),
		values_percent(total, t->total),
		nr_more ? "" : values_text(&t->unit, self, self_text), indent, "");
	if (nr_more)
		fprintf(t->out, "... %u more\n", nr_more);
	else
		fprintf(t->out, "%s\n", name);
}

static void print_rest(const struct printing *t, uint32_t at, uint32_t shown)
{
	uint32_t first = t->c->first[at] + shown, end = t->c->first[at + 1];
	int64_t total = 0;

	for (uint32_t i = first; i < end; i++)
		total = values_sum(total, t->c->calls[t->c->order[i]].total);
	if (first < end)
		print_line(t, t->c->calls[at].depth + 1, total, 0, NULL, end - first);
}

/* Not recursive: a stack is as deep as its file says. */
static void print_calls(const struct printing *t)
{
	struct place {
		uint32_t at, next, end;
	} *places = NULL;
	uint32_t nr = 0, cap = 0;

	*array_push(places, nr, cap) =
		(struct place){ 0, t->c->first[0], t->c->first[0] + nr_shown(t, 0) };
	while (nr) {
		struct place *p = &places[nr - 1];
		const struct call *call;
		uint32_t i;

		if (p->next == p->end) {
			print_rest(t, p->at, p->end - t->c->first[p->at]);
			nr--;
			continue;
		}
		i = t->c->order[p->next++];
		call = &t->c->calls[i];
		print_line(t, call->depth, call->total, call->self, t->f->names[call->name], 0);
		*array_push(places, nr, cap) =
			(struct place){ i, t->c->first[i], t->c->first[i] + nr_shown(t, i) };
	}
	free(places);
}

void view_tree(const struct profile *p, const struct view_options *o, FILE *out)
{
	struct frames f;
	struct calls c;
	struct printing t = { .c = &c, .f = &f, .o = o, .out = out };

	frames_init(&f, p, o->by);
	calls_init(&c, &f, o->type, o->by == VIEW_LABEL ? o->label : NULL);
	calls_sort(&c, &f, false);
	t.total = c.calls[0].total;
	t.unit = values_unit(p, o->type, t.total);
	fprintf(out, "%10s %7s %10s  %s\n", "total", "total%", "self", "calls");
	print_calls(&t);
	calls_fini(&c);
	frames_fini(&f);
}
