#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* capset(2) and the ambient set by hand: between fork and exec of a threaded process nothing may allocate, which
 * rules libcap out here. */
static int child_limit_caps(uint64_t caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -1;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(caps >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = data[i].permitted;
	}
	/* Root would get everything back at exec: the bounding set ends that. Dropping from it needs CAP_SETPCAP; without
	 * that we are not root in any way that exec would honour. */
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap) >= 0; cap++)
		if (!(caps >> cap & 1))
			prctl(PR_CAPBSET_DROP, cap);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 || syscall(SYS_capset, &header, data) < 0)
		return -1;
	for (unsigned cap = 0; cap < 64; cap++)
		if (data[cap / 32].permitted >> cap % 32 & 1)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void child_exec(const char *role, int channel, uint64_t caps, pid_t parent)
{
	char *argv[] = { (char *)"pprofd", (char *)(uintptr_t)role, NULL };
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		_exit(127);
	if (channel == CHILD_CHANNEL_FD ? fcntl(channel, F_SETFD, 0) < 0 : dup2(channel, CHILD_CHANNEL_FD) < 0)
		_exit(127);
	syscall(SYS_close_range, CHILD_CHANNEL_FD + 1, ~0u, 0);
	if (child_limit_caps(caps) < 0)
		_exit(127);
	/* Set after the credentials, which clear it; the parent may have died before. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(127);
	execv("/proc/self/exe", argv);
	_exit(127);
}

pid_t child_start(const char *role, int channel, unsigned long long caps)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		child_exec(role, channel, caps, parent);
	return pid;
}
