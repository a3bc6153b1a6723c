#include "daemon/beat.h"

#include <time.h>

#include "base/log.h"
#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/java.h"
#include "daemon/notify.h"
#include "daemon/rotate.h"
#include "daemon/scan.h"

#define BEAT_NS 1000000000ull
#define CLOCK_JUMP_NS 1000000000ll

static int64_t boottime_offset(void)
{
	return (int64_t)(clock_ns(CLOCK_BOOTTIME) - clock_ns(CLOCK_MONOTONIC));
}

static void check_clocks(struct daemon *d)
{
	int64_t offset = boottime_offset();

	/* CLOCK_MONOTONIC stands still in suspend, CLOCK_BOOTTIME does not. */
	if (offset - d->boottime_offset_ns > CLOCK_JUMP_NS) {
		log_info("the machine was suspended: ending the window");
		rotate_window(d->rotate, ROTATE_STEP, NULL);
	}
	d->boottime_offset_ns = offset;
}

void beat_start(struct daemon *d)
{
	d->boottime_offset_ns = boottime_offset();
	d->watchdog_ns = notify_watchdog_ns();
}

void beat(struct daemon *d, uint64_t now)
{
	uint64_t lost;

	if (now - d->checked_ns < BEAT_NS)
		return;
	d->checked_ns = now;
	check_clocks(d);
	if (d->sampler)
		sampler_hotplug(d->sampler);
	lost = collect_counters(d->collect)->lost;
	if (lost != d->lost_seen) { /* perhaps of processes that were born or died */
		d->lost_seen = lost;
		scan_processes(d->processes);
		targets_scan(d->targets);
	}
	if (d->java)
		java_beat(d->java, now);
	if (d->watchdog_ns && now - d->petted_ns >= d->watchdog_ns) {
		d->petted_ns = now;
		notify_state("WATCHDOG=1");
	}
	if (opener_client_over(d->opener) && !d->stopping) {
		log_warnx("both openers are gone and cannot be started again: ending, to be started anew");
		daemon_stop(d, 1);
	}
}
