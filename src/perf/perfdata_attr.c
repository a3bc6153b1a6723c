/* Events of a file: their attributes, ids and names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "perf/perfdata_impl.h"

/* A bit field of a big-endian writer fills each byte from its highest bit. */
static void reverse_bits(uint8_t *p, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t out = 0;

		for (unsigned bit = 0; bit < 8; bit++)
			out |= (p[i] >> bit & 1) << (7 - bit);
		p[i] = out;
	}
}

/* Field by field, as include/uapi/linux/perf_event.h has them; what the file is too old for stays
 * zero. */
static void read_attr(struct reader r, struct perf_event_attr *attr)
{
	uint8_t bits[8] = { 0 };
	const void *p;

	attr->type = reader_u32(&r);
	attr->size = reader_u32(&r);
	attr->config = reader_u64(&r);
	attr->sample_period = reader_u64(&r);
	attr->sample_type = reader_u64(&r);
	attr->read_format = reader_u64(&r);
	p = reader_bytes(&r, sizeof(bits));
	if (p)
		memcpy(bits, p, sizeof(bits));
	if (r.swap)
		reverse_bits(bits, sizeof(bits));
	memcpy((char *)&attr->read_format + 8, bits, sizeof(bits));
	attr->wakeup_events = reader_u32(&r);
	attr->bp_type = reader_u32(&r);
	attr->config1 = reader_u64(&r);
	attr->config2 = reader_u64(&r);
	attr->branch_sample_type = reader_u64(&r);
	attr->sample_regs_user = reader_u64(&r);
	attr->sample_stack_user = reader_u32(&r);
	attr->clockid = (int32_t)reader_u32(&r);
	attr->sample_regs_intr = reader_u64(&r);
	attr->aux_watermark = reader_u32(&r);
	attr->sample_max_stack = reader_u16(&r);
}

static void add_id(struct perfdata *d, uint64_t id, uint32_t event)
{
	struct perfdata_id *e;

	if (perfdata_find_id(d, id) != HASH_NONE)
		return;
	hash_add(&d->id_hash, hash_u64(id), d->nr_ids);
	e = array_push(d->ids, d->nr_ids, d->ids_cap);
	e->id = id;
	e->event = event;
}

uint32_t perfdata_find_id(const struct perfdata *d, uint64_t id)
{
	uint32_t pos, i;

	for (i = hash_first(&d->id_hash, hash_u64(id), &pos); i != HASH_NONE;
	     i = hash_next(&d->id_hash, hash_u64(id), &pos))
		if (d->ids[i].id == id)
			return d->ids[i].event;
	return HASH_NONE;
}

int perfdata_add_event(struct perfdata *d, struct reader attr, struct reader ids)
{
	struct perfdata_event *e;
	uint32_t event = d->nr_events;

	if (event == PERFDATA_EVENTS_MAX)
		return perfdata_fail(d, -EBADMSG, "more than %d events", PERFDATA_EVENTS_MAX);
	/* Sections of several events may overlap: together they have no more ids than the file. */
	d->ids_size += reader_left(&ids);
	if (d->ids_size > d->held)
		return perfdata_fail(d, -EBADMSG, "damaged: more ids than bytes");
	e = array_push(d->events, d->nr_events, d->events_cap);
	memset(e, 0, sizeof(*e));
	read_attr(attr, &e->attr);
	e->layout = (struct record_layout){
		.sample_type = e->attr.sample_type,
		.read_format = e->attr.read_format,
		.branch_sample_type = e->attr.branch_sample_type,
		.regs_user = e->attr.sample_regs_user,
		.regs_intr = e->attr.sample_regs_intr,
		.sample_id_all = e->attr.sample_id_all,
		.swap = d->swap,
	};
	while (reader_left(&ids) >= 8)
		add_id(d, reader_u64(&ids), event);
	return 0;
}

void perfdata_set_name(struct perfdata *d, uint32_t event, const char *name, size_t size)
{
	char *out = d->events[event].name;

	size = strnlen(name, size);
	if (size >= sizeof(d->events[event].name))
		size = sizeof(d->events[event].name) - 1;
	memcpy(out, name, size);
	out[size] = 0;
}

static const char *const hardware_names[] = {
	"cycles", "instructions", "cache-references", "cache-misses", "branches",
	"branch-misses", "bus-cycles", "stalled-cycles-frontend", "stalled-cycles-backend",
	"ref-cycles",
};
static const char *const software_names[] = {
	"cpu-clock", "task-clock", "page-faults", "context-switches", "cpu-migrations",
	"minor-faults", "major-faults", "alignment-faults", "emulation-faults", "dummy",
	"bpf-output", "cgroup-switches",
};

#define NR(a) (sizeof(a) / sizeof((a)[0]))

static const char *type_name(const struct perfdata *d, const struct perf_event_attr *attr)
{
	uint32_t config = (uint32_t)attr->config; /* of a hybrid CPU, the PMU is above */

	if (attr->type == PERF_TYPE_HARDWARE && config < NR(hardware_names))
		return hardware_names[config];
	if (attr->type == PERF_TYPE_SOFTWARE && attr->config < NR(software_names))
		return software_names[config];
	for (uint32_t i = 0; i < d->nr_type_names && attr->type == PERF_TYPE_TRACEPOINT; i++)
		if (d->type_names[i].config == attr->config)
			return d->type_names[i].name;
	return NULL;
}

static void make_name(const struct perfdata *d, struct perfdata_event *e)
{
	static const char *const kinds[] = { "hardware", "software", "tracepoint", "cache", "raw",
					     "breakpoint" };
	const char *name = type_name(d, &e->attr);

	if (name)
		snprintf(e->name, sizeof(e->name), "%s", name);
	else if (e->attr.type < NR(kinds))
		snprintf(e->name, sizeof(e->name), "%s_0x%llx", kinds[e->attr.type],
			 (unsigned long long)e->attr.config);
	else
		snprintf(e->name, sizeof(e->name), "pmu_%u_0x%llx", e->attr.type,
			 (unsigned long long)e->attr.config);
}

void perfdata_name_events(struct perfdata *d)
{
	for (uint32_t i = 0; i < d->nr_events; i++)
		if (!d->events[i].name[0])
			make_name(d, &d->events[i]);
}
