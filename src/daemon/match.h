/* match: does a process belong to a target? By what the process table knows, and by what /proc says of it: status (its
 * effective user) and cgroup. The path of its program is that of its first mapping (the lowest executable one of a file):
 * reading /proc/PID/exe needs rights that the sampler does not have. That is the path as the process itself sees it;
 * of a script its interpreter's. */
#ifndef DAEMON_MATCH_H
#define DAEMON_MATCH_H

#include "config/config.h"
#include "proc/process.h"

#define MATCH_USERS_MAX 256

struct match {
	const struct config_target *target; /* the caller's */
	char unit[264]; /* with its suffix */
	uint32_t *uids;
	uint32_t nr_uids, uids_cap;
};

enum match_answer { MATCH_NO, MATCH_YES, MATCH_MAPS_UNKNOWN }; /* the last: all but the program's path matches */

/* Looks users up (passwd(5)): a user's name that is none leaves nobody to match, which is no error. */
void match_init(struct match *m, const struct config_target *t);
void match_fini(struct match *m);

/* ROOT: a descriptor of /proc. */
enum match_answer match_process(const struct match *m, int root, const struct process_table *table,
				const struct process *p);
/* Something matched is in no record: it has to be looked at now and then. */
bool match_changes_silently(const struct match *m);
/* A cgroup called NAME, the last component of PATH (both below the hierarchy's root), is what a cgroup target chooses. */
bool match_cgroup(const struct match *m, const char *path, const char *name);
/* The same of a group that has just come, by the PATH of its record, whose root may be above the one that is mounted here:
 * true also where that cannot be told. */
bool match_new_cgroup(const struct match *m, const char *path);

#endif
