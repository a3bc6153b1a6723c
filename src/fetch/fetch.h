/* fetch: the process that may use the network: brings debug files by build id from debuginfod servers (debuginfod(8): GET
 * URL/buildid/HEX/debuginfo) into a folder. What comes is kept if it is one and has that build id, which the worker checks once
 * more. It has no capability and little else (fetch/confine.h); nobody waits for it. */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

/* main() of `pprofd --debuginfod`: serves CHILD_CHANNEL_FD until it closes. The exit status. */
int fetch_main(void);

#endif
