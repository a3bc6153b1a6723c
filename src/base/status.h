/* status: numbers of proc_pid_status(5), "Uid:\t1000\t1000\t1000\t1000\n". Pure. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

/* Of the line that begins with "NAME:" in TEXT the number WHICH, from 0 on; -1: the last. A name on the first line, which may
 * hold anything, is not found. False: it has not as many. */
bool status_number(const char *text, const char *name, int which, int base, uint64_t *v);

#endif
