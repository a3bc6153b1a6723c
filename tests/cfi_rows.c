/* cfi_rows FILE [DEBUG]: all rows of FILE's unwind pages as text, "ADDRESS CFA FP" a line, for
 * tests/cfi.test. The rows that repeat what holds already are left out. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "object/cfi.h"
#include "object/elf.h"

static void print_cfa(const struct unwind_rule *r)
{
	static const char *const names[UNWIND_NR_CFA] = {
		[UNWIND_NONE] = "none", [UNWIND_UNSUPPORTED] = "unsupported", [UNWIND_END] = "end",
		[UNWIND_SP] = "sp", [UNWIND_FP] = "fp", [UNWIND_SP_DEREF] = "*sp",
		[UNWIND_FP_DEREF] = "*fp", [UNWIND_PLT] = "plt", [UNWIND_SIGNAL] = "signal",
		[UNWIND_CHAIN] = "chain", [UNWIND_SWITCH] = "switch",
	};

	printf("%s", names[r->cfa]);
	switch (r->cfa) {
	case UNWIND_SP:
	case UNWIND_FP:
	case UNWIND_SIGNAL:
		printf("%+d", r->cfa_off);
		break;
	case UNWIND_SP_DEREF:
	case UNWIND_FP_DEREF:
	case UNWIND_PLT:
		printf("%+d%+d", unwind_lo(r), unwind_hi(r));
		break;
	}
}

static void print_fp(const struct unwind_rule *r)
{
	static const char *const names[UNWIND_NR_FP] = { "same", "c", "f", "s", "lost" };
	unsigned fp = r->fp & ~UNWIND_FP_TRAMPOLINE;

	printf(" %s", names[fp]);
	if (fp != UNWIND_FP_SAME && fp != UNWIND_FP_LOST)
		printf("%+d", r->fp_off);
	if (r->fp & UNWIND_FP_TRAMPOLINE)
		printf(" trampoline");
}

static int print_page(struct cfi *c, const struct elf *e, uint64_t offset, struct unwind_rule *last)
{
	struct unwind_page page;
	int err = cfi_page(c, offset, &page);

	if (err)
		return err;
	if (!unwind_page_valid(&page))
		return -EPROTO;
	for (uint32_t i = 0; i < page.nr_rows; i++) {
		const struct unwind_rule *r = &page.rules[page.rows[i] & 0xffff];
		uint64_t vaddr;

		if (!memcmp(r, last, sizeof(*r)) ||
		    !elf_vaddr(e, page.offset + (page.rows[i] >> 16), &vaddr))
			continue;
		*last = *r;
		printf("%" PRIx64 " ", vaddr);
		print_cfa(r);
		print_fp(r);
		putchar('\n');
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct elf *e = NULL, *debug = NULL;
	struct unwind_rule last = { .cfa = UNWIND_NONE };
	struct cfi *c = NULL;
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	int debug_fd = argc > 2 ? open(argv[2], O_RDONLY) : -1;
	int err = fd < 0 || (argc > 2 && debug_fd < 0) ? -errno : elf_open(&e, fd);

	if (!err && argc > 2)
		err = elf_open(&debug, debug_fd);
	if (!err)
		err = cfi_open(&c, e, debug);
	for (uint64_t at = 0; !err; at += UNWIND_PAGE_SIZE) {
		at = cfi_next_page(c, at);
		if (at == UINT64_MAX)
			break;
		err = print_page(c, e, at, &last);
	}
	if (err)
		fprintf(stderr, "cfi_rows: %s: %s\n", argc > 1 ? argv[1] : "FILE", strerror(-err));
	cfi_close(c);
	elf_close(e);
	elf_close(debug);
	close(fd);
	close(debug_fd);
	return !!err;
}
