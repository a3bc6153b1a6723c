/* record: bytes of a perf ring or perf.data file → struct record (perf_event_open(2), "MMAP
 * layout"; include/uapi/linux/perf_event.h, up to Linux 6.18). Pure: no allocation, no system call;
 * everything is bounds-checked. */
#ifndef PERF_RECORD_H
#define PERF_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How records of one event are laid out: fixed by its perf_event_attr. */
struct record_layout {
	uint64_t sample_type; /* PERF_SAMPLE_* */
	uint64_t read_format;
	uint64_t branch_sample_type;
	uint64_t regs_user, regs_intr; /* sample_regs_user, sample_regs_intr */
	bool sample_id_all;
	bool swap; /* written by a machine of the other endianness */
};

struct record_sample {
	/* What pprofd's own samples hold, */
	uint64_t ip, period, cgroup;
	const void *ips; /* nr_ips × u64, in place (maybe unaligned; use record_ip) */
	uint64_t nr_ips; /* PERF_CONTEXT_* markers included */
	/* and what others may. */
	uint64_t addr, weight, data_src;
	const void *raw;
	uint32_t raw_size;
	bool has_stack; /* PERF_SAMPLE_STACK_USER was asked for */
	const void *stack;
	uint64_t stack_size; /* dyn_size: bytes that were really copied */
	uint64_t regs_abi;   /* PERF_SAMPLE_REGS_ABI_*; 0: no user registers */
	const void *regs;    /* u64 for each bit of layout.regs_user, ascending */
};

struct record_mmap { /* PERF_RECORD_MMAP and MMAP2 */
	uint32_t pid, tid;
	uint64_t start, size, pgoff;
	uint32_t maj, min; /* MMAP2 without build id, else 0 */
	uint64_t ino, ino_generation;
	uint32_t prot, flags;  /* MMAP2; of MMAP: PROT_EXEC unless PERF_RECORD_MISC_MMAP_DATA */
	uint8_t build_id_size; /* 0: none */
	uint8_t build_id[20];
	const char *filename; /* NUL-terminated, in place */
};

struct record_comm {
	uint32_t pid, tid;
	bool exec; /* PERF_RECORD_MISC_COMM_EXEC */
	const char *comm;
};

struct record_task { /* FORK and EXIT */
	uint32_t pid, ppid, tid, ptid;
	uint64_t time;
};

struct record_lost { /* LOST: id and number; LOST_SAMPLES: number */
	uint64_t id, lost;
};

struct record_ksymbol {
	uint64_t addr;
	uint32_t size;
	uint16_t ksym_type; /* PERF_RECORD_KSYMBOL_TYPE_* */
	bool unregister;
	const char *name;
};

struct record_cgroup {
	uint64_t id;
	const char *path;
};

struct record_throttle { /* THROTTLE and UNTHROTTLE */
	uint64_t time, id, stream_id;
};

struct record {
	uint32_t type; /* PERF_RECORD_* */
	uint16_t misc, size;
	/* From the sample, or from its sample_id trailer; what the layout does not have is 0, pid
	 * and tid −1. */
	uint32_t pid, tid, cpu;
	uint64_t time, id, stream_id;
	union {
		struct record_sample sample;
		struct record_mmap mmap;
		struct record_comm comm;
		struct record_task task;
		struct record_lost lost;
		struct record_ksymbol ksymbol;
		struct record_cgroup cgroup;
		struct record_throttle throttle;
	};
};

/* One record of SIZE bytes, header included, 8-byte aligned or not. 0; -EBADMSG: damaged, or not
 * the layout's (OUT has type, misc and size only, if there is a header); -ENOTSUP: a type that is
 * not decoded here (and the trailer's fields). Pointers in OUT are into DATA. A stack whose
 * dyn_size exceeds its size, a string without NUL, an array past the end, a sample with a word more
 * than its layout's, a bit of sample_type that is newer than we are: damaged. */
int record_decode(const void *data, size_t size, const struct record_layout *layout,
		  struct record *out);

/* The time of a record without decoding the rest; 0 where its layout has none or it is too
 * short. */
uint64_t record_time(const void *data, size_t size, const struct record_layout *layout);

/* Where the id that names a record's event stands: byte offset from the record's start for samples
 * (IDENTIFIER, else ID by sample_type), and from its end for others. False: the layout has none. */
bool record_id(const void *data, size_t size, const struct record_layout *layout, uint64_t *id);

/* The I-th entry of a sample's callchain. */
static inline uint64_t record_ip(const struct record_sample *s, uint64_t i, bool swap)
{
	uint64_t ip;

	__builtin_memcpy(&ip, (const char *)s->ips + i * 8, 8);
	return swap ? __builtin_bswap64(ip) : ip;
}

#endif
