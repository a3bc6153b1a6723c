#include "config/table.h"

static const struct config_word scopes[] = {
	{ "host", SCOPE_HOST },
	{ "targets", SCOPE_TARGETS },
	{ "none", SCOPE_NONE },
	{ 0 },
};
static const struct config_word events[] = {
	{ "cpu", 0 },
	{ "cycles", 1 },
	{ 0 },
};
static const struct config_word callchains[] = {
	{ "no", 0 },
	{ "yes", 1 },
	{ "user", 2 },
	{ "kernel", 3 },
	{ 0 },
};
static const struct config_word methods[] = {
	{ "auto", METHOD_AUTO },
	{ "thread", METHOD_THREAD },
	{ "cgroup", METHOD_CGROUP },
	{ "cpu", METHOD_CPU },
	{ 0 },
};
static const struct config_word follows[] = {
	{ "children", FOLLOW_CHILDREN },
	{ "threads", FOLLOW_THREADS },
	{ 0 },
};
static const struct config_word splits[] = {
	{ "host", SPLIT_HOST },
	{ "unit", SPLIT_UNIT },
	{ "process", SPLIT_PROCESS },
	{ 0 },
};
static const struct config_word unwinds[] = {
	{ "auto", UNWINDING_AUTO },
	{ "bpf", UNWINDING_BPF },
	{ "stack", UNWINDING_STACK },
	{ "fp", UNWINDING_FP },
	{ 0 },
};
static const struct config_word labels[] = {
	{ "pid", 0 },
	{ "tid", 1 },
	{ "comm", 2 },
	{ "thread_comm", 3 },
	{ "unit", 4 },
	{ "container_id", 5 },
	{ 0 },
};
static const struct config_word symbolizes[] = {
	{ "no", SYMBOLIZE_NO },
	{ "names", SYMBOLIZE_NAMES },
	{ "lines", SYMBOLIZE_LINES },
	{ 0 },
};

#define AT(member) offsetof(struct config, member)
#define OF(member) offsetof(struct config_target, member)
#define TEXT(member) CONFIG_TEXT, OF(member), 0, sizeof(((struct config_target *)0)->member) - 1
#define SECOND UINT64_C(1000000000)
#define DAY    (86400 * SECOND)
#define K      UINT64_C(1024)
#define M      (1024 * K)
#define G      (1024 * M)
#define T      (1024 * G)

