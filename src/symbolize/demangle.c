#include "symbolize/demangle.h"

#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#ifdef HAVE_LIBIBERTY_DEMANGLE_H
#define HAVE_DECL_BASENAME 1 /* libiberty.h would declare basename otherwise, against string.h */
#include <libiberty/demangle.h>
#else /* Fedora has the library only; nothing of this has changed since there is a libiberty. */
#define DMGL_NO_OPTS 0
typedef void (*demangle_callbackref)(const char *piece, size_t size, void *ctx);
int cplus_demangle_v3_callback(const char *mangled, int options, demangle_callbackref take,
			       void *ctx);
int rust_demangle_callback(const char *mangled, int options, demangle_callbackref take, void *ctx);
#endif

#include "base/text.h"
#include "symbolize/simplify.h"

/* Where libiberty writes, piece by piece. It bounds its recursion, but not its output, which back
 * references can make exponential in the input; there is no way to stop it but to leave, which is
 * safe: its callback interface keeps everything on the stack (but for the few bytes of a punycode
 * identifier). */
struct sink {
	size_t n;
	jmp_buf full;
	char text[DEMANGLE_OUTPUT_MAX];
};

static void take(const char *piece, size_t size, void *ctx)
{
	struct sink *sink = ctx;

	if (size >= sizeof(sink->text) - sink->n)
		longjmp(sink->full, 1);
	if (!size) /* PIECE is NULL then */
		return;
	memcpy(sink->text + sink->n, piece, size);
	sink->n += size;
}

/* MANGLED begins with _Z or _R. */
static bool demangle_into(struct sink *sink, const char *mangled)
{
	sink->n = 0;
	if (setjmp(sink->full))
		return false;
	/* Old Rust names are C++ names that end in a hash: those first. */
	if ((mangled[1] == 'R' || strstr(mangled, "17h")) &&
	    rust_demangle_callback(mangled, DMGL_NO_OPTS, take, sink))
		return true;
	sink->n = 0;
	return mangled[1] == 'Z' && cplus_demangle_v3_callback(mangled, DMGL_NO_OPTS, take, sink);
}

size_t demangle(const char *mangled, char *out, size_t out_size)
{
	size_t size = strlen(mangled), n;
	char simple[DEMANGLE_OUTPUT_MAX];
	struct sink sink;

	if (size < 3 || size >= DEMANGLE_INPUT_MAX || mangled[0] != '_' ||
	    (mangled[1] != 'Z' && mangled[1] != 'R') || !demangle_into(&sink, mangled))
		return text_clean(out, out_size, mangled, size);
	sink.text[sink.n] = 0;
	n = simplify(sink.text, simple);
	return text_clean(out, out_size, simple, n);
}
