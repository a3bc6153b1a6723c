/* confine: what reads the network's word needs to read the machine's certificates and name servers, to write to one folder, and
 * the internet; nothing else, although it has the user of all our processes. Where the kernel has no such means it goes without:
 * it holds no capability anyway. */
#ifndef FETCH_CONFINE_H
#define FETCH_CONFINE_H

/* From now on no file is read that is not of the system's software and settings, and none made, changed or removed, but below
 * DIR; none is executed (landlock(7), Linux 5.13). 0 or negative errno. */
int confine_files(int dir);

/* From now on no other process is reached, by signals, sockets of the machine or otherwise, no program started and no namespace
 * entered (seccomp(2)). 0 or negative errno. */
int confine_calls(void);

#endif
