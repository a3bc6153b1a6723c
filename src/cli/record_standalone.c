/* pprofctl record --standalone: no daemon, its caller's rights. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/record.h"
#include "replay/recorder.h"

#define STEP_MS 250
#define SIZE_MAX_HELD ((size_t)1 << 30) /* of a profile: more than any viewer opens */

/* The process that thread TID belongs to; 0: there is none. */
static uint32_t process_of(uint32_t tid)
{
	unsigned pid = 0;
	char path[32], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/status", tid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f) && sscanf(line, "Tgid: %u", &pid) != 1)
		;
	fclose(f);
	return pid;
}

static void tell(const struct record_options *o, const struct recorder_status *s)
{
	if (s->no_kernel)
		log_warnx("the kernel's side is left out: it takes CAP_PERFMON, or "
			  "kernel.perf_event_paranoid ≤ 1");
	if (s->frequency < o->frequency)
		log_warnx("%u Hz: the kernel allows no more now "
			  "(kernel.perf_event_max_sample_rate)", s->frequency);
}

static bool over(struct recorder *r, const struct record_options *o, struct command *c,
		 uint64_t elapsed)
{
	struct recorder_status s;

	recorder_status(r, &s);
	if (s.size > SIZE_MAX_HELD) {
		log_warnx("ended early: the profile has reached %zu MiB", SIZE_MAX_HELD >> 20);
		return true;
	}
	if (o->duration_ns && elapsed >= o->duration_ns)
		return true;
	return o->command ? command_ended(c) : recorder_over(r);
}

/* Until it is over. 0 or negative errno. */
static int sample(struct recorder *r, const struct record_options *o, struct command *c,
		  int signals)
{
	uint64_t start = record_now(), elapsed = 0;
	struct record_progress progress;
	struct recorder_status s;
	int err = 0;

	record_progress_init(&progress);
	while (!err && !over(r, o, c, elapsed)) {
		uint64_t left = o->duration_ns ? (o->duration_ns - elapsed) / 1000000 + 1 : STEP_MS;

		err = recorder_step(r, signals, left < STEP_MS ? (int)left : STEP_MS);
		elapsed = record_now() - start;
		recorder_status(r, &s);
		record_progress(&progress, elapsed, s.nr_samples, s.nr_lost);
		if (record_interrupted(signals))
			break;
	}
	record_progress_end(&progress);
	return err;
}

static int write_output(struct recorder *r, const struct record_options *o)
{
	struct recorder_status s;
	struct profile *p;
	int err = recorder_finish(r, &p);

	recorder_status(r, &s);
	if (!p) {
		log_warnx("no sample: nothing is written");
		return CLI_FAILED;
	}
	if (err && !s.no_kernel)
		log_warnx("kernel functions have no names: %s",
			  err == -EACCES ? "/proc/kallsyms hides them (kernel.kptr_restrict)"
					 : strerror(-err));
	if (s.nr_lost)
		log_warnx("%" PRIu64 " samples were lost; they are in the profile as [lost]",
			  s.nr_lost);
	err = output_profile(o->output, p);
	profile_free(p);
	return err ? CLI_FAILED : CLI_DONE;
}

static int begin(struct recorder **r, const struct record_options *o, struct command *c)
{
	char raw[256] = "", host[256], error[256] = "";
	struct recorder_options ro = {
		.kind = o->kind, .frequency = o->frequency, .callchain = o->callchain,
		.pid = o->pid, .tid = o->tid, .host = host, .on_exec = o->command,
	};
	struct recorder_status s;
	int err;

	gethostname(raw, sizeof(raw) - 1);
	text_clean(host, sizeof(host), raw, sizeof(raw));
	if (o->command)
		ro.pid = (uint32_t)c->pid;
	else if (o->tid)
		ro.pid = process_of(o->tid);
	if (!ro.pid) {
		log_warnx("%u: %s", o->tid, strerror(ESRCH));
		return -ESRCH;
	}
	err = recorder_new(r, &ro, error, sizeof(error));
	if (err) {
		log_warnx("%s", error);
		return err;
	}
	recorder_status(*r, &s);
	tell(o, &s);
	if (o->command) {
		err = command_go(c);
		if (err)
			log_warnx("%s: %s", o->command[0], strerror(-err));
	}
	return err;
}

int record_standalone(const struct record_options *o)
{
	struct recorder *r = NULL;
	struct command c = { 0 };
	int signals, err, status = CLI_FAILED;

	signals = record_signals();
	if (signals < 0)
		return CLI_FAILED;
	err = o->command ? command_start(&c, o->command) : 0;
	if (err) {
		log_warnx("fork: %s", strerror(-err));
		goto out;
	}
	if (begin(&r, o, &c))
		goto out;
	err = sample(r, o, &c, signals);
	if (err)
		log_warnx("waiting for samples: %s", strerror(-err));
	status = write_output(r, o);
	if (o->command)
		record_wait_for_command(&c, signals, o->command[0]);
out:
	recorder_free(r);
	command_fini(&c);
	close(signals);
	return status;
}
