/* frames: the names that a view shows a location by, inlined calls expanded, numbered. */
#ifndef VIEW_FRAMES_H
#define VIEW_FRAMES_H

#include "base/arena.h"
#include "base/hash.h"
#include "profile/profile.h"
#include "view/view.h"

struct frames {
	const struct profile *p;
	uint32_t *first; /* by location, and one more: the first of its names in of[] */
	uint32_t *of;    /* numbers of names, innermost first */
	uint32_t nr_of, of_cap;
	const char **names;
	uint32_t nr_names, names_cap;
	struct hash hash;
	struct arena arena;
};

/* Every location gets at least one name. BY is VIEW_FILE, or else functions. */
void frames_init(struct frames *f, const struct profile *p, enum view_by by);
void frames_fini(struct frames *f);
/* The number of NAME, which must live as long as F. */
uint32_t frames_name(struct frames *f, const char *name);

#endif
