/* worker: the process without rights that parses everything. */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

/* main() of `pprofd --worker`: serves CHILD_CHANNEL_FD until it closes. The exit status. */
int worker_main(void);

#endif
