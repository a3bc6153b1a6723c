/* hotspot: asks a Java virtual machine for a map of its code, by the attach protocol of HotSpot (JDK 8 and later;
 * sun.tools.attach.VirtualMachineImpl, hotspot/os/linux/attachListener): a file .attach_pidN in its /tmp and SIGQUIT make it
 * open a socket .java_pidN there; the command on that writes /tmp/perf-N.map (Compiler.perfmap, from JDK 17). N is what the
 * process calls itself, /tmp is below its root. Both files and whoever connects must be of its own user or root's, which is
 * why this becomes that user, without capabilities, before it touches anything of it. */
#ifndef ATTACH_HOTSPOT_H
#define ATTACH_HOTSPOT_H

#include <sys/types.h>

#include "attach/protocol.h"

/* In a process of its own, which is good for nothing else afterwards. 0, or negative errno; *STAGE: at what. Waits for
 * PATIENCE_MS at most for the socket, and again for the answer; longer only when its /tmp is on a file system that hangs.
 * -ESRCH: the process has gone; -ENOTSUP: the machine does not know the command; -ETIMEDOUT. */
int hotspot_ask(pid_t pid, unsigned patience_ms, enum attach_stage *stage);

/* The parts that read what others say, pure (hotspot_text.c). */

struct hotspot_status {
	unsigned long number; /* what it calls itself */
	uid_t uid;            /* effective, as all of these */
	gid_t gid;
	bool catches_quit;
};

/* TEXT is proc_pid_status(5). False: something of it lacks. */
bool hotspot_status(const char *text, struct hotspot_status *s);
/* SIZE bytes of proc_pid_maps(5): a program with the name libjvm.so is mapped. */
bool hotspot_is_mapped(const char *maps, size_t size);
/* What it answers to a command: 0, -ENOTSUP: it says that it failed, -EBADMSG: nothing that makes sense. */
int hotspot_answer(const char *text, size_t size);

#endif
