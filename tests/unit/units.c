/* config/units: sizes and spans as administrators write them. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "config/units.h"

#define NS UINT64_C(1000000000)

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 }, { "1", 1 }, { "1023", 1023 }, { "1K", 1024 }, { "64M", 64 << 20 },
		{ "2G", UINT64_C(2) << 30 }, { "3T", UINT64_C(3) << 40 }, { "007", 7 },
		{ "18446744073709551615", UINT64_MAX }, { "16777215T", UINT64_C(16777215) << 40 },
	};
	static const char *const bad[] = {
		"", "K", "1k", "1KB", "1 K", "-1", "+1", "1.5G", "0x10", "18446744073709551616",
		"16777216T", "1K ", " 1K", "1%", "99999999999999999999999G",
	};
	uint64_t v;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(units_parse_size(good[i].text, &v), 0);
		assert_int_equal(v, good[i].bytes);
	}
	v = 42;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(units_parse_size(bad[i], &v), -EINVAL);
	assert_int_equal(v, 42); /* written on success only */
}

static void percents(void **state)
{
	static const char *const bad[] = { "", "%", "101%", "15", "15 %", "-1%", "15%%", "1e1%" };
	unsigned v = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(units_parse_percent(bad[i], &v), -EINVAL);
	assert_int_equal(v, 7);
	assert_int_equal(units_parse_percent("0%", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(units_parse_percent("100%", &v), 0);
	assert_int_equal(v, 100);
}

static void spans(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "0", 0 },
		{ "60", 60 * NS },
		{ "60s", 60 * NS },
		{ "5min", 300 * NS },
		{ "1h", 3600 * NS },
		{ "7d", 604800 * NS },
		{ "2w", 1209600 * NS },
		{ "250ms", NS / 4 },
		{ "20us", 20000 },
		{ "5min 30s", 330 * NS },
		{ "1h30min", 5400 * NS },
		{ "1d 1d", 172800 * NS },
		{ "18446744073s", 18446744073 * NS },
	};
	static const char *const bad[] = {
		"",
		"s",
		"5m",
		"5 min",
		"5min 30",
		"30 5min",
		"1.5h",
		"-1s",
		"1y",
		"5min,30s",
		"5min ",
		"18446744074",
		"18446744074s",
		"18446744073s 1s",
		"99999999999w",
		"5mins",
		"5MIN",
		"1n",
	};
	uint64_t v;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(units_parse_span(good[i].text, &v), 0);
		assert_int_equal(v, good[i].ns);
	}
	v = 42;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(units_parse_span(bad[i], &v), -EINVAL);
	assert_int_equal(v, 42);
}

static void formatting_is_exact(void **state)
{
	static const struct {
		uint64_t v;
		const char *size, *span; /* as bytes; as microseconds */
	} cases[] = {
		{ 0, "0", "0" },
		{ 1, "1", "1us" },
		{ 1536, "1536", "1ms 536us" },
		{ 65536, "64K", "65ms 536us" },
		{ 60000000, "60000000", "1min" },
		{ UINT64_C(90000000), "90000000", "1min 30s" },
		{ UINT64_C(604800000000), "590625000K", "7d" },
		{ UINT64_C(1) << 50, "1024T", NULL },
		{ UINT64_MAX, "18446744073709551615", NULL },
	};
	char text[UNITS_TEXT_MAX];
	uint64_t v;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		units_format_size(cases[i].v, text, sizeof(text));
		assert_string_equal(text, cases[i].size);
		assert_int_equal(units_parse_size(text, &v), 0);
		assert_int_equal(v, cases[i].v);
		if (!cases[i].span)
			continue;
		units_format_span(cases[i].v * 1000, text, sizeof(text));
		assert_string_equal(text, cases[i].span);
		assert_int_equal(units_parse_span(text, &v), 0);
		assert_int_equal(v, cases[i].v * 1000);
	}
	units_format_span(UINT64_MAX, text, sizeof(text));
	assert_true(strlen(text) < UNITS_TEXT_MAX - 1);
	assert_int_equal(units_parse_span(text, &v), 0);
	assert_int_equal(v, UINT64_MAX / 1000 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(percents),
		cmocka_unit_test(spans),
		cmocka_unit_test(formatting_is_exact),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