const struct config_key config_keys[] = {
	{ "Sampler", "Scope", CONFIG_CHOICE, AT(scope), 0, 0, "host", scopes,
	  "What is sampled: host (every thread of it), targets (only what the [Target]\n"
	  "sections below choose) or none." },
	{ "Sampler", "Events", CONFIG_SET, AT(events), 1, 0, "cpu cycles", events,
	  "Kinds of profile, a file each: cpu is a timer, cycles the hardware counter where\n"
	  "there is one." },
	{ "Sampler", "SampleFrequency", CONFIG_NUMBER, AT(sample_frequency), 1, 10000, "49", NULL,
	  "Samples per second and CPU, 1 to 10000; off-beat on purpose." },
	{ "Sampler", "CallChain", CONFIG_CHOICE, AT(callchain), 0, 0, "yes", callchains,
	  "Which side's callers a sample has: yes (both), user, kernel, or no (where it was\n"
	  "alone, at the lowest cost)." },
	{ "Sampler", "Unwind", CONFIG_CHOICE, AT(unwind), 0, 0, "auto", unwinds,
	  "How a sample's callers are found in user code: bpf (by the kernel, with the unwind\n"
	  "tables of its files), stack (by a copy of its stack and the same tables), fp (by frame\n"
	  "pointers, which many programs lack) or auto (bpf up to 499 samples a second where the\n"
	  "kernel permits it, else stack as long as SampleFrequency= makes that cheap)." },
	{ "Sampler", "StackCopySize", CONFIG_BYTES, AT(stack_copy_size), K, 65528, "16K", NULL,
	  "How much of its stack a sample carries, 1K to 65528, rounded down to 8 bytes." },
	{ "Sampler", "RingSize", CONFIG_POWER, AT(ring_size), 64 * K, 64 * M, "512K", NULL,
	  "The kernel's buffer per CPU, a power of two from 64K to 64M." },
	{ "Sampler", "UnwindCacheSize", CONFIG_BYTES, AT(unwind_cache_size), M, G, "8M", NULL,
	  "The most memory that unwind tables take, 1M to 1G." },
	{ "Sampler", "ExcludeIdle", CONFIG_BOOL, AT(exclude_idle), 0, 0, "yes", NULL,
	  "Leaves out the time in which a CPU does nothing." },

	{ "Target", "Unit", TEXT(unit), "", NULL,
	  "Chooses by systemd unit, a glob; a name without a suffix means .service. What a\n"
	  "target chooses is sampled at the target's own rate, into files of its own\n"
	  "(cpu@NAME-…). Up to 32 targets; several keys must all match." },
	{ "Target", "Cgroup", TEXT(cgroup), "", NULL,
	  "By control group and all below it: a path as in /proc/PID/cgroup, a glob." },
	{ "Target", "Pid", CONFIG_PIDS, OF(pids), 0, 0, "", NULL, "By process id, one or more." },
	{ "Target", "Comm", TEXT(comm), "", NULL,
	  "By the process's name, as in /proc/PID/comm, a glob." },
	{ "Target", "Exe", TEXT(exe), "", NULL, "By the path of its program, a glob." },
	{ "Target", "User", TEXT(user), "", NULL,
	  "By its effective user: a number, or a name, a glob." },
	{ "Target", "Method", CONFIG_CHOICE, OF(method), 0, 0, "auto", methods,
	  "How: thread (a timer for each thread), cgroup (one for each control group), cpu\n"
	  "(one for each CPU, filtered by process: costs nothing at context switches), or auto\n"
	  "(cgroup where Unit= or Cgroup= stands alone, else thread)." },
	{ "Target", "Follow", CONFIG_CHOICE, OF(follow), 0, 0, "children", follows,
	  "Who else belongs to a chosen process: children (and theirs), or its threads alone." },
	{ "Target", "Events", CONFIG_SET, OF(events), 1, 0, "cpu", events, "As of [Sampler]." },
	{ "Target", "SampleFrequency", CONFIG_NUMBER, OF(sample_frequency), 1, 10000, "499", NULL,
	  "Samples per second of running, 1 to 10000." },
	{ "Target", "CallChain", CONFIG_CHOICE, OF(callchain), 0, 0, "yes", callchains,
	  "As of [Sampler]." },
	{ "Target", "Labels", CONFIG_SET, OF(labels), 0, 0, "", labels,
	  "Labels in addition to those of [Profile]." },
	{ "Target", "JavaPerfMap", CONFIG_BOOL, OF(java_perf_map), 0, 0, "no", NULL,
	  "Whether its Java virtual machines (JDK 17 or later) are asked for maps of their code,\n"
	  "by HotSpot's attach protocol: needs rights that the service does not have by default,\n"
	  "see pprofd.conf(5)." },

	{ "Profile", "Window", CONFIG_SPAN, AT(window_ns), SECOND, DAY, "60s", NULL,
	  "The time that one profile covers, aligned to the wall clock, 1s to 1d." },
	{ "Profile", "MaxMemory", CONFIG_BYTES, AT(max_memory), M, 4 * G, "64M", NULL,
	  "A window ends early when its samples take this much, 1M to 4G." },
	{ "Profile", "MaxSamples", CONFIG_COUNT, AT(max_samples), 1, UINT32_MAX, "", NULL,
	  "A window ends early when it has so many different samples (stack and labels).\n"
	  "Empty or 0: no limit." },
	{ "Profile", "Split", CONFIG_CHOICE, AT(split), 0, 0, "host", splits,
	  "One profile a window of the whole host, or of each unit or process, in a folder of\n"
	  "its own (unit-NAME, process-COMM-PID): host, unit or process." },
	{ "Profile", "Labels", CONFIG_SET, AT(labels), 0, 0,
	  "pid tid comm thread_comm unit container_id", labels,
	  "What each sample is labelled with; empty: nothing." },

	{ "Symbols", "Symbolize", CONFIG_CHOICE, AT(symbolize), 0, 0, "names", symbolizes,
	  "Whether functions are named: no (addresses and build ids alone), names, or lines\n"
	  "(files, lines and inlined functions too, from DWARF)." },
	{ "Symbols", "DebugPath", CONFIG_PATH, AT(debug_path), 0,
	  sizeof(((struct config *)0)->debug_path) - 1, "/usr/lib/debug", NULL,
	  "Where separate debug files are, by build id (.build-id/ab/cdef.debug) or by the path\n"
	  "of what they are of; below a process's own root first, then the host's." },
	{ "Symbols", "CacheSize", CONFIG_BYTES, AT(cache_size), M, 4 * G, "64M", NULL,
	  "Memory for symbol tables between windows, 1M to 4G." },

	{ "Symbols", "Debuginfod", CONFIG_BOOL, AT(debuginfod), 0, 0, "no", NULL,
	  "Whether debug files that are not here are fetched, by build id, from servers on the\n"
	  "network: needs rights that the service does not have by default, see pprofd.conf(5)." },
	{ "Symbols", "DebuginfodUrls", CONFIG_TEXT, AT(debuginfod_urls), 0,
	  sizeof(((struct config *)0)->debuginfod_urls) - 1, "", NULL,
	  "Those servers, with blanks between. Empty: those of DEBUGINFOD_URLS." },

	{ "Symbols", "CacheDirectory", CONFIG_PATH, AT(cache_directory), 0,
	  sizeof(((struct config *)0)->cache_directory) - 1, "/var/cache/pprofd", NULL,
	  "Where lines are kept that were read once. Without it they are read again after each\n"
	  "start." },
	{ "Symbols", "CacheMaxUse", CONFIG_BYTES, AT(cache_max_use), 0, T, "512M", NULL,
	  "The most that they take there, up to 1T; the longest unused go first. 0: nothing is\n"
	  "kept there." },

	{ "Spool", "Directory", CONFIG_PATH, AT(spool_directory), 0,
	  sizeof(((struct config *)0)->spool_directory) - 1, "/var/spool/pprofd", NULL,
	  "Where the profiles go. It must exist." },
	{ "Spool", "MaxUse", CONFIG_SHARE, AT(max_use), 4 * K, 1024 * T, "1G", NULL,
	  "The most that profiles take on disk: a size, or a share of the file system in %;\n"
	  "the oldest go first. Empty or 0: no limit." },
	{ "Spool", "KeepFree", CONFIG_SHARE, AT(keep_free), 4 * K, 1024 * T, "15%", NULL,
	  "What profiles leave free for others: a size, or a share of the file system in %.\n"
	  "Empty or 0: no limit." },
	{ "Spool", "MaxFiles", CONFIG_COUNT, AT(max_files), 1, UINT32_MAX, "", NULL,
	  "The most profiles that are kept. Empty or 0: no limit." },
	{ "Spool", "MaxRetentionSec", CONFIG_AGE, AT(max_retention_ns), SECOND, 36500 * DAY, "7d",
	  NULL, "Profiles older than this are removed. Empty or 0: no limit." },
	{ "Spool", "SyncFiles", CONFIG_BOOL, AT(sync_files), 0, 0, "yes", NULL,
	  "Waits until a profile is on disk before it gets its name, so that no crash leaves\n"
	  "half of one." },
	{ "Spool", "CompressLevel", CONFIG_NUMBER, AT(compress_level), 1, 9, "6", NULL,
	  "gzip's, 1 (fast) to 9 (small)." },

	{ "Control", "Socket", CONFIG_PATH, AT(socket), 0, sizeof(((struct config *)0)->socket) - 1,
	  "/run/pprofd/control", NULL,
	  "Where pprofctl finds the daemon. A change needs a restart." },
};
const size_t config_nr_keys = sizeof(config_keys) / sizeof(config_keys[0]);
