/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a daemon: a Unix stream socket.  A client sends one line: the
 * name of a command and its words, with blanks between.  It gets one JSON document on
 * one line, then the end of the stream.  Some commands can be followed: they send lines
 * of text until either side closes.
 */
#ifndef WCCPD_CONTROL_H
#define WCCPD_CONTROL_H

#include "err.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct control;

/* Octets of a request, including its newline; words after the command. */
enum { CONTROL_MAX_LINE = 2048, CONTROL_MAX_WORDS = 40 };

/* Everything there is to know about a command.  Requests are dispatched by it, help
 * texts are made from it, and tests compare completion and manual with it. */
struct control_command {
	const char *name;
	const char *arguments; /* "[SERVICE]", as manuals have it; NULL: none */
	const char *usage;     /* what it does, in a few words */
	/* A new reference to the answer to these `n` words, which live as long as the
	 * call.  {"error": text} refuses the request. */
	json_t *(*run)(void *arg, unsigned n, char *const *words);
	unsigned max_words; /* a request with more is refused */
	bool follows;	    /* the client gets what control_publish() sends */
};

/* Listen on `path`: a stale socket there is replaced, a live one is an error, but for that
 * of the program whose place we take.  The
 * commands (not owned) are run with `arg` until control_close(). */
struct control *control_open(struct event_base *base, const char *path,
			     const struct control_command *commands, size_t n_commands,
			     void *arg, struct err *err);
void control_close(struct control *c);
/* We are about to execute our program again: hand on the socket. */
void control_hand_on(const struct control *c);

/* Print two lines for each command: its name and arguments, and what it does. */
void control_print_commands(const struct control_command *commands, size_t n_commands,
			    FILE *to);

/* The answer that a control socket would give to the same line. */
json_t *control_run(const struct control_command *commands, size_t n_commands,
		    void *arg, const char *line);

/* Is any client following? */
bool control_is_followed(const struct control *c);
/* Send lines of text to the clients that follow and whose words ask for them.  A client
 * that does not read is dropped. */
void control_publish(struct control *c,
		     bool (*wants)(void *arg, unsigned n, char *const *words),
		     void *arg, const char *text, size_t len);
/* No more lines come for those who follow this command: each connection is closed once
 * what has been published is read. */
void control_end_following(struct control *c, const char *command);

#endif
