#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

static void child(int go_fd, int failed_fd, char **argv)
{
	sigset_t none;
	char byte;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (read(go_fd, &byte, 1) != 1)
		_exit(127);
	execvp(argv[0], argv);
	err = errno;
	if (write(failed_fd, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

int command_start(struct command *c, char **argv)
{
	int go[2], failed[2], err;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(failed, O_CLOEXEC) < 0) {
		err = -errno;
		close(go[0]);
		close(go[1]);
		return err;
	}
	*c = (struct command){ .pid = fork(), .go_fd = go[1], .failed_fd = failed[0] };
	if (!c->pid) {
		close(go[1]);
		close(failed[0]);
		child(go[0], failed[1], argv);
	}
	err = c->pid < 0 ? -errno : 0;
	close(go[0]);
	close(failed[1]);
	if (err) {
		close(c->go_fd);
		close(c->failed_fd);
		*c = (struct command){ 0 };
	}
	return err;
}

int command_go(struct command *c)
{
	int err = 0;

	if (write(c->go_fd, "", 1) != 1)
		return -EPIPE;
	close(c->go_fd);
	c->go_fd = -1;
	/* Closed by execve(2), else it says why not. */
	if (read(c->failed_fd, &err, sizeof(err)) != sizeof(err))
		err = 0;
	return -err;
}

bool command_ended(struct command *c)
{
	if (c->pid && !c->ended)
		c->ended = waitpid(c->pid, &c->status, WNOHANG) == c->pid;
	return c->pid && c->ended;
}

void command_tell(const struct command *c, const char *name)
{
	if (!c->pid || !c->ended)
		return;
	if (WIFSIGNALED(c->status))
		log_warnx("%s: ended by signal %d (%s)", name, WTERMSIG(c->status),
			  strsignal(WTERMSIG(c->status)));
	else if (WEXITSTATUS(c->status))
		log_warnx("%s: exited with status %d", name, WEXITSTATUS(c->status));
}

void command_fini(struct command *c)
{
	if (!c->pid)
		return;
	if (c->go_fd >= 0) {
		close(c->go_fd);
		waitpid(c->pid, &c->status, 0);
	}
	close(c->failed_fd);
	c->pid = 0;
}
