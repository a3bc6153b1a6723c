/* jit: opens what a process tells of the code that it made at run time (OPENER_JIT). */
#ifndef OPENER_JIT_FILE_H
#define OPENER_JIT_FILE_H

#include "opener/file.h"

/* DUMP is T's mapping of a jitdump, or NULL. The descriptor or negative errno, -EPERM: it is not the process's own. */
int jit_open(struct target *t, const struct opener_range *dump);

#endif
