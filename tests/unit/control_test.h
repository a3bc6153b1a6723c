/* A control socket in a folder of its own. */
#ifndef TESTS_CONTROL_TEST_H
#define TESTS_CONTROL_TEST_H

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "control/server.h"

struct control_test {
	char dir[64], path[108];
	struct loop *loop;
	struct control_server *server;
};

static void control_test_open(struct control_test *t, control_request_fn request, control_gone_fn gone, void *ctx)
{
	strcpy(t->dir, "/tmp/pprofd-control.XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	snprintf(t->path, sizeof(t->path), "%s/run/control", t->dir);
	assert_int_equal(loop_new(&t->loop), 0);
	assert_int_equal(control_server_new(&t->server, t->loop, t->path, request, gone, ctx), 0);
}

static void control_test_close(struct control_test *t)
{
	char command[128];

	control_server_free(t->server);
	loop_free(t->loop);
	snprintf(command, sizeof(command), "rm -rf %s", t->dir);
	assert_int_equal(system(command), 0);
}

static void control_test_turn(struct control_test *t)
{
	for (int i = 0; i < 20; i++)
		assert_int_equal(loop_step(t->loop, 0), 0);
}

#endif
