/* object_samples: which objects a profile is about. */
#ifndef SYMBOLIZE_OBJECT_SAMPLES_H
#define SYMBOLIZE_OBJECT_SAMPLES_H

#include <stdint.h>

struct profile;

/* In how many samples' stacks each object is: mapping.object is 1 + index. From malloc(3), one at
 * least. */
uint64_t *object_samples(const struct profile *p, uint32_t nr_objects);

#endif
