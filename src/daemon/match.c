#include "daemon/match.h"

#include <errno.h>
#include <fnmatch.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "proc/procfs.h"

static bool is_glob(const char *s)
{
	return strpbrk(s, "*?[\\");
}

/* As systemctl(1) completes a name. */
static void complete_unit(char *out, size_t size, const char *unit)
{
	static const char *const suffixes[] = { ".service", ".scope", ".slice", ".socket", ".mount", ".swap", ".timer" };
	bool whole = !*unit || is_glob(unit);

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		whole |= text_has_suffix(unit, suffixes[i]);
	snprintf(out, size, "%s%s", unit, whole ? "" : ".service");
}

static void add_uid(struct match *m, uint32_t uid)
{
	if (m->nr_uids < MATCH_USERS_MAX)
		*array_push(m->uids, m->nr_uids, m->uids_cap) = uid;
}

static void find_users(struct match *m, const char *user)
{
	const struct passwd *pw;
	char *end;
	unsigned long uid = strtoul(user, &end, 10);

	if (*user >= '0' && *user <= '9' && !*end && uid < UINT32_MAX) {
		add_uid(m, (uint32_t)uid);
	} else if (!is_glob(user)) {
		pw = getpwnam(user);
		if (pw)
			add_uid(m, pw->pw_uid);
	} else {
		setpwent();
		while ((pw = getpwent()))
			if (!fnmatch(user, pw->pw_name, 0))
				add_uid(m, pw->pw_uid);
		endpwent();
	}
}

void match_init(struct match *m, const struct config_target *t)
{
	*m = (struct match){ .target = t };
	complete_unit(m->unit, sizeof(m->unit), t->unit);
	if (t->user[0])
		find_users(m, t->user);
}

void match_fini(struct match *m)
{
	free(m->uids);
	*m = (struct match){ 0 };
}

static bool matches_pid(const struct config_pids *pids, uint32_t pid)
{
	for (uint32_t i = 0; i < pids->nr; i++)
		if (pids->pids[i] == pid)
			return true;
	return !pids->nr;
}

static bool matches_user(const struct match *m, int root, uint32_t pid)
{
	uint32_t uid;

	if (!m->target->user[0])
		return true;
	if (procfs_uid(root, pid, &uid) < 0)
		return false;
	for (uint32_t i = 0; i < m->nr_uids; i++)
		if (m->uids[i] == uid)
			return true;
	return false;
}

/* A component of PATH has a name like PATTERN: what runs in a unit's own groups is the unit's too. */
static bool has_component(const char *pattern, const char *path)
{
	char name[256];

	for (size_t length; *path; path += length) {
		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (!length || length >= sizeof(name))
			continue;
		memcpy(name, path, length);
		name[length] = 0;
		if (!fnmatch(pattern, name[0] == '_' ? name + 1 : name, 0))
			return true;
	}
	return false;
}

static bool matches_group(const struct match *m, int root, uint32_t pid)
{
	const struct config_target *t = m->target;
	char path[4096];

	if (!t->unit[0] && !t->cgroup[0])
		return true;
	if (procfs_cgroup(root, pid, path, sizeof(path)) < 0)
		return false;
	return (!t->unit[0] || has_component(m->unit, path)) &&
	       (!t->cgroup[0] || !strcmp(t->cgroup, "/") ||
		!fnmatch(t->cgroup, path, FNM_PATHNAME | FNM_LEADING_DIR));
}

enum match_answer match_process(const struct match *m, int root, const struct process_table *table,
				const struct process *p)
{
	const struct config_target *t = m->target;
	const char *program;

	/* What costs nothing first. */
	if (!matches_pid(&t->pids, p->pid) || (t->comm[0] && fnmatch(t->comm, p->comm, 0)))
		return MATCH_NO;
	if (t->exe[0] && p->kthread)
		return MATCH_NO;
	program = t->exe[0] && p->space->state == SPACE_KNOWN ? process_program(table, p) : NULL;
	if (program && fnmatch(t->exe, program, 0))
		return MATCH_NO;
	if (!matches_user(m, root, p->pid) || !matches_group(m, root, p->pid))
		return MATCH_NO;
	return !t->exe[0] || program ? MATCH_YES : MATCH_MAPS_UNKNOWN;
}

bool match_changes_silently(const struct match *m)
{
	const struct config_target *t = m->target;

	return t->user[0] || t->unit[0] || t->cgroup[0];
}

bool match_cgroup(const struct match *m, const char *path, const char *name)
{
	if (m->target->unit[0])
		return !fnmatch(m->unit, name[0] == '_' ? name + 1 : name, 0);
	return !fnmatch(m->target->cgroup, path, FNM_PATHNAME);
}

bool match_new_cgroup(const struct match *m, const char *path)
{
	for (const char *rest = path; (rest = strchr(rest, '/')); rest++)
		if (match_cgroup(m, rest, strrchr(rest, '/') + 1))
			return true;
	return false;
}
