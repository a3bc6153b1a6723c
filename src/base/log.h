/* log: lines on stderr, with sd-daemon(3) priority prefixes when systemd reads them. Only the edges log, once, at the
 * call that failed; names of other programs go through text_clean first. All functions preserve errno. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

#define LOG_PRINTF __attribute__((format(printf, 1, 2)))

/* IDENT precedes each line on a terminal ("pprofd: ..."). */
void log_init(const char *ident, bool debug);
void log_set_debug(bool debug);

void log_warn(const char *fmt, ...) LOG_PRINTF;  /* appends ": " strerror(errno) */
void log_warnx(const char *fmt, ...) LOG_PRINTF; /* does not */
void log_info(const char *fmt, ...) LOG_PRINTF;
void log_debug(const char *fmt, ...) LOG_PRINTF;

/* Log as an error and exit 1. Only before the daemon is ready, and in programs. */
void fatal(const char *fmt, ...) LOG_PRINTF __attribute__((noreturn));
void fatalx(const char *fmt, ...) LOG_PRINTF __attribute__((noreturn));

#endif
