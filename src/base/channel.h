/* channel: messages with descriptors between our own processes, over a SOCK_SEQPACKET pair (unix(7)). What arrives is
 * input: a reader checks every length and closes every descriptor it did not ask for. */
#ifndef BASE_CHANNEL_H
#define BASE_CHANNEL_H

#include <stddef.h>
#include <sys/types.h>

#define CHANNEL_FDS_MAX 250 /* below the kernel's SCM_MAX_FD, 253 */

/* Both ends close-on-exec and non-blocking. 0 or negative errno. */
int channel_pair(int fd[2]);

/* One message. FDS stay the caller's. 0, -EAGAIN (the other side does not read), or negative errno. */
int channel_send(int fd, const void *msg, size_t size, const int *fds, unsigned nr_fds);

/* One message of at most SIZE bytes and *NR_FDS descriptors (in: room; out: number), which become the caller's,
 * close-on-exec. The length; 0: the other side has closed; -EAGAIN; -EBADMSG: the message was larger or had more
 * descriptors (all are closed then). */
ssize_t channel_recv(int fd, void *msg, size_t size, int *fds, unsigned *nr_fds);

/* Waits until FD is readable, or writable; for processes that have no loop. 0, -ETIMEDOUT, negative errno. */
int channel_wait(int fd, short events, int timeout_ms);

#endif
