/* units: how administrators write sizes and spans: "64M", "15%", "5min 30s". Digits only: no sign,
 * no fraction, no blank between a number and its unit. */
#ifndef CONFIG_UNITS_H
#define CONFIG_UNITS_H

#include <stddef.h>
#include <stdint.h>

#define UNITS_TEXT_MAX 64 /* room for what the formatting ones write */

/* All return 0 or -EINVAL (also for overflow and trailing text). */
int units_parse_number(const char *s, uint64_t *number);
int units_parse_size(const char *s, uint64_t *bytes); /* K M G T, base 1024; no suffix: bytes */
int units_parse_percent(const char *s, unsigned *percent); /* "15%", 0–100 */
int units_parse_span(const char *s, uint64_t *ns); /* us ms s min h d w, sums; no unit: seconds */

/* Exact: parsing gives the same value back (spans: of whole microseconds). */
void units_format_size(uint64_t bytes, char *out, size_t size);
void units_format_span(uint64_t ns, char *out, size_t size);

#endif
