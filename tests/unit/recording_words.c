/* daemon/recording_words: what a client may ask for, and what it may not. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/recording_words.h"

#define WORDS_MAX 8

/* WORDS, parted by blanks. */
static int parse(struct recording_words *w, const char *words, char why[256])
{
	char text[1024], *argv[WORDS_MAX], *rest = text;
	int argc = 0;

	assert_true(strlen(words) < sizeof(text));
	strcpy(text, words);
	why[0] = 0;
	while (argc < WORDS_MAX && (argv[argc] = strsep(&rest, " ")))
		argc++;
	return recording_parse(w, argc, argv, why, 256);
}

static void all_words_are_taken(void **state)
{
	struct recording_words w;
	char why[256];

	assert_int_equal(parse(&w, "pid=12 event=cycles frequency=10000 callchain=user seconds=3600", why), 0);
	assert_int_equal(w.target.pids.nr, 1);
	assert_int_equal(w.target.pids.pids[0], 12);
	assert_int_equal(w.kind, EVENT_CYCLES);
	assert_int_equal(w.target.events, 1u << EVENT_CYCLES);
	assert_int_equal(w.target.sample_frequency, 10000);
	assert_int_equal(w.target.callchain, CALLCHAIN_USER);
	assert_int_equal(w.seconds, 3600);
	assert_true(w.target.on_demand);
	assert_int_equal(parse(&w, "tid=2147483647", why), 0);
	assert_int_equal(w.target.tid, INT32_MAX);
	assert_int_equal(w.kind, EVENT_CPU);
	assert_int_equal(w.seconds, 0);
	assert_int_equal(parse(&w, "unit=ngin* comm=a?b=c", why), 0);
	assert_string_equal(w.target.unit, "ngin*");
	assert_string_equal(w.target.comm, "a?b=c");
}

static void others_are_refused(void **state)
{
	static const char *const words[] = {
		"", "pid", "pid=", "pid=0", "pid=-1", "pid=+1", "pid= 1", "pid=0x10", "pid=1a", "pid=2147483648",
		"pid=18446744073709551617", "tid=0", "tid=4294967297", "unit=", "comm=", "exe=/bin/sh", "PID=1",
		"pid=1 frequency=0", "pid=1 frequency=10001", "pid=1 seconds=0", "pid=1 seconds=3601", "pid=1 event=",
		"pid=1 event=page_faults", "pid=1 callchain=all", "pid=1 callchain=", "pid=1 output=/etc/passwd", "=", "==1",
	};
	struct recording_words w;
	char why[256];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_int_equal(parse(&w, words[i], why), -EINVAL);
		assert_non_null(strstr(why, "beyond the limits (10000 Hz, 3600 s)"));
	}
}

static void something_must_be_named(void **state)
{
	struct recording_words w;
	char why[256];

	assert_int_equal(parse(&w, "event=cpu seconds=1", why), -EINVAL);
	assert_string_equal(why, "nothing to record is named");
	assert_int_equal(recording_parse(&w, 0, NULL, why, sizeof(why)), -EINVAL);
}

/* Each to its last byte, and none beyond. */
static void names_have_an_end(void **state)
{
	struct recording_words w;
	char word[512], why[256];
	size_t room = sizeof(w.target.comm);

	assert_true(room < 400);
	memcpy(word, "comm=", 5);
	memset(word + 5, 'x', room);
	word[5 + room - 1] = 0;
	assert_int_equal(parse(&w, word, why), 0);
	assert_int_equal(strlen(w.target.comm), room - 1);
	word[5 + room - 1] = 'x';
	word[5 + room] = 0;
	assert_int_equal(parse(&w, word, why), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_words_are_taken),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(something_must_be_named),
		cmocka_unit_test(names_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
