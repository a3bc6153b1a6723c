/* sample: whose is it, what does it stand for, and has its stack to wait or to be walked first? */
#ifndef COLLECT_SAMPLE_H
#define COLLECT_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "perf/record.h"

struct collect;

/* Enters REC, a sample of the event of KIND, or lets it wait. */
void sample_add(struct collect *c, const struct record *rec, uint32_t kind, const struct record_layout *layout);
/* REC is of a virtual machine's guest: its addresses are of another machine. */
bool sample_is_guest(const struct record *rec);

#endif
