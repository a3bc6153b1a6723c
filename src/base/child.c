#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* capset(2) and the ambient set by hand: between fork and exec of a threaded process nothing may
 * allocate, which rules libcap out here. */
static int child_limit_caps(uint64_t caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	/* Root would get everything back at exec: the bounding set ends that. Dropping from it
	 * needs CAP_SETPCAP; without that, no_new_privs keeps exec from giving more than is
	 * permitted now. */
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++) {
		if (!(caps >> cap & 1))
			prctl(PR_CAPBSET_DROP, cap);
		else if (!prctl(PR_CAPBSET_READ, cap))
			caps &= ~(UINT64_C(1) << cap); /* it could not be made inheritable */
	}
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(caps >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = data[i].permitted;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &header, data) < 0)
		return -1;
	for (unsigned cap = 0; cap < 64; cap++)
		if (data[cap / 32].permitted >> cap % 32 & 1)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void close_from(unsigned first)
{
	struct rlimit limit;

	if (!syscall(SYS_close_range, first, ~0u, 0))
		return;
	/* Before Linux 5.9. */
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		for (rlim_t fd = first; fd < limit.rlim_cur; fd++)
			close((int)fd);
}

/* PARENT: with whom it dies; 0: nobody. */
static void child_exec(const char *role, int channel, uint64_t caps, pid_t parent)
{
	char *argv[] = { (char *)"pprofd", (char *)(uintptr_t)role, NULL };
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	/* Out of the way of the descriptors that are about to be replaced. */
	channel = fcntl(channel, F_DUPFD_CLOEXEC, CHILD_CHANNEL_FD + 1);

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(127);
	if (channel < 0 || dup2(channel, CHILD_CHANNEL_FD) < 0)
		_exit(127);
	close_from(CHILD_CHANNEL_FD + 1);
	if (child_limit_caps(caps) < 0)
		_exit(127);
	/* Set after the credentials, which clear it; the parent may have died before. */
	if (parent && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent))
		_exit(127);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static pid_t start(const char *role, int channel, uint64_t caps, pid_t parent)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		child_exec(role, channel, caps, parent);
	return pid;
}

pid_t child_start(const char *role, int channel, unsigned long long caps)
{
	return start(role, channel, caps, getpid());
}

pid_t child_start_for_another(const char *role, int channel, unsigned long long caps)
{
	return start(role, channel, caps, 0);
}

void child_init(bool with_parent)
{
	static const int ignored[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2
	};
	struct rlimit none = { 0, 0 };

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	/* Again: exec of a program with file capabilities has cleared it. A parent that died before
	 * that has closed the channel. */
	if (with_parent)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

void child_limit_memory(unsigned long long more)
{
	unsigned long long pages = 0;
	struct rlimit limit;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return;
	if (fscanf(f, "%llu", &pages) == 1 && !getrlimit(RLIMIT_AS, &limit)) {
		rlim_t want = pages * (unsigned long long)sysconf(_SC_PAGESIZE) + more;

		limit.rlim_cur = want < limit.rlim_max ? want : limit.rlim_max;
		setrlimit(RLIMIT_AS, &limit);
	}
	fclose(f);
}

bool child_reap(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) != 0;
}
