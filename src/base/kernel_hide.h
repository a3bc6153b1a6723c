/* kernel_hide: kernel addresses under kernel.kptr_restrict ≥ 1, when where the kernel lies is a secret. Those of its image
 * are written relative to _text. Modules and BPF programs lie so close behind the image's range that their distance from
 * _text would tell where that is, within some pages: they are shifted by a random number besides, which stays in our
 * processes, so that names can still be found. */
#ifndef BASE_KERNEL_HIDE_H
#define BASE_KERNEL_HIDE_H

#include <stdint.h>

#define KERNEL_IMAGE_MAX (256ull << 20) /* no kernel's text is larger, and this tells nothing */

#ifdef __x86_64__
#define KERNEL_MODULES_START 0xffffffffc0000000ull /* Documentation/arch/x86/x86_64/mm.rst */
#else
#define KERNEL_MODULES_START UINT64_MAX
#endif

/* What may be seen of ADDRESS; 0: nothing. TEXT 0: not known, BLIND 0: none was chosen. */
static inline uint64_t kernel_hide(uint64_t address, uint64_t text, uint64_t blind)
{
	if (!text)
		return 0;
	if (address - text < KERNEL_IMAGE_MAX && address < KERNEL_MODULES_START)
		return address - text;
	return blind ? address - text + blind : 0;
}

/* The address relative to _text again. */
static inline uint64_t kernel_unhide(uint64_t shown, uint64_t blind)
{
	return shown < KERNEL_IMAGE_MAX ? shown : shown - blind;
}

#endif
