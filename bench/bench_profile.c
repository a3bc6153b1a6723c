/* What a window's profile costs: 40 000 stacks of 20 frames, 500 threads. Figures to hold: an existing
 * stack and an existing sample below 60 ns each, encoding within 15 ms. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "profile/decode.h"
#include "profile/encode.h"
#include "profile/merge.h"
#include "profile/profile.h"

#define NR_STACKS 40000
#define NR_FRAMES 20
#define NR_LOCATIONS 20000
#define NR_THREADS 500

static uint32_t stacks[NR_STACKS][NR_FRAMES], threads[NR_THREADS];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct profile *new_profile(void)
{
	static const char *const keys[] = { "pid", "tid", "comm", "thread_comm" };
	struct profile *p = profile_new();
	struct profile_label labels[4];
	char text[32];
	uint32_t m;

	profile_add_type(p, "samples", "count");
	profile_add_type(p, "cpu", "nanoseconds");
	m = profile_mapping(p, &(struct profile_mapping){ .limit = UINT64_MAX });
	for (uint32_t i = 0; i < NR_LOCATIONS; i++)
		profile_location(p, m, 0x1000 + i * 16);
	for (uint32_t i = 0; i < NR_STACKS; i++)
		for (uint32_t k = 0; k < NR_FRAMES; k++)
			stacks[i][k] = (uint32_t)random() % NR_LOCATIONS;
	for (uint32_t i = 0; i < NR_THREADS; i++) {
		for (uint32_t k = 0; k < 4; k++) {
			snprintf(text, sizeof(text), "%s %u", keys[k], i / (k & 1 ? 1 : 8));
			labels[k].key = profile_string(p, keys[k]);
			labels[k].str = profile_string(p, text);
		}
		threads[i] = profile_label_set(p, labels, 4);
	}
	return p;
}

/* NR samples of the first OF stacks, each in its turn. */
static void add_samples(struct profile *p, const char *what, uint32_t of, uint32_t nr)
{
	static const int64_t values[2] = { 1, 20408163 };
	double start = now(), added, found;
	uint32_t *numbers = malloc(nr * sizeof(*numbers));

	for (uint32_t i = 0; i < nr; i++)
		numbers[i] = profile_stack(p, stacks[i % of], NR_FRAMES);
	found = now();
	for (uint32_t i = 0; i < nr; i++)
		profile_add(p, numbers[i], threads[i % of % NR_THREADS], values);
	added = now();
	printf("%s: profile_stack %.1f ns, profile_add %.1f ns\n", what, (found - start) / nr * 1e9,
	       (added - found) / nr * 1e9);
	free(numbers);
}

int main(void)
{
	struct profile *p = new_profile(), *q = NULL, *merged = profile_new();
	struct buf b = { 0 };
	double start;

	add_samples(p, "new", NR_STACKS, NR_STACKS);
	add_samples(p, "existing", NR_STACKS, 10 * NR_STACKS);
	add_samples(p, "existing, 1000 stacks", 1000, 10 * NR_STACKS);
	start = now();
	profile_encode(p, &b);
	printf("encode: %.1f ms, %zu bytes; in memory %zu\n", (now() - start) * 1e3, b.size,
	       profile_size(p));
	start = now();
	if (profile_decode(b.data, b.size, &q, NULL, 0))
		abort();
	printf("decode: %.1f ms\n", (now() - start) * 1e3);
	start = now();
	profile_merge(merged, p);
	printf("merge: %.1f ms", (now() - start) * 1e3);
	start = now();
	profile_merge(merged, q);
	printf(", the same again %.1f ms\n", (now() - start) * 1e3);
	buf_fini(&b);
	profile_free(p);
	profile_free(q);
	profile_free(merged);
	return 0;
}
