/* config/: what is read, refused and printed; the shipped file and the man page say what the table
 * says. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/config.h"

static char error[512];

static int parse(struct config *c, const char *text)
{
	config_defaults(c);
	error[0] = '\0';
	return config_parse(c, "t.conf", text, strlen(text), error, sizeof(error));
}

static void defaults_are_the_documented_ones(void **state)
{
	struct config c;

	config_defaults(&c);
	assert_int_equal(c.scope, SCOPE_HOST);
	assert_int_equal(c.events, 3);
	assert_int_equal(c.sample_frequency, 49);
	assert_int_equal(c.callchain, 1);
	assert_int_equal(c.ring_size, 512 << 10);
	assert_true(c.exclude_idle);
	assert_int_equal(c.window_ns, UINT64_C(60000000000));
	assert_int_equal(c.max_memory, 64 << 20);
	assert_int_equal(c.labels, 63);
	assert_int_equal(c.symbolize, SYMBOLIZE_NAMES);
	assert_int_equal(c.cache_size, 64 << 20);
	assert_string_equal(c.spool_directory, "/var/spool/pprofd");
	assert_int_equal(c.max_use.bytes, 1 << 30);
	assert_int_equal(c.max_use.percent, 0);
	assert_int_equal(c.keep_free.percent, 15);
	assert_int_equal(c.max_files, 0);
	assert_int_equal(c.max_retention_ns, 7 * UINT64_C(86400000000000));
	assert_true(c.sync_files);
	assert_int_equal(c.compress_level, 6);
	assert_string_equal(c.socket, "/run/pprofd/control");
}

static void every_key_is_read(void **state)
{
	struct config c;

	assert_int_equal(parse(&c,
			       "\xef\xbb\xbf; comment\n"
			       "[Sampler]\r\n"
			       "Scope=none\r\n"
			       "Events = cycles\n"
			       "SampleFrequency=10000   # a comment\n"
			       "CallChain=kernel\n"
			       "RingSize=64M ; another\n"
			       "ExcludeIdle=no\n"
			       "\n   \n\t# indented comment\n"
			       "[Profile] # c\n"
			       "Window=5min 30s\n"
			       "MaxMemory=4G\n"
			       "Labels=\n"
			       "[Symbols]\nSymbolize=no\nCacheSize=1M\n"
			       "[Spool]\nDirectory=/a b/c#d\nMaxUse=10%\nKeepFree=\nMaxFiles=7\n"
			       "MaxRetentionSec=0\nSyncFiles=no\nCompressLevel=9\n"
			       "[Sampler]\n"
			       "[Control]\nSocket=/s"),
			 0);
	assert_int_equal(c.scope, SCOPE_NONE);
	assert_int_equal(c.events, 2);
	assert_int_equal(c.sample_frequency, 10000);
	assert_int_equal(c.callchain, 3);
	assert_int_equal(c.ring_size, 64 << 20);
	assert_false(c.exclude_idle);
	assert_int_equal(c.window_ns, UINT64_C(330000000000));
	assert_int_equal(c.max_memory, UINT64_C(4) << 30);
	assert_int_equal(c.labels, 0);
	assert_int_equal(c.symbolize, SYMBOLIZE_NO);
	assert_int_equal(c.cache_size, 1 << 20);
	assert_string_equal(c.spool_directory, "/a b/c#d");
	assert_int_equal(c.max_use.percent, 10);
	assert_int_equal(c.max_use.bytes, 0);
	assert_int_equal(c.keep_free.percent, 0);
	assert_int_equal(c.max_files, 7);
	assert_int_equal(c.max_retention_ns, 0);
	assert_false(c.sync_files);
	assert_int_equal(c.compress_level, 9);
	assert_string_equal(c.socket, "/s");
	assert_int_equal(parse(&c, ""), 0);
	assert_int_equal(parse(&c, "\n"), 0);
}

#define LONG20 "xxxxxxxxxxxxxxxxxxxx"
#define LONG200 LONG20 LONG20 LONG20 LONG20 LONG20 LONG20 LONG20 LONG20 LONG20 LONG20

static void what_is_wrong_is_said_with_its_line(void **state)
{
	static const char *const cases[][2] = {
		{ "[Bogus]\n", "t.conf:1: [Bogus]: unknown section" },
		{ "[sampler]\n", "t.conf:1: [sampler]: unknown section" },
		{ "[]\n", "t.conf:1: []: unknown section" },
		{ "[Sampler\n", "t.conf:1: not [Section]" },
		{ "[Sampler]]\n", "t.conf:1: not [Section]" },
		{ "[Sampler] Scope=none\n", "t.conf:1: not [Section]" },
		{ "[" LONG20 LONG20 LONG20 "]\n",
		  "t.conf:1: [" LONG20 LONG20 LONG20 "]: unknown section" },
		{ "Scope=none\n", "t.conf:1: Scope: stands in no section" },
		{ "[Sampler]\nscope=none\n", "t.conf:2: Sampler.scope: unknown key" },
		{ "[Sampler]\nWindow=60s\n", "t.conf:2: Sampler.Window: unknown key" },
		{ "[Sampler]\nUnwind=magic\n", "t.conf:2: Sampler.Unwind: must be auto, bpf, stack or fp" },
		{ "[Sampler]\n\n\nScope=none\n[Sampler]\nScope=none\n",
		  "t.conf:6: Sampler.Scope: repeated in this file" },
		{ "[Sampler]\nScope\n", "t.conf:2: not Key=value" },
		{ "[Sampler]\nScope: none\n", "t.conf:2: not Key=value" },
		{ "[Sampler]\n=none\n", "t.conf:2: not Key=value" },
		{ "[Sampler]\nScope=none\n SampleFrequency=99\n",
		  "t.conf:3: an indented line: each key stands at the beginning of its own" },
		{ "[Sampler]\nScope=none\n\t99\n",
		  "t.conf:3: an indented line: each key stands at the beginning of its own" },
		{ "[Sampler]\nScope=\n", "t.conf:2: Sampler.Scope: needs a value" },
		{ "[Sampler]\nScope=Host\n", "t.conf:2: Sampler.Scope: must be host, targets or none" },
		{ "[Sampler]\nScope=host none\n",
		  "t.conf:2: Sampler.Scope: must be host, targets or none" },
		{ "[Sampler]\nEvents=\n", "t.conf:2: Sampler.Events: needs a value" },
		{ "[Sampler]\nEvents=cpu,cycles\n",
		  "t.conf:2: Sampler.Events: must be of cpu or cycles" },
		{ "[Sampler]\nEvents=cpu cpu\n", "t.conf:2: Sampler.Events: cpu is named twice" },
		{ "[Sampler]\nSampleFrequency=0\n",
		  "t.conf:2: Sampler.SampleFrequency: must be 1 to 10000" },
		{ "[Sampler]\nSampleFrequency=10001\n",
		  "t.conf:2: Sampler.SampleFrequency: must be 1 to 10000" },
		{ "[Sampler]\nSampleFrequency=4294967297\n",
		  "t.conf:2: Sampler.SampleFrequency: must be 1 to 10000" },
		{ "[Sampler]\nSampleFrequency=49Hz\n",
		  "t.conf:2: Sampler.SampleFrequency: not a number" },
		{ "[Sampler]\nCallChain=all\n",
		  "t.conf:2: Sampler.CallChain: must be no, yes, user or kernel" },
		{ "[Sampler]\nRingSize=96K\n",
		  "t.conf:2: Sampler.RingSize: must be a power of two" },
		{ "[Sampler]\nRingSize=32K\n", "t.conf:2: Sampler.RingSize: must be 64K to 64M" },
		{ "[Sampler]\nRingSize=128M\n", "t.conf:2: Sampler.RingSize: must be 64K to 64M" },
		{ "[Sampler]\nExcludeIdle=true\n",
		  "t.conf:2: Sampler.ExcludeIdle: must be yes or no" },
		{ "[Target]\n", "t.conf:1: [Target]: a target has a name: [Target NAME]" },
		{ "[Target ]\n", "t.conf:1: [Target ]: a target's name is 1 to 32 of A-Z a-z 0-9 _ -" },
		{ "[Target a/b]\n",
		  "t.conf:1: [Target a/b]: a target's name is 1 to 32 of A-Z a-z 0-9 _ -" },
		{ "[Target a b]\n",
		  "t.conf:1: [Target a b]: a target's name is 1 to 32 of A-Z a-z 0-9 _ -" },
		{ "[Target 123456789012345678901234567890123]\n",
		  "t.conf:1: [Target 123456789012345678901234567890123]: a target's name is 1 to "
		  "32 of A-Z a-z 0-9 _ -" },
		{ "[Targets x]\n", "t.conf:1: [Targets x]: unknown section" },
		{ "[Target x]\nScope=host\n", "t.conf:2: Target x.Scope: unknown key" },
		{ "[Target x]\nPid=1 x\n", "t.conf:2: Target x.Pid: must be process ids" },
		{ "[Target x]\nPid=0\n", "t.conf:2: Target x.Pid: must be process ids" },
		{ "[Target x]\nPid=2147483648\n", "t.conf:2: Target x.Pid: must be process ids" },
		{ "[Target x]\nMethod=fast\n",
		  "t.conf:2: Target x.Method: must be auto, thread, cgroup or cpu" },
		{ "[Target x]\nFollow=all\n",
		  "t.conf:2: Target x.Follow: must be children or threads" },
		{ "[Target x]\nComm=a\n[Target y]\nComm=a\n[Target x]\nComm=a\n",
		  "t.conf:6: Target x.Comm: repeated in this file" },
		{ "[Profile]\nWindow=0\n", "t.conf:2: Profile.Window: must be 1s to 1d" },
		{ "[Profile]\nWindow=25h\n", "t.conf:2: Profile.Window: must be 1s to 1d" },
		{ "[Profile]\nWindow=1m\n",
		  "t.conf:2: Profile.Window: not a span (such as 60s, 5min or 7d)" },
		{ "[Profile]\nMaxMemory=5G\n", "t.conf:2: Profile.MaxMemory: must be 1M to 4G" },
		{ "[Profile]\nMaxMemory=15%\n",
		  "t.conf:2: Profile.MaxMemory: not a size (such as 64M)" },
		{ "[Profile]\nLabels=pid name\n",
		  "t.conf:2: Profile.Labels: must be of pid, tid, comm, thread_comm, unit or "
		  "container_id" },
		{ "[Symbols]\nSymbolize=columns\n",
		  "t.conf:2: Symbols.Symbolize: must be no, names or lines" },
		{ "[Spool]\nDirectory=spool\n",
		  "t.conf:2: Spool.Directory: must be an absolute path" },
		{ "[Spool]\nMaxUse=101%\n",
		  "t.conf:2: Spool.MaxUse: not a size (such as 64M) or share (such as 15%)" },
		{ "[Spool]\nMaxUse=1K\n", "t.conf:2: Spool.MaxUse: must be 4K to 1024T" },
		{ "[Spool]\nMaxFiles=-1\n", "t.conf:2: Spool.MaxFiles: not a number" },
		{ "[Spool]\nMaxRetentionSec=1ms\n",
		  "t.conf:2: Spool.MaxRetentionSec: must be 1s to 36500d" },
		{ "[Spool]\nCompressLevel=10\n", "t.conf:2: Spool.CompressLevel: must be 1 to 9" },
		{ "[Control]\nSocket=/" LONG20 LONG20 LONG20 LONG20 LONG20 "1234567\n",
		  "t.conf:2: Control.Socket: is longer than 107 bytes" },
		{ "[Spool]\nDirectory=/" LONG200 "\n", "t.conf:2: longer than 198 bytes" },
		{ "[Spool]\nDirectory=/a\x01\n", "t.conf:2: a control byte, or not UTF-8" },
		{ "[Spool]\nDirectory=/a\xff\n", "t.conf:2: a control byte, or not UTF-8" },
		{ "[Spool]\rDirectory=/a\n", "t.conf:1: a control byte, or not UTF-8" },
	};
	struct config c;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(parse(&c, cases[i][0]), -EINVAL);
		assert_string_equal(error, cases[i][1]);
	}
}

static void targets_are_read(void **state)
{
	static const char text[] = "[Target web]\nUnit=nginx\nSampleFrequency=99\n[Target b-_9]\n"
				   "Pid=7 8\nComm=*x y\nExe=/a b\nUser=joe\nMethod=cpu\n"
				   "Follow=threads\nEvents=cpu cycles\nCallChain=no\nLabels=unit pid\nJavaPerfMap=yes\n"
				   "[Target web]\nCgroup=/x/*\n";
	const struct config_target *t;
	struct config c;

	assert_int_equal(parse(&c, text), 0);
	assert_int_equal(c.nr_targets, 2);
	t = &c.targets[0];
	assert_string_equal(t->name, "web");
	assert_string_equal(t->unit, "nginx");
	assert_string_equal(t->cgroup, "/x/*");
	assert_int_equal(t->sample_frequency, 99);
	assert_int_equal(t->method, METHOD_AUTO);
	assert_int_equal(t->follow, FOLLOW_CHILDREN);
	assert_int_equal(t->events, 1);
	assert_int_equal(t->callchain, 1);
	assert_int_equal(t->labels, 0);
	assert_false(t->java_perf_map);
	t++;
	assert_true(t->java_perf_map);
	assert_string_equal(t->name, "b-_9");
	assert_int_equal(t->pids.nr, 2);
	assert_int_equal(t->pids.pids[1], 8);
	assert_string_equal(t->comm, "*x y");
	assert_string_equal(t->exe, "/a b");
	assert_string_equal(t->user, "joe");
	assert_int_equal(t->method, METHOD_CPU);
	assert_int_equal(t->follow, FOLLOW_THREADS);
	assert_int_equal(t->events, 3);
	assert_int_equal(t->callchain, 0);
	assert_int_equal(t->labels, 1 << 4 | 1);
	assert_int_equal(t->sample_frequency, 499);
	assert_int_equal(config_check(&c, error, sizeof(error)), 0);
}

static void there_is_room_for_so_many_targets(void **state)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	struct config c;

	for (int i = 0; i < CONFIG_TARGETS_MAX; i++)
		fprintf(f, "[Target t%d]\nComm=%d\n", i, i);
	fflush(f);
	assert_int_equal(parse(&c, text), 0);
	assert_int_equal(c.nr_targets, CONFIG_TARGETS_MAX);
	assert_string_equal(c.targets[CONFIG_TARGETS_MAX - 1].comm, "31");
	fputs("[Target t0]\nExe=/x\n[Target more]\n", f);
	fclose(f);
	assert_int_equal(parse(&c, text), -EINVAL);
	assert_string_equal(error, "t.conf:67: [Target more]: more than 32 targets");
	free(text);
}

static void targets_that_choose_nothing_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "", "[Target x]: needs one of Unit= Cgroup= Pid= Comm= Exe= User=" },
		{ "Comm=a\nMethod=cgroup\n",
		  "[Target x]: Method=cgroup: a control group is chosen by Unit= and Cgroup= alone" },
		{ "Unit=a\nUser=b\nMethod=cgroup\n",
		  "[Target x]: Method=cgroup: a control group is chosen by Unit= and Cgroup= alone" },
		{ "Unit=a\nCgroup=/b\nMethod=cgroup\n",
		  "[Target x]: Method=cgroup: either Unit= or Cgroup=" },
		{ "Cgroup=b\n", "[Target x]: Cgroup= must begin with /" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = xasprintf("[Target x]\n%s", cases[i][0]);
		struct config c;

		assert_int_equal(parse(&c, text), 0);
		assert_int_equal(config_check(&c, error, sizeof(error)), -EINVAL);
		assert_string_equal(error, cases[i][1]);
		free(text);
	}
}

static void a_failed_text_changes_nothing(void **state)
{
	static const char nul[] = "[Sampler]\nScope=none\n#\0\nSampleFrequency=7\n";
	struct config c, before;

	config_defaults(&before);
	assert_int_equal(parse(&c, "[Sampler]\nScope=none\nSampleFrequency=x\n"), -EINVAL);
	assert_memory_equal(&c, &before, sizeof(c));
	assert_int_equal(config_parse(&c, "a\nb", nul, sizeof(nul) - 1, error, sizeof(error)),
			 -EINVAL);
	assert_string_equal(error, "a\\x0ab:3: a control byte, or not UTF-8");
	assert_memory_equal(&c, &before, sizeof(c));
	assert_int_equal(parse(&c, "# long, " LONG200 "\xff\n[Sampler]\nScope=none"), 0);
	assert_int_equal(c.scope, SCOPE_NONE);
}

static void what_is_printed_is_read_again(void **state)
{
	static const char *const texts[] = {
		"",
		"[Spool]\nMaxUse=\nKeepFree=0\nMaxFiles=3\nMaxRetentionSec=\nDirectory=/a b\n",
		"[Spool]\nMaxUse=7%\nKeepFree=4097\nMaxRetentionSec=1d 1us\n",
		"[Profile]\nLabels=unit pid\n",
		"[Target a]\nUnit=x y\nPid=1 2 3\nLabels=tid\nCallChain=no\n[Target b]\nExe=/b\n",
	};
	struct config c, again;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char *text = NULL;
		size_t size = 0;
		FILE *f = open_memstream(&text, &size);

		assert_int_equal(parse(&c, texts[i]), 0);
		config_print(&c, f);
		fclose(f);
		assert_int_equal(parse(&again, text), 0);
		assert_memory_equal(&c, &again, sizeof(c));
		free(text);
	}
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char *path = xasprintf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

static void files_and_drop_ins(void **state)
{
	char dir[] = "/tmp/pprofd-config.XXXXXX", *file, *command;
	struct config c;

	assert_non_null(mkdtemp(dir));
	file = xasprintf("%s/pprofd.conf", dir);
	memset(&c, 1, sizeof(c));
	assert_int_equal(config_load(&c, file, true, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "pprofd.conf: No such file"));
	assert_int_equal(c.scope, 0x01010101);
	assert_int_equal(config_load(&c, file, false, error, sizeof(error)), 0);
	assert_int_equal(c.sample_frequency, 49);

	command = xasprintf("mkdir %s/pprofd.conf.d", dir);
	assert_int_equal(system(command), 0);
	free(command);
	write_file(dir, "pprofd.conf", "[Sampler]\nSampleFrequency=1\n[Spool]\nMaxFiles=1\n");
	write_file(dir, "pprofd.conf.d/20-b.conf", "[Sampler]\nSampleFrequency=3\n");
	write_file(dir, "pprofd.conf.d/10-a.conf",
		   "[Sampler]\nSampleFrequency=2\n[Profile]\nWindow=5s\n");
	write_file(dir, "pprofd.conf.d/30-c.conf~", "broken");
	write_file(dir, "pprofd.conf.d/.40-d.conf", "broken");
	assert_int_equal(config_load(&c, file, true, error, sizeof(error)), 0);
	assert_int_equal(c.sample_frequency, 3);
	assert_int_equal(c.max_files, 1);
	assert_int_equal(c.window_ns, UINT64_C(5000000000));

	write_file(dir, "pprofd.conf.d/15.conf", "[Sampler]\n\nbroken\n");
	assert_int_equal(config_load(&c, file, true, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "pprofd.conf.d/15.conf:3: not Key=value"));
	assert_int_equal(c.sample_frequency, 3);
	assert_int_equal(config_load(&c, dir, true, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "not a regular file"));
	assert_int_equal(config_load(&c, "/dev/null", true, error, sizeof(error)), 0);
	assert_int_equal(config_load(&c, "/dev/zero", true, error, sizeof(error)), -EINVAL);
	free(file);
	file = xasprintf("%s/fifo", dir);
	assert_int_equal(mkfifo(file, 0600), 0); /* nobody writes to it: that is not waited for */
	assert_int_equal(config_load(&c, file, true, error, sizeof(error)),
			 -EINVAL);
	free(file);
	command = xasprintf("rm -r %s", dir);
	assert_int_equal(system(command), 0);
	free(command);
}

