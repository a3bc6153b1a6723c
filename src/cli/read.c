/* Reading what a selection chooses. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/select.h"
#include "profile/decode.h"
#include "profile/merge.h"
#include "spool/spool.h"

#define DEFAULT_KIND "cpu"

struct reading {
	const struct select *select;
	struct profile *p;
	bool *keep; /* by the source's label set */
	char *first; /* the file that P's types are of */
	unsigned nr_files;
};

int select_open(const char *path, bool may_be_gone, struct profile **out)
{
	char error[256];
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO, err;

	if (fd < 0) {
		err = -errno;
		if (err != -ENOENT || !may_be_gone)
			log_warn("%s", path);
		return err;
	}
	err = profile_read(fd, out, error, sizeof(error));
	if (err)
		log_warnx("%s: %s", path, error);
	if (fd != STDIN_FILENO)
		close(fd);
	return err;
}

static bool keep_sample(void *ctx, const struct profile *p, uint32_t sample)
{
	const struct reading *r = ctx;

	return r->keep[p->samples[sample].label_set];
}

static int add_profile(struct reading *r, const char *path, const struct profile *src)
{
	int err;

	r->keep = xreallocarray(r->keep, (size_t)src->nr_label_sets + 1, sizeof(*r->keep));
	for (uint32_t i = 0; i < src->nr_label_sets; i++)
		r->keep[i] = select_keeps(r->select, src, i);
	err = profile_merge_some(r->p, src, keep_sample, r);
	if (err)
		log_warnx("%s: not of the same kind as %s: values of different types do not add up",
			  path, r->first);
	else if (!r->first)
		r->first = xstrdup(path);
	r->nr_files += !err;
	return err;
}

/* AGAIN: of a window that has been read in part: its length is known. */
static int read_file(struct reading *r, const char *path, bool may_be_gone, bool again)
{
	struct profile *src = NULL;
	int err = select_open(path, may_be_gone, &src);

	if (!err && again)
		src->duration_nanos = 0;
	if (!err)
		err = add_profile(r, path, src);
	profile_free(src);
	return err;
}

bool select_in_time(const struct select *s, const struct spool_name *n)
{
	return (!s->has_since || n->start + (int64_t)n->seconds > s->since) &&
	       (!s->has_until || n->start < s->until);
}

/* Files of targets are parts of the host's, or more of the same time: they are not added to it. */
static bool chosen(const struct select *s, const struct spool_name *n)
{
	return !strcmp(n->kind, s->kind ? s->kind : DEFAULT_KIND) && !strcmp(n->target, s->target ? s->target : "") &&
	       select_in_time(s, n);
}

/* The first of the newest files: one, or where the window was split all parts of it. */
static long newest(const struct select *s, const struct spool_entry *entries, long nr)
{
	long last = nr - 1, first;

	while (last > 0 && !chosen(s, &entries[last].parsed))
		last--;
	first = last;
	while (first > 0 && entries[last].parsed.folder[0] &&
	       entries[first - 1].parsed.start == entries[last].parsed.start)
		first--;
	return first;
}

/* Damaged files of a spool are told and passed over; so are, silently, those that retention took
 * meanwhile. */
static int read_spool(struct reading *r, const char *directory)
{
	const struct select *s = r->select;
	const char *kind = s->kind ? s->kind : DEFAULT_KIND;
	const char *at = s->target ? "@" : "", *target = s->target ? s->target : "";
	struct spool_entry *entries = NULL;
	long nr = spool_list(directory, &entries), first = 0;
	int64_t window = 0;
	bool again;
	int err = 0;

	if (nr < 0) {
		log_warnx("%s: %s", directory, strerror((int)-nr));
		return (int)nr;
	}
	if (!s->has_since && !s->has_until) /* the newest */
		first = newest(s, entries, nr);
	for (long i = first < 0 ? 0 : first; i < nr && err != -EINVAL; i++) {
		char *path;

		if (!chosen(s, &entries[i].parsed))
			continue;
		path = xasprintf("%s/%s", directory, entries[i].name);
		again = r->nr_files && entries[i].parsed.folder[0] &&
			entries[i].parsed.start == window;
		window = entries[i].parsed.start;
		err = read_file(r, path, true, again);
		free(path);
	}
	free(entries);
	if (err == -EINVAL)
		return err;
	if (!r->nr_files) {
		log_warnx("%s: no %s%s%s profile%s", directory, kind, at, target,
			  s->has_since || s->has_until ? " of that time" : "");
		return -ENOENT;
	}
	return 0;
}

static void tell_source(struct select *s, const struct reading *r, const char *directory)
{
	if (directory)
		snprintf(s->source, sizeof(s->source), "%u %s%s%s file%s of %s", r->nr_files,
			 s->kind ? s->kind : DEFAULT_KIND, s->target ? "@" : "",
			 s->target ? s->target : "", r->nr_files == 1 ? "" : "s", directory);
	else if (r->nr_files == 1)
		snprintf(s->source, sizeof(s->source), "%s", r->first);
	else
		snprintf(s->source, sizeof(s->source), "%s and %u more", r->first,
			 r->nr_files - 1);
}

int select_read(const struct cli *cli, struct select *s, char **files, int nr_files,
		struct profile **out)
{
	struct reading r = { .select = s, .p = profile_new() };
	int err = 0;

	for (int i = 0; i < nr_files && !err; i++)
		err = read_file(&r, files[i], false, false);
	if (!nr_files)
		err = read_spool(&r, cli->directory);
	if (!err && s->nr_labels && !r.p->nr_samples) {
		log_warnx("no sample matches");
		err = -ENOENT;
	}
	if (!err) {
		tell_source(s, &r, nr_files ? NULL : cli->directory);
		*out = r.p;
		r.p = NULL;
	}
	profile_free(r.p);
	free(r.keep);
	free(r.first);
	return err;
}
