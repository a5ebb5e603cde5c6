/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a daemon: a Unix stream socket.  A client sends one line: the
 * name of a command and its words, with blanks between.  It gets one JSON document,
 * on one line, and the end of the stream; or, of a command that it follows, lines of
 * text until one of the two has enough.
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

/* Octets of a request, its line end included; and words behind the command. */
enum { CONTROL_MAX_LINE = 2048, CONTROL_MAX_WORDS = 40 };

/* The one place that knows a command: requests, help texts and the tests of completion
 * and manual are all made from it. */
struct control_command {
	const char *name;
	const char *arguments; /* "[SERVICE]", as manuals have it; NULL: none */
	const char *usage;     /* what it does, in half a line */
	/* A new reference to the answer to these `n` words, which live as long as the
	 * call.  {"error": text} is a refusal. */
	json_t *(*run)(void *arg, unsigned n, char *const *words);
	unsigned max_words; /* more are refused */
	bool follows;	    /* unless refused, control_publish() is for it */
};

/* Listen on `path`: a stale socket there is replaced, a live one is an error.  The
 * table of commands (not owned) is in force for `arg` until control_close(). */
struct control *control_open(struct event_base *base, const char *path,
			     const struct control_command *commands, size_t n_commands,
			     void *arg, struct err *err);
void control_close(struct control *c);

/* A line of each command's name and arguments, and one of what it does. */
void control_print_commands(const struct control_command *commands, size_t n_commands,
			    FILE *to);

/* What a control socket would answer to the same line. */
json_t *control_run(const struct control_command *commands, size_t n_commands,
		    void *arg, const char *line);

/* Does anybody follow? */
bool control_is_followed(const struct control *c);
/* Lines of text to those who follow and, by the words of their command, want it.  Who
 * does not read is dropped. */
void control_publish(struct control *c,
		     bool (*wants)(void *arg, unsigned n, char *const *words),
		     void *arg, const char *text, size_t len);

#endif
