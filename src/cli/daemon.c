/* pprofctl status, rotate, reload: what is asked of the daemon. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/answer.h"

#define ROTATE_MS 60000 /* a window may wait for another before it is symbolized and written */

int answer_ask(const struct cli *cli, const char *request, int timeout_ms, struct buf *answer)
{
	char error[512] = "";
	int err = control_ask(cli->socket, request, timeout_ms, answer, error, sizeof(error));

	if (err)
		log_warnx("%s: %s", request, error);
	return err;
}

bool answer_next(char **rest, char **key, char **value)
{
	char *line;

	while ((line = strsep(rest, "\n"))) {
		*key = line;
		*value = strchr(line, '=');
		if (!*value)
			continue;
		*(*value)++ = 0;
		return true;
	}
	return false;
}

/* Headings stand before the first key of their group; a key that no group names stays with those
 * before it. */
static void print_text(char *answer)
{
	static const char *const headings[][2] = {
		{ "version", "daemon" },  { "scope", "sampling" },   { "targets", "targets" },
		{ "kernel_symbols", "kernel" },
		{ "samples", "samples" }, { "processes", "processes" },
		{ "unwind_worker_pid", "unwind tables" }, { "opener", "objects" },
		{ "spool", "windows" },
	};
	const char *gap = "";
	char *key, *value;

	while (answer_next(&answer, &key, &value)) {
		for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
			if (!strcmp(key, headings[i][0])) {
				printf("%s%s\n", gap, headings[i][1]);
				gap = "\n";
			}
		printf("  %-22s %s\n", key, *value ? value : "-");
	}
}

void answer_json_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20) {
			printf("\\u%04x", (unsigned char)*s);
			continue;
		}
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('"');
}

/* What JSON takes for a number, and readers keep exactly: not 007, not 2^60. */
static bool is_number(const char *s)
{
	size_t digits = strspn(s, "0123456789");

	if (!digits || digits > 15 || (digits > 1 && *s == '0'))
		return false;
	s += digits;
	if (*s == '.') {
		digits = strspn(++s, "0123456789");
		s += digits;
	}
	return digits && !*s;
}

static void print_json(char *answer)
{
	const char *separator = "{\n";
	char *key, *value;

	while (answer_next(&answer, &key, &value)) {
		printf("%s  ", separator);
		answer_json_string(key);
		fputs(": ", stdout);
		if (is_number(value) && strcmp(key, "version"))
			fputs(value, stdout);
		else
			answer_json_string(value);
		separator = ",\n";
	}
	puts(*separator == '{' ? "{}" : "\n}");
}

int cli_status(struct cli *cli, int argc, char **argv)
{
	static const struct option longs[] = { { "json", no_argument, NULL, 'j' },
					      { "symbols", no_argument, NULL, 'y' },
					      { "unwind", no_argument, NULL, 'u' },
					      { 0 } };
	const char *verb = "status";
	struct buf answer = { 0 };
	bool json = false;
	int c, err;

	while ((c = cli_getopt(cli, argc, argv, "", longs)) != -1) {
		if (c == CLI_OPTION_USAGE || c == CLI_OPTION_HELP)
			return cli_getopt_status(c);
		if (c == 'u')
			verb = "unwind";
		else if (c == 'y')
			verb = "symbols";
		else
			json = true;
	}
	if (optind < argc)
		return cli_usage(cli, "%s: takes no arguments", argv[optind]);
	err = answer_ask(cli, verb, ANSWER_MS, &answer);
	if (!err && json)
		print_json((char *)answer.data);
	else if (!err)
		print_text((char *)answer.data);
	buf_fini(&answer);
	return err ? CLI_FAILED : cli_end_output();
}

/* Prints the values of the answer, if there are any: the files that a rotation wrote. */
static int request(struct cli *cli, int argc, char **argv, const char *verb, int timeout_ms)
{
	struct buf answer = { 0 };
	char *rest, *key, *value;
	int c, err;

	while ((c = cli_getopt(cli, argc, argv, "", NULL)) != -1)
		return cli_getopt_status(c);
	if (optind < argc)
		return cli_usage(cli, "%s: takes no arguments", argv[optind]);
	err = answer_ask(cli, verb, timeout_ms, &answer);
	if (!err) {
		rest = (char *)answer.data;
		while (answer_next(&rest, &key, &value))
			puts(value);
	}
	buf_fini(&answer);
	return err ? CLI_FAILED : cli_end_output();
}

int cli_rotate(struct cli *cli, int argc, char **argv)
{
	return request(cli, argc, argv, "rotate", ROTATE_MS);
}

int cli_reload(struct cli *cli, int argc, char **argv)
{
	return request(cli, argc, argv, "reload", ANSWER_MS);
}
