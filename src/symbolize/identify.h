/* identify: build ids alone, for a profile whose names are found elsewhere (pprofctl symbolize). */
#ifndef SYMBOLIZE_IDENTIFY_H
#define SYMBOLIZE_IDENTIFY_H

#include "symbolize/symbolize.h"

/* Mappings of P whose build id the kernel did not say get that of their file (symbolize/symbolize.h says whose that is): its
 * headers and notes are read, no more. NOTICE may be NULL. */
void symbolize_identify(struct profile *p, const struct symbolize_object *objects, uint32_t nr_objects,
			symbolize_notice_fn notice, void *ctx);

#endif
