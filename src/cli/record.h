/* record: what the two ways of recording, through the daemon and without it, have in common. */
#ifndef CLI_RECORD_H
#define CLI_RECORD_H

#include <signal.h>
#include <stdint.h>

#include "cli/cli.h"
#include "cli/command.h"
#include "replay/recorder.h"

#define RECORD_FREQUENCY 499
#define RECORD_FREQUENCY_MAX 10000

struct record_options {
	uint32_t pid, tid; /* 0: not given */
	const char *unit, *comm;
	enum event_kind kind;
	enum event_callchain callchain;
	unsigned frequency;
	uint64_t duration_ns; /* 0: until it ends, or Ctrl-C */
	const char *output;
	char **command; /* NULL: none */
};

/* Signals that end a recording early, and SIGCHLD, as a descriptor; they are blocked from now on. */
int record_signals(void);
/* Takes what SIGNALS has: whether the recording shall end. */
bool record_interrupted(int signals);

/* One line that is written over, on a terminal only; record_progress_end before any other line. */
struct record_progress {
	uint64_t shown_ns;
	bool on, shown;
};
void record_progress_init(struct record_progress *p);
void record_progress(struct record_progress *p, uint64_t elapsed_ns, uint64_t samples,
		     uint64_t lost);
void record_progress_end(struct record_progress *p);

uint64_t record_now(void); /* CLOCK_MONOTONIC */

/* After the recording the command goes on, and we stay until it ends, as a shell would; then how. */
void record_wait_for_command(struct command *c, int signals, const char *name);

int record_by_daemon(const struct cli *cli, const struct record_options *o);
int record_standalone(const struct record_options *o);

#endif
