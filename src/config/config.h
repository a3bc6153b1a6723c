/* config: /etc/pprofd.conf and its drop-ins, as pprofd.conf(5) tells them. One table (table.c)
 * drives parsing, ranges, defaults, printing and the shipped file. Pure but for config_load and the
 * streams given; nothing here logs. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_TARGETS_MAX 32
#define CONFIG_PIDS_MAX 64

enum config_scope { SCOPE_HOST, SCOPE_TARGETS, SCOPE_NONE };
enum config_method { METHOD_AUTO, METHOD_THREAD, METHOD_CGROUP, METHOD_CPU };
enum config_split { SPLIT_HOST, SPLIT_UNIT, SPLIT_PROCESS };
enum config_follow { FOLLOW_CHILDREN, FOLLOW_THREADS };
enum config_unwind { UNWINDING_AUTO, UNWINDING_BPF, UNWINDING_STACK, UNWINDING_FP };
enum config_symbolize { SYMBOLIZE_NO, SYMBOLIZE_NAMES, SYMBOLIZE_LINES };

/* A size that may be a share of the file system instead. Both 0: no limit. */
struct config_size {
	uint64_t bytes;
	unsigned percent; /* used when not 0 */
};

struct config_pids {
	uint32_t pids[CONFIG_PIDS_MAX];
	uint32_t nr;
};

/* A [Target NAME] section: which processes, and how. Patterns are globs, "" matches all. */
struct config_target {
	char name[33]; /* [A-Za-z0-9_-]+ */
	char unit[256], cgroup[256], comm[64], exe[256], user[64];
	struct config_pids pids;
	unsigned method, follow; /* enum config_method, config_follow */
	unsigned events;         /* as below */
	unsigned sample_frequency, callchain;
	unsigned labels; /* more than [Profile] Labels= */
	bool java_perf_map;
	/* Of no key: a client's recording, perhaps of this thread of the process alone (0: all). */
	bool on_demand;
	uint32_t tid;
};

struct config {
	/* [Sampler] */
	unsigned scope;  /* enum config_scope */
	unsigned events; /* 1 << enum event_kind: bit 0 cpu, bit 1 cycles */
	unsigned sample_frequency;
	unsigned callchain; /* as enum event_callchain: no, yes, user, kernel */
	unsigned unwind;    /* enum config_unwind */
	uint64_t stack_copy_size;
	uint64_t ring_size; /* a power of two */
	uint64_t unwind_cache_size;
	bool exclude_idle;
	/* [Profile] */
	uint64_t window_ns;
	uint64_t max_memory;
	uint64_t max_samples; /* 0: no limit */
	unsigned split;       /* enum config_split */
	unsigned labels; /* bits in the order pid tid comm thread_comm unit container_id */
	/* [Symbols] */
	unsigned symbolize; /* enum config_symbolize */
	uint64_t cache_size;
	char debug_path[256];      /* absolute: of separate debug files */
	bool debuginfod;
	char debuginfod_urls[512]; /* with blanks between; "": the environment's */
	char cache_directory[256]; /* absolute */
	uint64_t cache_max_use;    /* bytes there; 0: nothing is kept there */
	/* [Spool] */
	char spool_directory[256]; /* absolute */
	struct config_size max_use, keep_free;
	uint64_t max_files;        /* 0: no limit */
	uint64_t max_retention_ns; /* 0: no limit */
	bool sync_files;
	unsigned compress_level;
	/* [Control] */
	char socket[108]; /* absolute */
	/* [Target NAME], in the order in which their names come first */
	unsigned nr_targets;
	struct config_target targets[CONFIG_TARGETS_MAX];
};

void config_defaults(struct config *c);
/* What the file says of a target by its name alone. */
void config_target_defaults(struct config_target *t, const char *name);
/* What no key by itself can tell: each target chooses something, in a way that its method can. 0 or
 * -EINVAL with "[Target NAME]: why" in ERROR. Part of config_load. */
int config_check(const struct config *c, char *error, size_t error_size);

/* Defaults, then FILE, then the files of FILE.d that end in .conf, in order of name (a later file's
 * key wins; within one file a repeated key is an error). A missing FILE is an error only when
 * REQUIRED. 0, or a negative errno with one line in ERROR that names the file: -EINVAL for
 * "file:line: Section.Key: why", what open(2) and read(2) say for files that cannot be read. *C is
 * written on success only. */
int config_load(struct config *c, const char *file, bool required, char *error, size_t error_size);
/* One file's text, over what *C holds already; for config_load, tests and fuzzing. */
int config_parse(struct config *c, const char *name, const char *text, size_t size, char *error,
		 size_t error_size);

/* The effective configuration, in the file's own form: parsing it gives C again. */
void config_print(const struct config *c, FILE *out);
/* The shipped file: every key, commented, with its help and default. */
void config_print_commented(FILE *out);
/* For tests: each key once, with its default as the file writes it. */
void config_each_key(void (*fn)(void *ctx, const char *section, const char *key, const char *value),
		     void *ctx);

#endif
