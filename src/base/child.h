/* child: our own program started again under another first argument, so that the two share no
 * memory. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* Where a child finds its end of the channel; 0–2 are /dev/null, /dev/null and our stderr. */
#define CHILD_CHANNEL_FD 3

/* Starts /proc/self/exe with the argument ROLE ("--worker"). It gets CHANNEL as descriptor
 * CHILD_CHANNEL_FD and no other, dies with us (PR_SET_PDEATHSIG), has default signal handling and
 * an empty mask, and keeps at most the capabilities of CAPS (a mask of 1 << CAP_…; 0: none, and no
 * way to gain any). The pid or negative errno: execve's failure is the child's exit status 127. */
pid_t child_start(const char *role, int channel, unsigned long long caps);
/* The same, but it does not die with us: the other end of CHANNEL is another process's, and it ends when that goes. */
pid_t child_start_for_another(const char *role, int channel, unsigned long long caps);

/* What each role's main does first: nobody may look into it (PR_SET_DUMPABLE), it leaves no core,
 * and it takes no signals that are meant for the daemon (a terminal's ^C, systemd's SIGTERM to the
 * whole unit): it ends when its channel does, or at once with who started it when WITH_PARENT. */
void child_init(bool with_parent);

/* From now on this process gets at most MORE bytes of address space beyond what it has: whatever asks
 * for more gets -ENOMEM. What it has counts, since a sanitizer's own is terabytes. */
void child_limit_memory(unsigned long long more);

/* Collects the child PID if it has ended; never waits. True: it has (or is none of ours). */
bool child_reap(pid_t pid);

#endif
