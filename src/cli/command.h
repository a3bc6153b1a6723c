/* command: a program that is started stopped, so that it can be watched from its first instruction. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct command {
	pid_t pid; /* 0: none */
	int go_fd, failed_fd;
	bool ended;
	int status; /* of waitpid(2), when ended */
};

/* Forks; the child waits in our own code for command_go, no signal blocked.
 * When we end before that, it ends. 0 or negative errno. */
int command_start(struct command *c, char **argv);
/* Lets it call execvp(3). 0 or negative errno of that. */
int command_go(struct command *c);
/* Collects it if it has ended; whether it has. */
bool command_ended(struct command *c);
/* Says on stderr how it ended, unless with status 0. */
void command_tell(const struct command *c, const char *name);
/* One that was never let go is ended. */
void command_fini(struct command *c);

#endif
