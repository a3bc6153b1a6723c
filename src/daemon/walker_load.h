/* walker_load: the walker in the kernel (bpf/unwind.bpf.c), as the kernel has it: its programs and the memory that it
 * shares with us. Built without BPF, or where the kernel refuses it, there is none. */
#ifndef DAEMON_WALKER_LOAD_H
#define DAEMON_WALKER_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "unwind/mirror.h"

struct walker_load;

struct walker_sizes {
	uint32_t nr_cpus;      /* possible ones */
	uint32_t nr_processes; /* that have user code, now: there is room for more */
	size_t tables_size;    /* bytes of unwind tables at most */
	size_t stack_size;     /* of copies */
};

/* 0, or negative errno: WHY says in words what is missing. */
int walker_load_new(struct walker_load **out, const struct walker_sizes *sizes, char *why, size_t why_size);
void walker_load_free(struct walker_load *w);

/* Good as long as W is. */
void walker_load_memory(struct walker_load *w, struct mirror_memory *memory);
struct unwind_kcpu *walker_load_cpu(struct walker_load *w, uint32_t cpu); /* NULL: no such CPU */
size_t walker_load_size(const struct walker_load *w); /* bytes of all that */

/* A program that begins walks of samples of SOURCE (unwind/kernel.h): a descriptor, the caller's, or negative errno. */
int walker_load_program(struct walker_load *w, uint32_t source);
/* Records of CPU go by the BPF_OUTPUT event FD; −1: no more. */
int walker_load_output(struct walker_load *w, uint32_t cpu, int fd);

#endif
