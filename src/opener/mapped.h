/* mapped: what is mapped at an address, by the text of /proc/PID/maps (proc_pid_maps(5)), whose
 * names the target chooses. Pure. */
#ifndef OPENER_MAPPED_H
#define OPENER_MAPPED_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapped {
	uint64_t start, end, pgoff, inode;
	unsigned major, minor;
	bool deleted;
	char name[PATH_MAX]; /* as it is there, a newline as \012; " (deleted)" stripped */
};

/* The mapping that holds ADDRESS; false: none, or its line is damaged. */
bool mapped_find(const char *maps, size_t size, uint64_t address, struct mapped *m);

/* Cuts " (deleted)" off; whether it was there. */
bool mapped_strip_deleted(char *name);

#endif
