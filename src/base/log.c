#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *log_ident = "pprofd";
static bool log_debug_on, log_to_journal;

void log_init(const char *ident, bool debug)
{
	log_ident = ident;
	log_debug_on = debug;
	log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

void log_set_debug(bool debug)
{
	log_debug_on = debug;
}

/* One write(2) a line, so that lines of several processes never mix. */
static void log_line(int priority, int err, const char *fmt, va_list ap)
{
	int saved = errno, n;
	char line[2048];
	size_t size;

	if (log_to_journal)
		n = snprintf(line, sizeof(line), "<%d>", priority);
	else
		n = snprintf(line, sizeof(line), "%s: ", log_ident);
	size = (size_t)n;
	n = vsnprintf(line + size, sizeof(line) - size - 1, fmt, ap);
	if (n > 0)
		size += (size_t)n;
	if (size < sizeof(line) - 2 && err) {
		n = snprintf(line + size, sizeof(line) - size - 1, ": %s", strerror(err));
		size += n > 0 ? (size_t)n : 0;
	}
	if (size > sizeof(line) - 2)
		size = sizeof(line) - 2;
	line[size++] = '\n';
	if (write(STDERR_FILENO, line, size) < 0) {
		/* nowhere left to say it */
	}
	errno = saved;
}

#define LOG_BODY(priority, err)                                                                    \
	va_list ap;                                                                                \
	va_start(ap, fmt);                                                                         \
	log_line(priority, err, fmt, ap);                                                          \
	va_end(ap)

void log_warn(const char *fmt, ...)
{
	LOG_BODY(4, errno);
}

void log_warnx(const char *fmt, ...)
{
	LOG_BODY(4, 0);
}

void log_info(const char *fmt, ...)
{
	LOG_BODY(6, 0);
}

void log_debug(const char *fmt, ...)
{
	if (log_debug_on) {
		LOG_BODY(7, 0);
	}
}

void fatal(const char *fmt, ...)
{
	LOG_BODY(3, errno);
	exit(1);
}

void fatalx(const char *fmt, ...)
{
	LOG_BODY(3, 0);
	exit(1);
}
