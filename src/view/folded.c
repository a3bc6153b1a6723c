/* Folded stacks: one line a stack, what flame graph programs read. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/buf.h"
#include "view/calls.h"
#include "view/view.h"

static void add_frame(struct buf *path, const char *name)
{
	if (path->size)
		buf_add(path, ";", 1);
	for (; *name; name++)
		buf_add(path, *name == ';' ? ":" : *name == '\n' ? " " : name, 1);
}

static void print_stack(const struct buf *path, int64_t value, FILE *out)
{
	fwrite(path->data, 1, path->size, out);
	fprintf(out, " %lld\n", (long long)value);
}

static void print_calls(const struct calls *c, const struct frames *f, FILE *out)
{
	struct place {
		uint32_t next, end;
		size_t path_size; /* of the call above */
	} *places = NULL;
	uint32_t nr = 0, cap = 0;
	struct buf path = { 0 };

	*array_push(places, nr, cap) = (struct place){ c->first[0], c->first[1], 0 };
	while (nr) {
		struct place *p = &places[nr - 1];
		uint32_t i;

		if (p->next == p->end) {
			nr--;
			continue;
		}
		i = c->order[p->next++];
		path.size = p->path_size;
		add_frame(&path, f->names[c->calls[i].name]);
		if (c->calls[i].self)
			print_stack(&path, c->calls[i].self, out);
		*array_push(places, nr, cap) =
			(struct place){ c->first[i], c->first[i + 1], path.size };
	}
	free(places);
	buf_fini(&path);
}

void view_folded(const struct profile *p, const struct view_options *o, FILE *out)
{
	struct frames f;
	struct calls c;

	frames_init(&f, p, VIEW_FUNCTION);
	calls_init(&c, &f, o->type, "comm");
	calls_sort(&c, &f, true);
	print_calls(&c, &f, out);
	calls_fini(&c);
	frames_fini(&f);
}