static char *slurp(const char *name)
{
	const char *top = getenv("top_srcdir");
	char *path = xasprintf("%s/%s", top ? top : ".", name), *text = xcalloc(1, 1 << 16);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	free(path);
	return text;
}

static void the_shipped_file_is_the_tables(void **state)
{
	char *shipped = slurp("etc/pprofd.conf"), *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	struct config_target target;
	struct config c, before;

	config_print_commented(f);
	fclose(f);
	assert_string_equal(text, shipped);
	assert_int_equal(parse(&c, text), 0); /* all in comments */
	config_defaults(&before);
	assert_memory_equal(&c, &before, sizeof(c));
	for (char *p = text; (p = strstr(p, "\n#")); p += 2)
		if (p[2] != ' ')
			p[1] = '\n'; /* with the comment marks of the keys gone it says the same */
	assert_int_equal(parse(&c, text), 0);
	assert_int_equal(c.nr_targets, 1); /* [Target NAME], with a target's defaults */
	config_target_defaults(&target, "NAME");
	assert_memory_equal(&c.targets[0], &target, sizeof(target));
	memset(&c.targets[0], 0, sizeof(target));
	c.nr_targets = 0;
	assert_memory_equal(&c, &before, sizeof(c));
	free(text);
	free(shipped);
}

