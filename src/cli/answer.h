/* answer: what the daemon answers, for the verbs that print it. */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include <stdbool.h>

#include "cli/cli.h"
#include "control/client.h"

#define ANSWER_MS 10000

/* control_ask; a failure has been told. */
int answer_ask(const struct cli *cli, const char *request, int timeout_ms, struct buf *answer);
/* The next "key=value" of an answer, cut apart in place. */
bool answer_next(char **rest, char **key, char **value);
void answer_json_string(const char *s);

#endif
