#include "collect/counters.h"

const struct counter_info counter_table[] = {
#define COUNTER_INFO(name, help) { #name, help, offsetof(struct counters, name) },
	COUNTERS(COUNTER_INFO)
#undef COUNTER_INFO
	{ NULL, NULL, 0 },
};
