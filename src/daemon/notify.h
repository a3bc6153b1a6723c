/* notify: sd_notify(3) without libsystemd: one datagram to $NOTIFY_SOCKET. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdint.h>

/* STATE as sd_notify(3) has it ("READY=1\nSTATUS=…"). Does nothing when systemd did not start us. */
void notify_state(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t notify_watchdog_ns(void); /* $WATCHDOG_USEC / 2 for our pid; 0: no watchdog */

#endif
