/* kernel: what the daemon knows of the running kernel: where its text begins, whether that is a secret, its build id. */
#ifndef DAEMON_KERNEL_H
#define DAEMON_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel {
	uint64_t text;          /* address of _text; 0: hidden from us */
	bool restricted;        /* kernel.kptr_restrict ≥ 1: no raw address may leave the daemon */
	uint32_t max_stack;     /* kernel.perf_event_max_stack */
	char build_id[64];      /* hex, "" */
	uint64_t blind;         /* base/kernel_hide.h; ours alone */
	const char *kallsyms;   /* the file to read */
};

void kernel_read(struct kernel *k);
/* A descriptor of the symbols, opened with our rights (the kernel decides at open whether to show addresses), or −1. */
int kernel_open_kallsyms(const struct kernel *k);

/* For tests: _text out of the first lines of a kallsyms text; 0 when not there or hidden. The build id out of
 * /sys/kernel/notes' bytes. */
uint64_t kernel_parse_text(const char *text, size_t size);
void kernel_parse_notes(const void *notes, size_t size, char *hex, size_t hex_size);

/* We are not in the initial PID namespace: tasks outside ours appear as pid 0. */
bool kernel_in_pid_namespace(void);

#endif
