/* window: the sampler's window as the worker takes it out of the memfd. Pure. */
#ifndef WORKER_WINDOW_H
#define WORKER_WINDOW_H

#include <stddef.h>

#include "profile/profile.h"
#include "worker/protocol_window.h"

/* The profile in DATA, whose mappings have the object that the table behind it says. W is valid. 0;
 * -EBADMSG: too short, no valid profile, or another number of mappings; -ENOMEM. */
int window_decode(const struct worker_window *w, const void *data, size_t size,
		  struct profile **out);

#endif