static void check_documented(void *ctx, const char *section, const char *key, const char *value)
{
	char *title = xasprintf("\n.SH %s SECTION\n", section), *entry, *upper;
	const char *man = ctx, *begin, *at, *quote;

	for (upper = title + 5; *upper != ' '; upper++)
		*upper = (char)(*upper >= 'a' && *upper <= 'z' ? *upper - 32 : *upper);
	quote = strchr(value, ' ') ? "\"" : "";
	entry = xasprintf("\n.TP\n.BR %s= \" (\" %s%s%s )\n", key, quote, value, quote);
	begin = strstr(man, title);
	if (!begin)
		fail_msg("pprofd.conf.5 has no %s", title);
	at = strstr(begin, entry);
	if (!at)
		fail_msg("pprofd.conf.5 has no %s", entry);
	begin = strstr(begin + 1, "\n.SH ");
	assert_true(begin && at < begin);
	free(title);
	free(entry);
}

static void the_man_page_documents_every_key_and_no_other(void **state)
{
	char *man = slurp("man/pprofd.conf.5");
	unsigned nr = 0;

	config_each_key(check_documented, man);
	for (const char *p = man; (p = strstr(p, "= \" (\" ")); p++)
		nr++;
	assert_int_equal(nr, 42);
	free(man);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_documented_ones),
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(targets_are_read),
		cmocka_unit_test(there_is_room_for_so_many_targets),
		cmocka_unit_test(targets_that_choose_nothing_are_refused),
		cmocka_unit_test(a_failed_text_changes_nothing),
		cmocka_unit_test(what_is_printed_is_read_again),
		cmocka_unit_test(files_and_drop_ins),
		cmocka_unit_test(the_shipped_file_is_the_tables),
		cmocka_unit_test(the_man_page_documents_every_key_and_no_other),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
