/* java: Java virtual machines of targets with JavaPerfMap=yes are asked, by the attacher, to write a map of the code that they
 * have made (/tmp/perf-PID.map): a second after they are first met with such code on a sample's stack, then after ever longer
 * pauses up to a minute, since they make most of it early; one at a time, and none is waited for. */
#ifndef DAEMON_JAVA_H
#define DAEMON_JAVA_H

#include <stdint.h>

#include "control/server.h"
#include "proc/process.h"

struct daemon;
struct java;

/* Before the capabilities are given up. 0, or negative errno of starting the attacher. */
int java_new(struct java **out, struct daemon *d);
void java_free(struct java *j);
/* P is a virtual machine with code on a stack. */
void java_meet(struct java *j, const struct process *p);
/* Once a second. */
void java_beat(struct java *j, uint64_t now_ns);
/* J may be NULL: nobody asked for it when the daemon was started. */
void java_status(const struct java *j, const struct daemon *d, struct control_client *c);

#endif
