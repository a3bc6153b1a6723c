/* cfi_impl: what the files of cfi share. cfi.c finds functions' entries (FDEs), cfi_entry.c reads
 * them and what they have in common (CIEs), cfi_exec.c runs their instructions, cfi_expr.c knows
 * the few expressions that the rules can say, cfi_page.c makes pages of it, cfi_go.c knows Go's
 * assembly functions, cfi_code.c reads code that is not described. */
#ifndef OBJECT_CFI_IMPL_H
#define OBJECT_CFI_IMPL_H

#include <stdbool.h>

#include "base/reader.h"
#include "object/cfi.h"
#include "object/cfi_code.h"
#include "object/dwarf_section.h"
#include "object/elf.h"

#define CFI_ENTRY_MAX (128u << 10) /* bytes of an FDE or CIE; of large interpreters 30 KiB */
#define CFI_READ_SIZE (32u << 10)  /* bytes read at once */
#define CFI_CIES 32                /* decoded ones that are kept */
#define CFI_OVERRIDES_MAX 64
#define CFI_PADDING_MAX UINT64_C(16) /* alignment of functions: what is between them is never run */

/* A piece of a section that has been read. */
struct cfi_window {
	uint8_t *data;
	uint64_t start; /* in the section */
	size_t size;
};

struct cfi_section {
	const struct elf *elf;
	const uint8_t *contents; /* NULL: they are in the file, at offset */
	uint64_t offset, addr, size;
	bool is_debug_frame;
};

/* What the instructions have established for an address. */
enum cfi_cfa { CFI_CFA_OTHER, CFI_CFA_REG, CFI_CFA_RULE };
enum cfi_ra { CFI_RA_OTHER, CFI_RA_CFA, CFI_RA_STACK, CFI_RA_UNDEFINED };

struct cfi_state {
	enum cfi_cfa cfa;
	enum cfi_ra ra;
	uint64_t reg;           /* CFA_REG: DWARF's number */
	int64_t off;
	struct unwind_rule rule; /* CFA_RULE: its cfa and cfa_off */
	int64_t ra_off;         /* from the CFA or the stack pointer */
	enum unwind_fp fp;
	int64_t fp_off;
};

struct cfi_cie {
	uint64_t offset; /* in the section */
	int err;         /* -EBADMSG: it cannot be used */
	uint64_t code_align;
	int64_t data_align;
	uint8_t pointers;  /* encoding of addresses in FDEs */
	bool augmented;    /* FDEs have augmentation data */
	bool trampoline;   /* 'S' */
	struct cfi_state state;
};

/* An FDE, whose instructions lie in the entry's window. */
struct cfi_fde {
	const struct cfi_cie *cie;
	uint64_t start, end;
	struct reader instructions;
	uint64_t addr; /* of the first instruction, for pointers relative to themselves */
};

struct cfi_place { /* where a function's FDE is */
	uint64_t start;  /* its first address, to be confirmed by the FDE */
	uint64_t offset; /* of the FDE in the section */
};

struct cfi_builder {
	uint32_t nr_rows, nr_rules;
	bool full;
	uint32_t rows[UNWIND_PAGE_ROWS_MAX];
	struct unwind_rule rules[UNWIND_PAGE_RULES_MAX];
	uint16_t slots[2 * UNWIND_PAGE_RULES_MAX]; /* rule + 1 by hash */
};

/* The functions of one section. */
struct cfi_frames {
	struct cfi_section section, hdr;
	uint64_t table;   /* .eh_frame_hdr's table, in hdr */
	uint64_t nr;      /* functions */
	struct cfi_place *places; /* without .eh_frame_hdr: sorted */
	struct dwarf_section unpacked; /* what a compressed section is read from */
	struct cfi_window entries, cie_entries, hdr_entries;
	struct cfi_cie cies[CFI_CIES];
};

struct cfi {
	const struct elf *elf;
	struct cfi_frames frames;       /* .eh_frame */
	struct cfi_frames debug_frames; /* .debug_frame, for where that has nothing */
	struct cfi_code *code;          /* for where nothing has; NULL: not needed yet */
	struct unwind_rule gap; /* between functions */
	struct cfi_override overrides[CFI_OVERRIDES_MAX]; /* sorted, disjoint */
	unsigned nr_overrides;
	size_t work; /* bytes of entries looked at for this page */
	uint32_t unknown; /* bytes of code on this page that are in gaps */
	struct cfi_builder builder;
};

/* cfi.c */
/* SIZE bytes of a section in place, good until the next call with this window. 0, -EBADMSG: not so
 * many, -ENOMEM, or the errno of reading. */
int cfi_read(struct cfi_window *w, const struct cfi_section *s, uint64_t offset, size_t size,
	     const uint8_t **out);
/* The I-th function, I < nr. */
int cfi_place(struct cfi_frames *f, uint64_t i, struct cfi_place *out);

/* cfi_entry.c */
/* The entry at OFFSET of the section: *BODY begins behind its length field, *NEXT is the offset
 * behind it, *ID the CIE pointer and ID_AT its offset. -ENOENT: the section's terminator. */
struct cfi_entry {
	struct reader body;
	uint64_t next, body_at; /* body_at: of the first byte behind the CIE pointer */
	uint64_t cie;           /* offset of its CIE; is_cie: 0 */
	bool is_cie, is_64;
};
int cfi_entry(const struct cfi_frames *f, struct cfi_window *w, uint64_t offset,
	      struct cfi_entry *out);
/* Reads the FDE at OFFSET; -EBADMSG when it is none or cannot be used; *NEXT as above, when not
 * NULL, also then. Valid until the next call. */
int cfi_fde(struct cfi_frames *f, uint64_t offset, struct cfi_fde *out);
int cfi_fde_of(struct cfi_frames *f, const struct cfi_entry *e, struct cfi_fde *out);
/* A pointer of ENCODING that lies at address AT; fails R when it cannot be read so. */
uint64_t cfi_pointer(struct reader *r, uint8_t encoding, uint64_t at);

/* cfi_exec.c */
/* Runs instructions R (the first at address AT) on STATE. ROW is told of each range of addresses
 * from *LOC on that has one state (NULL: there must be one only, as in a CIE); *LOC ends behind the
 * last. False: not all was understood. */
typedef bool cfi_row_fn(void *ctx, uint64_t start, uint64_t end, const struct cfi_state *s);
bool cfi_exec(const struct cfi_cie *cie, struct reader r, uint64_t at, struct cfi_state *state,
	      uint64_t *loc, cfi_row_fn *row, void *ctx);
struct unwind_rule cfi_rule(const struct cfi_state *s, bool trampoline);

/* cfi_expr.c */
/* The CFA by expression R: false, or RULE's cfa and cfa_off. */
bool cfi_expr_cfa(struct reader r, struct unwind_rule *rule);
/* The address that R says, as REG (DWARF's number) + *OFF: false when it is more than that. */
bool cfi_expr_address(struct reader r, uint64_t *reg, int64_t *off);

/* cfi_go.c */
/* Whether E is a Go program; then OUT gets up to CFI_OVERRIDES_MAX overrides, sorted, for what it
 * has symbols of. */
bool cfi_go(const struct elf *e, struct cfi_override *out, unsigned *nr);

#endif
