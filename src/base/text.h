/* text: names that programs choose, made fit for profiles, logs and terminals. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#define TEXT_MAX 4096 /* no name is longer than this in our output */

/* Copies SRC (SIZE bytes, or up to a NUL) to DST as valid UTF-8: bytes below 0x20, 0x7f and invalid sequences become
 * \xNN; a sequence that the end of SRC cuts off is left out. The result is cut at a character's boundary to fit
 * DST_SIZE (≥ 1) and NUL-terminated. Returns its length. */
size_t text_clean(char *dst, size_t dst_size, const char *src, size_t size);

/* All of S is valid UTF-8 without control bytes: text_clean would copy it as it is. */
bool text_is_clean(const char *s, size_t size);

/* As text_clean, and every byte outside [A-Za-z0-9._-] becomes '_', a leading '.' too: a name of one file. "" becomes "_". */
size_t text_file_name(char *dst, size_t dst_size, const char *src);

bool text_has_prefix(const char *s, const char *prefix);
bool text_has_suffix(const char *s, const char *suffix);

#endif
