/* x86: an instruction lies in what is there, is the same whatever follows, and none when it is cut. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "object/x86.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t at = 0; at < size && at < 4096; at++) {
		struct x86_insn insn, again;
		unsigned nr = x86_decode(data + at, size - at, &insn);
		uint8_t *copy = malloc(nr + 1);

		assert(nr <= size - at && nr <= X86_SIZE_MAX);
		memcpy(copy, data + at, nr);
		if (nr) {
			assert(insn.size == nr && insn.reg <= X86_NO_REG && insn.kind <= X86_NOP);
			assert(x86_decode(copy, nr, &again) == nr && !memcmp(&insn, &again, sizeof(insn)));
			assert(!x86_decode(copy, nr - 1, &again));
		}
		free(copy);
	}
	return 0;
}
