#include "daemon/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/debug_files.h"
#include "daemon/debuginfod.h"
#include "daemon/line_cache.h"
#include "daemon/notify.h"
#include "daemon/publish.h"
#include "daemon/recordings.h"
#include "daemon/rotate.h"
#include "daemon/sampling.h"
#include "daemon/scan.h"
#include "daemon/unwind.h"

void reload_targets(struct daemon *d, const struct config *c)
{
	char why[512];

	for (unsigned i = 0; i < targets_nr(d->targets); i++) {
		const struct config_target *o = targets_options(d->targets, i);
		bool stays = false;

		for (unsigned k = 0; o && k < c->nr_targets; k++)
			stays |= !memcmp(o, &c->targets[k], sizeof(*o));
		if (o && !stays && !o->on_demand)
			targets_remove(d->targets, i);
	}
	for (unsigned k = 0; k < c->nr_targets; k++) {
		bool there = false;

		for (unsigned i = 0; i < targets_nr(d->targets); i++) {
			const struct config_target *o = targets_options(d->targets, i);

			there |= o && !o->on_demand && !strcmp(o->name, c->targets[k].name);
		}
		if (!there)
			targets_add(d->targets, &c->targets[k], true, why, sizeof(why));
	}
	if (d->sampler)
		sampler_set_tick(d->sampler, targets_tick_ns(d->targets));
}

static bool same_targets(const struct config *a, const struct config *b)
{
	return a->nr_targets == b->nr_targets && !memcmp(a->targets, b->targets, a->nr_targets * sizeof(a->targets[0]));
}

static bool same_sampler(const struct config *a, const struct config *b)
{
	return a->scope == b->scope && a->events == b->events && a->sample_frequency == b->sample_frequency &&
	       a->callchain == b->callchain && a->ring_size == b->ring_size &&
	       unwind_same(a, b) && a->exclude_idle == b->exclude_idle;
}

static int replace_sampler(struct daemon *d, const struct config *c)
{
	char why[256] = "";
	int err;

	recordings_end_all(d->recordings); /* their events are of the old rings */
	if (d->sampler)
		sampler_stop(d->sampler);
	rotate_window(d->rotate, ROTATE_RELOAD, NULL);
	targets_set_sampler(d->targets, NULL);
	sampling_close(d);
	err = sampling_open(d, c, why, sizeof(why));
	if (err) {
		snprintf(d->reload_error, sizeof(d->reload_error), "%s", why);
		/* What ran before can run again. */
		if (sampling_open(d, &d->config, why, sizeof(why)))
			log_warnx("reload: the old sampler cannot be opened again: %s", why);
	}
	if (d->sampler)
		sampler_start(d->sampler);
	scan_processes(d->processes);
	targets_set_sampler(d->targets, d->sampler);
	return err;
}

const char *reload_cache_directory(const struct config *c)
{
	return c->symbolize == SYMBOLIZE_LINES && c->cache_max_use ? c->cache_directory : "";
}

int reload_cache_open(struct daemon *d, const struct config *c)
{
	return line_cache_new(&d->line_cache, d->loop, reload_cache_directory(c), c->cache_max_use);
}

static void cache_configure(struct daemon *d, const struct config *c)
{
	struct line_cache *old = d->line_cache;

	if (!strcmp(reload_cache_directory(c), reload_cache_directory(&d->config))) {
		line_cache_set_limit(old, c->cache_max_use);
		return;
	}
	line_cache_free(old, 0); /* gives up its lock before another one takes it */
	if (reload_cache_open(d, c) < 0)
		fatalx("line cache: no thread for it");
}

static int move_spool(struct daemon *d, const struct config *c)
{
	int err = publish_move(d->publish, c->spool_directory);

	if (err)
		snprintf(d->reload_error, sizeof(d->reload_error), "Spool.Directory %s: %s", c->spool_directory,
			 strerror(-err));
	return err;
}

static int reload_apply(struct daemon *d, const struct config *c)
{
	bool moves = strcmp(c->spool_directory, d->config.spool_directory);
	int err = moves ? move_spool(d, c) : 0;

	if (!err && !same_sampler(c, &d->config)) {
		err = replace_sampler(d, c);
		/* Whole or not at all: what has moved goes back. */
		if (err && moves && publish_move(d->publish, d->config.spool_directory))
			log_warnx("reload: profiles go to %s all the same: the old folder cannot be had again",
				  c->spool_directory);
	} else if (!err && (c->labels != d->config.labels || c->split != d->config.split || !same_targets(c, &d->config))) {
		rotate_window(d->rotate, ROTATE_RELOAD, NULL);
	}
	if (err)
		return err;
	cache_configure(d, c);
	debug_files_set_folder(d->debug_files, c->debug_path);
	debuginfod_reload(d, c);
	d->config = *c;
	sampling_configure(d, c);
	tables_set_limit(d->tables, c->unwind_cache_size);
	rotate_configure(d->rotate);
	reload_targets(d, c);
	targets_scan(d->targets);
	return 0;
}

int daemon_reload(struct daemon *d)
{
	struct config c;
	int err;

	notify_state("RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_ns(CLOCK_MONOTONIC) / 1000);
	err = config_load(&c, d->config_file, d->config_required, d->reload_error, sizeof(d->reload_error));
	if (!err && strcmp(c.socket, d->config.socket)) {
		log_warnx("reload: Control.Socket takes effect at the next start");
		memcpy(c.socket, d->config.socket, sizeof(c.socket));
	}
	if (!err)
		err = reload_apply(d, &c);
	if (err) {
		d->nr_reload_errors++;
		log_warnx("reload: %s; the running configuration stays", d->reload_error);
		notify_state("READY=1\nSTATUS=Reload refused, the old configuration stays: %s", d->reload_error);
		return err;
	}
	d->reload_error[0] = 0;
	d->nr_reloads++;
	log_info("configuration reloaded");
	notify_state("READY=1\nSTATUS=Sampling");
	return 0;
}
