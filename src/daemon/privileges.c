#include "daemon/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif
#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

static const cap_value_t sampling_caps[] = { CAP_PERFMON, CAP_BPF, CAP_SYSLOG };
static const cap_value_t opening_caps[] = { CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_CHECKPOINT_RESTORE };

#define NR(a) (sizeof(a) / sizeof((a)[0]))

static void raise_limit(int which, rlim_t want)
{
	struct rlimit r;

	if (getrlimit(which, &r) < 0)
		return;
	if (r.rlim_max < want) { /* needs CAP_SYS_RESOURCE; without it the hard limit has to do */
		struct rlimit more = { want, want };

		if (!setrlimit(which, &more))
			return;
	}
	r.rlim_cur = r.rlim_max;
	setrlimit(which, &r);
}

unsigned privileges_raise_limits(void)
{
	struct rlimit r;

	raise_limit(RLIMIT_NOFILE, 65536);
	raise_limit(RLIMIT_MEMLOCK, 64 << 20);
	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return 1024;
	return r.rlim_cur > 1u << 20 ? 1u << 20 : (unsigned)r.rlim_cur;
}

void privileges_owner(const char *user, int *uid, int *gid)
{
	struct passwd *pw = geteuid() == 0 ? getpwnam(user) : NULL;

	*uid = pw ? (int)pw->pw_uid : -1;
	*gid = pw ? (int)pw->pw_gid : -1;
}

/* Of LIST, those that we are permitted: asking for more would refuse all. */
static void keep_permitted(cap_t have, cap_t want, const cap_value_t *list, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		cap_flag_value_t on;

		if (cap_get_flag(have, list[i], CAP_PERMITTED, &on) < 0 || on != CAP_SET)
			continue;
		cap_set_flag(want, CAP_PERMITTED, 1, &list[i], CAP_SET);
		cap_set_flag(want, CAP_EFFECTIVE, 1, &list[i], CAP_SET);
	}
}

/* Exactly those of our capabilities that EXTRA (user and bounding-set changes) and the two lists name. */
static int limit_caps(bool opening, const cap_value_t *extra, size_t nr_extra)
{
	cap_t have = cap_get_proc(), want = cap_init();
	int err = 0;

	if (!have || !want) {
		err = -errno;
		goto out;
	}
	keep_permitted(have, want, sampling_caps, NR(sampling_caps));
	if (opening)
		keep_permitted(have, want, opening_caps, NR(opening_caps));
	keep_permitted(have, want, extra, nr_extra);
	if (cap_set_proc(want) < 0)
		err = -errno;
out:
	cap_free(have);
	cap_free(want);
	return err;
}

int privileges_become(const char *user, bool attaching, char *why, size_t why_size)
{
	/* SETPCAP: the openers drop what they must not have from their bounding set. It goes with the opening ones, and so
	 * do those of the attacher. */
	static const cap_value_t change[] = { CAP_SETPCAP, CAP_SETUID, CAP_SETGID };
	struct passwd *pw;
	int err;

	if (geteuid() != 0)
		return 0;
	pw = getpwnam(user);
	err = limit_caps(true, change, NR(change));
	if (!err && pw) {
		if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || initgroups(user, pw->pw_gid) < 0 ||
		    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 || setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
			err = -errno;
	}
	if (!err)
		err = limit_caps(true, change, attaching ? NR(change) : 1);
	if (err)
		snprintf(why, why_size, "becoming user %s: %s", user, strerror(-err));
	/* Changing ids clears the flag that lets /proc/self be read by ourselves. */
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	return err;
}

void privileges_drop_opening(void)
{
	int err = limit_caps(false, NULL, 0);

	if (err)
		log_warnx("capabilities: cannot drop those of the opener: %s", strerror(-err));
}

void privileges_text(char *out, size_t size)
{
	cap_t have = cap_get_proc();
	size_t n = 0;

	out[0] = 0;
	for (int cap = 0; have && cap_max_bits() > cap; cap++) {
		cap_flag_value_t on;
		char *name;

		if (cap_get_flag(have, cap, CAP_EFFECTIVE, &on) < 0 || on != CAP_SET || !(name = cap_to_name(cap)))
			continue;
		if (n < size)
			n += (size_t)snprintf(out + n, size - n, "%s%s", n ? " " : "",
					      strncmp(name, "cap_", 4) ? name : name + 4);
		cap_free(name);
	}
	cap_free(have);
}
