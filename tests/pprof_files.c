/* Writes profiles for pprof.test and cli.test into the directory given: two windows of a host (the
 * same programs at other addresses), one of another kind, one of a target, and one of names that no
 * program should have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/output.h"
#include "profile/profile.h"

#define PERIOD 20408163

static uint32_t seed;

static uint32_t pick(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static struct profile *new_profile(const char *kind, const char *unit, int64_t start)
{
	struct profile *p = profile_new();

	profile_add_type(p, "samples", "count");
	profile_add_type(p, kind, unit);
	profile_set_period(p, kind, unit, PERIOD);
	p->default_type = profile_string(p, kind);
	p->time_nanos = start * 1000000000;
	p->duration_nanos = 60000000000;
	profile_add_comment(p, "pprofd 0.1");
	profile_mapping(p, &(struct profile_mapping){
				   .filename = profile_string(p, "[host web-01]") });
	return p;
}

static uint32_t mapping(struct profile *p, const char *file, const char *build_id, uint64_t start,
			bool named)
{
	struct profile_mapping m = { .start = start,
				     .limit = start + 0x100000,
				     .filename = profile_string(p, file),
				     .build_id = profile_string(p, build_id),
				     .has_functions = named };

	return profile_mapping(p, &m);
}

static struct profile_line line(struct profile *p, const char *name, int64_t number)
{
	struct profile_function f = { .name = profile_string(p, name) };

	f.system_name = f.name;
	return (struct profile_line){ profile_function(p, &f), number };
}

static uint32_t labels(struct profile *p, const char *pid, const char *comm, const char *thread)
{
	struct profile_label l[] = {
		{ .key = profile_string(p, "pid"), .str = profile_string(p, pid) },
		{ .key = profile_string(p, "comm"), .str = profile_string(p, comm) },
		{ .key = profile_string(p, "thread_comm"), .str = profile_string(p, thread) },
	};

	return profile_label_set(p, l, 3);
}

/* 200 addresses of each of three mappings; some inlined twice, some without a name. */
static uint32_t location(struct profile *p, uint32_t map, uint32_t n)
{
	uint32_t l = profile_location(p, map, p->mappings[map].start + 0x1000 + n * 16);
	struct profile_line lines[2];
	char name[64];

	snprintf(name, sizeof(name), "ns%u::function_%u", map, n % 90);
	lines[n % 7 == 0] = line(p, name, n % 90);
	if (n % 7 == 0) {
		snprintf(name, sizeof(name), "inlined_%u", n % 13);
		lines[0] = line(p, name, 7);
	}
	if (map != 3 || n % 3)
		profile_set_lines(p, l, lines, 1 + (n % 7 == 0));
	else {
		lines[0] = line(p, "[libc.so.6]", 0);
		profile_set_lines(p, l, lines, 1);
	}
	return l;
}

static struct profile *host(const char *kind, const char *unit, int64_t start, uint64_t base)
{
	static const char *const comms[] = { "bash", "nginx", "worker/0:1" };
	struct profile *p = new_profile(kind, unit, start);
	uint32_t stack[64], maps[3];

	maps[0] = mapping(p, "[kernel.kallsyms]", "aa", 0xffffffff81000000, true);
	maps[1] = mapping(p, "/usr/sbin/nginx", "0badcafe", base, true);
	maps[2] = mapping(p, "/usr/lib/libc.so.6", "c0ffee", base + 0x10000000, false);
	for (uint32_t i = 0; i < 2000; i++) {
		uint32_t nr = 1 + pick(40), who = pick(3);
		char pid[16];

		for (uint32_t k = 0; k < nr; k++)
			stack[k] = location(p, maps[pick(3)], pick(200));
		if (i % 50 == 0)
			stack[nr++] = profile_pseudo(p, "[truncated]");
		snprintf(pid, sizeof(pid), "%u", 100 + who);
		profile_add(p, profile_stack(p, stack, nr),
			    labels(p, pid, comms[who], pick(2) ? "main" : "pool"),
			    (int64_t[]){ 1 + i % 5, (1 + i % 5) * (int64_t)PERIOD });
	}
	return p;
}

static struct profile *hostile(void)
{
	static const char *const names[] = {
		"\xff\xfe", "caf\xc3", "\xed\xa0\x80", "\xf5\x80\x80\x80",
		"a\nb", "a;b c", "\x1b[31m", "", "\"quoted\\",
		"\xd0\xbd\xd0\xbe\xd0\xb2\xd1\x8b\xd0\xb9",
	};
	struct profile *p = new_profile("cpu", "nanoseconds", 1795370520);
	char *big = malloc(100001);

	memset(big, 'x', 100000);
	big[100000] = 0;
	for (uint32_t i = 0; i <= sizeof(names) / sizeof(names[0]); i++) {
		const char *name = i < sizeof(names) / sizeof(names[0]) ? names[i] : big;
		uint32_t l = profile_location(p, mapping(p, name, "", 0x1000, true), 0x1000 + i);
		struct profile_line ln = line(p, name, -1);
		struct profile_label lb[] = {
			{ .key = profile_string(p, name), .str = profile_string(p, "v") },
			{ .key = profile_string(p, "comm"), .str = profile_string(p, name) },
		};

		profile_set_lines(p, l, &ln, 1);
		profile_add(p, profile_stack(p, &l, 1), profile_label_set(p, lb, 2),
			    (int64_t[]){ 1, PERIOD });
	}
	free(big);
	return p;
}

static void write_one(const char *directory, const char *name, struct profile *p)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (output_profile(path, p))
		exit(1);
	profile_free(p);
}

int main(int argc, char **argv)
{
	log_init("pprof_files", false);
	if (argc != 2)
		return 2;
	/* UTC: 2026-11-22 18:00 and 18:01 */
	write_one(argv[1], "cpu-20261122T180000Z-60s.pb.gz",
		  host("cpu", "nanoseconds", 1795370400, 0x550000000000));
	write_one(argv[1], "cpu-20261122T180100Z-60s.pb.gz",
		  host("cpu", "nanoseconds", 1795370460, 0x5a0000000000));
	write_one(argv[1], "cycles-20261122T180000Z-60s.pb.gz",
		  host("cycles", "count", 1795370400, 0x550000000000));
	write_one(argv[1], "cpu@web-20261122T180200Z-60s.pb.gz",
		  host("cpu", "nanoseconds", 1795370520, 0x550000000000));
	write_one(argv[1], "hostile.pb.gz", hostile());
	return 0;
}
