/* privileges: user, capabilities and limits. What is taken away is never needed again. */
#ifndef DAEMON_PRIVILEGES_H
#define DAEMON_PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>

/* RLIMIT_NOFILE and RLIMIT_MEMLOCK up to their hard limits, beyond where we may. Returns the number of descriptors. */
unsigned privileges_raise_limits(void);

/* Started as root: becomes user USER with the capabilities that sampling, opening and, if so, ATTACHING need and no others; where there is
 * no such user, keeps uid 0 with just those. 0, or negative errno with words in WHY. PATHS (NULL-terminated) are handed
 * to the user first, so that it can write what root made for it. */
int privileges_become(const char *user, bool attaching, char *why, size_t why_size);

/* The opener and the attacher have been started: gives up what only they need. */
void privileges_drop_opening(void);

/* The owner that files made for the daemon get: USER's ids when we are root and it is there, else −1 (as we are). */
void privileges_owner(const char *user, int *uid, int *gid);

/* Names of the effective capabilities, for status ("perfmon bpf syslog"). */
void privileges_text(char *out, size_t size);

#endif
