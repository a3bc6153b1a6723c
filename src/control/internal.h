/* internal: what the control server's own files share. */
#ifndef CONTROL_INTERNAL_H
#define CONTROL_INTERNAL_H

#include <sys/types.h>

#include "control/server.h"

struct control_server {
	struct loop *loop;
	struct loop_watch watch; /* the listening socket */
	struct loop_timer tick;  /* once a second while there are clients or accepting pauses */
	bool paused;             /* no descriptor was free: accepting waits for the tick */
	char *path;
	dev_t dev; /* of our socket's file */
	ino_t ino;
	bool bound;
	control_request_fn fn;
	control_gone_fn gone;
	void *ctx;
	struct control_client *clients[CONTROL_CLIENTS_MAX];
	unsigned nr_clients;
};

struct control_client {
	struct loop_watch watch;
	struct control_server *server;
	char in[CONTROL_LINE_MAX]; /* received, not yet asked */
	size_t in_size;
	struct buf out; /* the answer, sent up to `sent` */
	size_t sent;
	int given_fd; /* goes with what is sent next; -1: none */
	uint64_t active_ms; /* when it last completed a line or took some of an answer */
	bool busy;          /* asked; control_end has not been called */
	bool flushing;      /* what the answer has so far is being sent */
	bool asking;        /* inside the call of fn */
	bool ending;        /* nothing more is read: it closed its side, or sent an overlong line */
	bool broken;        /* the connection is gone */
	bool may_change;
};

uint64_t control_now_ms(void);
/* Takes over the connected FD; closes it on failure. */
void control_client_new(struct control_server *s, int fd, bool may_change);
/* Tells GONE when an answer is outstanding. */
void control_client_free(struct control_client *c);
/* The same; of a finished answer, what goes without waiting is sent before. */
void control_client_finish(struct control_client *c);

#endif
