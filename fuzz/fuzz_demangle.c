/* demangle: any name gives clean text that fits. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "symbolize/demangle.h"
#include "symbolize/simplify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *mangled = malloc(size + 1), *simple, out[600];
	size_t n;

	memcpy(mangled, data, size);
	mangled[size] = 0;
	n = demangle(mangled, out, sizeof(out));
	assert(n < sizeof(out) && n == strlen(out) && text_is_clean(out, n));
	simple = malloc(strlen(mangled) + 1);
	n = simplify(mangled, simple);
	assert(n == strlen(simple) && n <= strlen(mangled) && (n || !*mangled));
	free(simple);
	free(mangled);
	return 0;
}
