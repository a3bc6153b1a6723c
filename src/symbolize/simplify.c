#include "symbolize/simplify.h"

#include <stdbool.h>
#include <string.h>

#define NESTING_MAX 256
#define ANONYMOUS "(anonymous namespace)"

struct simplifier {
	const char *s; /* next to read */
	char *out;
	size_t n;    /* written */
	size_t path; /* where the last word outside brackets begins in out: what is before a path is
			its type */
	bool name;   /* a '<' here opens template arguments of what was written last */
	bool in_operator; /* "operator unsigned long", "operator new": the blank ends no type */
	unsigned depth;   /* open brackets that are kept, and which they are */
	char open[NESTING_MAX];
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static size_t operator_size(const char *s)
{
	static const char *const operators[] = {
		/* longer ones before their beginnings */
		"<<=", "<=>", "<<", "<=", "<", ">>=", ">>", ">=", ">",  "->*", "->", "-=", "--",
		"-",   "==",  "=",  "!=", "!", "&&",  "&=", "&",  "||", "|=",  "|",  "^=", "^",
		"++",  "+=",  "+",  "*=", "*", "/=",  "/",  "%=", "%",  "~",   ",",  "()", "[]",
	};

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (begins(s, operators[i]))
			return strlen(operators[i]);
	return 0;
}

/* Size of the word "operator" and its sign, when it is at S, which BEFORE precedes; else 0. */
static size_t operator_at(const char *s, char before)
{
	if (*s != 'o' || is_word(before) || !begins(s, "operator") || is_word(s[8]))
		return 0;
	return 8 + operator_size(s + 8);
}

static char closer(char open)
{
	return open == '<' ? '>' : open == '(' ? ')' : open == '[' ? ']' : '}';
}

/* Behind the bracket that closes the one at S; NULL: none does. A '>' closes only a '<' that is
 * innermost: else it compares, as a '<' does that is still open when an outer bracket closes. */
static const char *skip_brackets(const char *s)
{
	char open[NESTING_MAX];
	unsigned depth = 0;
	size_t size;

	for (char before = 0; *s; before = *s++) {
		if ((size = operator_at(s, before))) {
			s += size - 1;
		} else if (*s == '-' && s[1] == '>') {
			s++;
		} else if (*s == '<' || *s == '(' || *s == '[' || *s == '{') {
			if (depth == NESTING_MAX)
				return NULL;
			open[depth++] = *s;
		} else if (*s == '>') {
			depth -= open[depth - 1] == '<';
		} else if (*s == ')' || *s == ']' || *s == '}') {
			while (depth && closer(open[depth - 1]) != *s)
				depth--;
			if (!depth)
				return NULL;
			depth--;
		}
		if (!depth)
			return s + 1;
	}
	return NULL;
}

static void copy(struct simplifier *p, size_t size)
{
	memcpy(p->out + p->n, p->s, size);
	p->n += size;
	p->s += size;
}

static void copy_operator(struct simplifier *p, size_t size)
{
	copy(p, size);
	p->name = true;
	if (size == 8)
		p->in_operator = true;
	else if (begins(p->s, " <")) /* so printed after operator< and operator<< */
		p->s++;
}

/* '<': template arguments go; a path of Rust that begins with a type stays, as <T as Trait>::f. */
static bool angle(struct simplifier *p)
{
	bool turbofish =
		p->n >= 2 && !memcmp(p->out + p->n - 2, "::", 2) && !begins(p->s, "<impl ");
	const char *end;

	if (!p->name && !turbofish) {
		if (p->depth == NESTING_MAX)
			return false;
		p->open[p->depth++] = '<';
		copy(p, 1);
		return true;
	}
	end = skip_brackets(p->s);
	if (!end)
		return false;
	if (turbofish)
		p->n -= 2;
	p->s = end;
	p->name = true;
	return true;
}

/* '(' outside of kept brackets: the parameters of a function that encloses the rest. They go, with
 * its qualifiers, and with the return type that is printed before a template's name. */
static bool parameters(struct simplifier *p)
{
	static const char *const qualifiers[] = { " const", " volatile", " noexcept", " &&", " &" };
	const char *end = skip_brackets(p->s);

	if (!end)
		return false;
	for (size_t i = 0; i < sizeof(qualifiers) / sizeof(qualifiers[0]); i++)
		if (begins(end, qualifiers[i])) {
			end += strlen(qualifiers[i]);
			i = (size_t)-1;
		}
	p->s = end;
	p->name = true;
	p->in_operator = false;
	if (begins(end, "::") && p->path) {
		memmove(p->out, p->out + p->path, p->n - p->path);
		p->n -= p->path;
		p->path = 0;
	}
	return true;
}

static bool other(struct simplifier *p)
{
	char c = *p->s;

	if (c == '{' || c == '(') {
		if (p->depth == NESTING_MAX)
			return false;
		p->open[p->depth++] = c;
	} else if (p->depth && c == closer(p->open[p->depth - 1])) {
		p->depth--;
	}
	copy(p, 1);
	p->name = is_word(c) || (c && strchr(")}]>'\"", c));
	if (c == ' ' && !p->depth && !p->in_operator)
		p->path = p->n;
	return true;
}

/* Most of a name is words, of which only "operator" matters. */
static bool word(struct simplifier *p)
{
	size_t size = operator_at(p->s, p->n ? p->out[p->n - 1] : 0);

	if (size) {
		copy_operator(p, size);
		return true;
	}
	while (is_word(p->s[size]))
		size++;
	if (!size)
		return false;
	copy(p, size);
	p->name = true;
	return true;
}

static bool step(struct simplifier *p)
{
	if (word(p))
		return true;
	if (*p->s == '(' && begins(p->s, ANONYMOUS)) {
		copy(p, sizeof(ANONYMOUS) - 1);
		p->name = false;
		return true;
	}
	if (*p->s == '-' && p->s[1] == '>') {
		copy(p, 2);
		p->name = false;
		return true;
	}
	if (*p->s == '<')
		return angle(p);
	if (*p->s == '(' && !p->depth && p->n)
		return parameters(p);
	return other(p);
}

size_t simplify(const char *name, char *out)
{
	struct simplifier p = { .s = name, .out = out };
	bool good = true;

	while (good && *p.s)
		good = step(&p);
	if (!good || p.depth || !p.n) {
		p.n = strlen(name);
		memcpy(out, name, p.n);
	}
	out[p.n] = 0;
	return p.n;
}
