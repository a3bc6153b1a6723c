/* scan: puts the processes that are there already into the table, from /proc: names, threads, start times. Their maps
 * come through the opener when a sample hits them. At the start, and again when records were lost: what is gone is then
 * said to be. */
#ifndef DAEMON_SCAN_H
#define DAEMON_SCAN_H

#include "proc/process.h"

void scan_processes(struct process_table *t);

#endif
