#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Length of the valid UTF-8 sequence at S (RFC 3629: no overlong forms, surrogates or code points past U+10FFFF);
 * 0: invalid; -1: valid so far, but cut off by the end. */
static int utf8_sequence(const uint8_t *s, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	int length;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	for (int i = 1; i < length; i++) {
		if ((size_t)i >= left)
			return -1;
		if (s[i] < low || s[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return length;
}

static bool is_control(uint8_t c)
{
	return c < 0x20 || c == 0x7f;
}

/* How many bytes of S, of SIZE, are printable ASCII from its start: nearly all, nearly always. */
static size_t plain_run(const uint8_t *s, size_t size)
{
	const uint64_t ones = 0x0101010101010101, high = ones << 7;
	size_t n = 0;

	for (uint64_t word; size - n >= 8; n += 8) {
		memcpy(&word, s + n, 8);
		/* Some byte is from 0x80 up, below 0x20, or 0x7f. */
		if ((word | (word - ones * 0x20) | (word + ones)) & high)
			break;
	}
	while (n < size && s[n] >= 0x20 && s[n] < 0x7f)
		n++;
	return n;
}

size_t text_clean(char *dst, size_t dst_size, const char *src, size_t size)
{
	const uint8_t *s = (const uint8_t *)src;
	size_t room = dst_size - 1, n = plain_run(s, size < room ? size : room), i = n;

	memcpy(dst, s, n);
	while (i < size && s[i]) {
		int length = is_control(s[i]) ? 0 : utf8_sequence(s + i, size - i);

		if (length < 0)
			break;
		if (n + (length ? (size_t)length : 4) > room)
			break;
		if (length) {
			memcpy(dst + n, s + i, (size_t)length);
			n += (size_t)length;
			i += (size_t)length;
		} else {
			static const char hex[] = "0123456789abcdef";

			dst[n++] = '\\';
			dst[n++] = 'x';
			dst[n++] = hex[s[i] >> 4];
			dst[n++] = hex[s[i] & 15];
			i++;
		}
	}
	dst[n] = 0;
	return n;
}

bool text_is_clean(const char *s, size_t size)
{
	const uint8_t *u = (const uint8_t *)s;

	for (size_t i = plain_run(u, size); i < size;) {
		int length = is_control(u[i]) ? 0 : utf8_sequence(u + i, size - i);

		if (length <= 0)
			return false;
		i += (size_t)length;
	}
	return true;
}

size_t text_file_name(char *dst, size_t dst_size, const char *src)
{
	size_t n = 0;

	for (; *src && n + 1 < dst_size; src++, n++) {
		char c = *src;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			     c == '-' || c == '_' || (c == '.' && n);

		dst[n] = plain ? c : '_';
	}
	if (!n && dst_size > 1)
		dst[n++] = '_';
	dst[n] = 0;
	return n;
}

bool text_has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool text_has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && !strcmp(s + n - m, suffix);
}
