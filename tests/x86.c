/* Reads what `objdump -d --insn-width=15` writes and tells where x86_decode says otherwise: how long an instruction is,
 * where control goes on, whether the stack or frame pointer is another behind it. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object/x86.h"

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static bool begins_any(const char *text, const char *const *with)
{
	while (*with)
		if (begins(text, *with++))
			return true;
	return false;
}

/* The last operand, where AT&T's syntax has what is written, is the 64- or 32-bit register NAME. */
static bool ends_in(const char *text, const char *name)
{
	size_t size = strcspn(text, "#<\n");
	char last[8];

	while (size && text[size - 1] == ' ')
		size--;
	if (size < 5)
		return false;
	memcpy(last, text + size - 4, 4);
	last[4] = 0;
	if (last[0] == '%' && last[1] == 'e')
		last[1] = 'r';
	return !strcmp(last, name);
}

/* Those that write no operand, or not the last one. */
static bool only_reads(const char *text)
{
	static const char *const names[] = { "cmp", "test", "push", "bt ", "call", "jmp", "mul", "div", "idiv",
					     "nop", NULL };

	return begins_any(text, names) || (begins(text, "imul") && !strchr(text, ',')) || strstr(text, "scas") ||
	       strstr(text, "ptest");
}

static bool changes_sp(unsigned kind)
{
	return kind == X86_SET_SP || kind == X86_ADD_SP || kind == X86_SP_FROM_FP || kind == X86_SET_BOTH;
}

static bool changes_fp(const struct x86_insn *i)
{
	return i->kind == X86_SET_FP || (i->kind == X86_POP && i->reg == X86_RBP) || i->kind == X86_CLEAR_FP ||
	       i->kind == X86_FP_FROM_SP || i->kind == X86_LOAD_FP;
}

/* What is wrong, or NULL. */
static const char *compare(const struct x86_insn *i, const char *text)
{
	static const char *const returns[] = { "ret", "repz ret", "iret", "lret", NULL };
	static const char *const prefixes[] = { "data16 ", "rex.W ", "notrack ", "bnd ", NULL };
	unsigned k = i->kind;

	while (begins_any(text, prefixes))
		text = strchr(text, ' ') + 1;
	if (begins_any(text, returns) != (k == X86_RETURN))
		return "return";
	if (begins(text, "call") != (k == X86_CALL || k == X86_CALL_INDIRECT))
		return "call";
	if ((text[0] == 'j' || begins(text, "loop")) !=
	    (k == X86_JUMP || k == X86_BRANCH || k == X86_JUMP_INDIRECT))
		return "jump";
	if (begins(text, "push") && k != X86_PUSH)
		return "push";
	if (!only_reads(text) && ends_in(text, "%rsp") && !changes_sp(k))
		return "the stack pointer is written";
	if (!only_reads(text) && ends_in(text, "%rbp") && !changes_fp(i))
		return "the frame pointer is written";
	if (changes_sp(k) && !strstr(text, "sp") && !begins(text, "enter"))
		return "the stack pointer is not written";
	if (k == X86_SET_FP && !strstr(text, "%rbp") && !strstr(text, "%ebp") && !strstr(text, "%bp"))
		return "the frame pointer is not written";
	return NULL;
}

/* The bytes of "  401000:<tab>48 89 e5 <tab>mov …"; 0: it is another line. */
static unsigned parse(const char *line, uint8_t *bytes, unsigned max, const char **text)
{
	const char *p = strstr(line, ":\t");
	unsigned nr = 0;

	if (!p || !(*text = strchr(p + 2, '\t')))
		return 0;
	for (p += 2; p < *text && nr < max; nr++) {
		char *end;

		bytes[nr] = (uint8_t)strtoul(p, &end, 16);
		for (p = end; *p == ' ';)
			p++;
	}
	*text += 1;
	return nr;
}

/* A prefix that objdump shows apart, or data. */
static bool is_none(const char *text)
{
	return strstr(text, "(bad)") || begins(text, "rex") || begins(text, "data16\n") || !strcspn(text, "\n");
}

int main(void)
{
	unsigned long nr = 0, wrong = 0;
	char line[4096];

	while (fgets(line, sizeof(line), stdin)) {
		uint8_t bytes[X86_SIZE_MAX];
		const char *text, *what = NULL;
		unsigned size = parse(line, bytes, sizeof(bytes), &text);
		struct x86_insn i;

		if (!size || is_none(text))
			continue;
		nr++;
		/* fwait is an instruction by itself, which objdump joins to the next. */
		if (x86_decode(bytes, size, &i) != size && !(bytes[0] == 0x9b && i.size == 1))
			what = "size";
		else if (i.size == size)
			what = compare(&i, text);
		if (what && wrong++ < 10)
			printf("# %s: %s", what, line);
	}
	printf("# %lu instructions\n", nr);
	return nr < 1000 || wrong ? 1 : 0;
}
