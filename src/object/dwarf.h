/* dwarf: debugging information of one file, DWARF 2 to 5 with the GNU extensions for split files and
 * for dwz(1), as far as it says what is at an address (dwarfstd.org: "DWARF Debugging Information
 * Format"; sections are DWARF 5's where no version is named). Every byte is hostile: offsets,
 * chains and tables are bounded, and all work draws on one budget, so that a small file cannot cost
 * much. Nothing recurses. Used to build line indexes (line_build.h); look-ups never come here.
 */
#ifndef OBJECT_DWARF_H
#define OBJECT_DWARF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reader.h"
#include "object/dwarf_section.h"

#define DWARF_HOPS_MAX 16     /* abstract_origin, specification: links followed from one DIE */
#define DWARF_STRING_MAX 4095 /* longer ones are cut */
#define DWARF_RANGES_MAX 4096 /* of one DIE; more are left out */

enum dwarf_section_id {
	DWARF_INFO,
	DWARF_ABBREV,
	DWARF_LINE,
	DWARF_STR,
	DWARF_LINE_STR,
	DWARF_ADDR,
	DWARF_STR_OFFSETS,
	DWARF_RANGES,
	DWARF_RNGLISTS,
	DWARF_NR_SECTIONS
};

/* Attributes that somebody asks for; what has no slot is skipped. */
enum dwarf_slot {
	SLOT_NAME,
	SLOT_LINKAGE_NAME,
	SLOT_LOW_PC,
	SLOT_HIGH_PC,
	SLOT_RANGES,
	SLOT_ORIGIN,
	SLOT_SPECIFICATION,
	SLOT_CALL_FILE,
	SLOT_CALL_LINE,
	SLOT_DECL_LINE,
	SLOT_STMT_LIST,
	SLOT_COMP_DIR,
	SLOT_ADDR_BASE,
	SLOT_STR_OFFSETS_BASE,
	SLOT_RNGLISTS_BASE,
	SLOT_GNU_RANGES_BASE,
	SLOT_DWO_NAME,
	SLOT_DWO_ID,
	SLOT_NR,
	SLOT_NONE = SLOT_NR
};

struct dwarf_value {
	uint64_t u; /* number, offset or index, by the form; of DW_FORM_string the address */
	uint16_t form;
};

/* What a DIE is to us. */
enum dwarf_kind { KIND_OTHER, KIND_UNIT, KIND_FUNCTION, KIND_INLINED };

struct dwarf_abbrevs;

struct dwarf_unit {
	uint64_t offset, dies, end; /* in .debug_info: header, first DIE, end */
	uint64_t abbrev_offset;
	uint8_t version, addr_size, offset_size, type;
	/* Of the unit's DIE; see dwarf_unit_open. */
	bool opened, has_line;
	const struct dwarf_abbrevs *abbrevs;
	uint64_t low_pc, line; /* base of ranges; offset in .debug_line */
	uint64_t addr_base, str_offsets_base, rnglists_base, ranges_base;
	const char *comp_dir, *dwo_name; /* or NULL */
	uint64_t dwo_id;
	const struct dwarf_unit *skeleton; /* of a split unit, in dwarf.skeleton */
};

struct dwarf_die {
	uint64_t offset;
	uint32_t have; /* a bit for each slot that is set */
	uint8_t kind;
	bool children;
	struct dwarf_value values[SLOT_NR];
};

/* What may still be done, in bytes looked at; shared by all files of one build. */
struct dwarf_work {
	uint64_t left;
};

struct dwarf {
	struct elf *elf;
	bool swap, split; /* split: the sections are those of a .dwo file */
	struct dwarf_section sections[DWARF_NR_SECTIONS];
	uint32_t nr_tables, tables_cap;
	struct dwarf_abbrevs **tables;
	size_t tables_size;
	bool whole;        /* units refer to each other: all are there, and listed */
	uint32_t nr_units, units_cap;
	struct dwarf_unit *units;
	struct dwarf *alt;                   /* dwz's shared file, or NULL */
	struct dwarf *skeleton;              /* of a split file: where its addresses are */
	const struct dwarf_unit *split_from; /* in there */
	struct dwarf_work *work;
};

struct dwarf_range {
	uint64_t start, end;
};

/* Where it is at: a unit and an offset in .debug_info of a file. */
struct dwarf_ref {
	struct dwarf *file;
	uint64_t offset;
};

/* dwarf_info.c */
/* Opens sections of the file behind FD, which must outlive D; loads what is needed as a whole. Limit
 * is the largest section. 0; -ENODATA: no DWARF; or as elf_open and dwarf_section_open. */
int dwarf_open(struct dwarf **out, int fd, bool split, uint64_t limit, struct dwarf_work *work);
void dwarf_close(struct dwarf *d);
/* Lists all units, and keeps them. */
int dwarf_list_units(struct dwarf *d);
/* Some abbreviation has a form that refers to other units. */
bool dwarf_has_far_refs(struct dwarf *d);
/* Reads the header at OFFSET. -ENODATA at the section's end; -EBADMSG: nothing behind it can be
 * found. */
int dwarf_unit_header(struct dwarf *d, uint64_t offset, struct dwarf_unit *u);
/* Reads the unit's own DIE. */
int dwarf_unit_open(struct dwarf *d, struct dwarf_unit *u);
/* The unit that holds OFFSET: NEAR if it does (may be NULL), else a listed one, opened; or NULL. */
const struct dwarf_unit *dwarf_unit_at(struct dwarf *d, const struct dwarf_unit *near,
				       uint64_t offset);
/* The next DIE at R, with its attributes if its kind is not KIND_OTHER or ALL is set. False at the
 * end of a list of siblings, or R failed. */
bool dwarf_die_read(struct dwarf *d, const struct dwarf_unit *u, struct reader *r, bool all,
		    struct dwarf_die *die);
bool dwarf_charge(struct dwarf *d, uint64_t work); /* false: the budget is used up */

static inline bool dwarf_has(const struct dwarf_die *die, enum dwarf_slot slot)
{
	return die->have >> slot & 1;
}

/* dwarf_abbrev.c */
void dwarf_abbrevs_trim(struct dwarf *d); /* between two units: not too many tables */

/* dwarf_form.c */
bool dwarf_value_is_number(const struct dwarf_value *v);
const char *dwarf_value_string(struct dwarf *d, const struct dwarf_unit *u,
			       const struct dwarf_value *v); /* or NULL */
bool dwarf_value_ref(struct dwarf *d, const struct dwarf_unit *u, const struct dwarf_value *v,
		     struct dwarf_ref *ref);

/* dwarf_ranges.c: the addresses of DIE into RANGES (room for MAX); their number. */
uint32_t dwarf_ranges(struct dwarf *d, const struct dwarf_unit *u, const struct dwarf_die *die,
		      struct dwarf_range *ranges, uint32_t max);

#endif
