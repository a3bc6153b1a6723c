#include "symbolize/demangle.h"

#include <string.h>

#include "base/text.h"

size_t demangle(const char *mangled, char *out, size_t out_size)
{
	return text_clean(out, out_size, mangled, strlen(mangled));
}
