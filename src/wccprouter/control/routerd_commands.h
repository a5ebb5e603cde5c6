/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the control socket. */
#ifndef WCCPD_WCCPROUTER_CONTROL_ROUTERD_COMMANDS_H
#define WCCPD_WCCPROUTER_CONTROL_ROUTERD_COMMANDS_H

#include "control.h"

#include <stdio.h>

struct faults;
struct message_debug;
struct routerd_services;

/* What the commands work on; owns nothing. */
struct routerd_commands {
	struct routerd_services *services;
	struct faults *faults;
	struct message_debug *debug;
	/* Restart in place; -1: `err` says why not. */
	int (*upgrade)(void *arg, struct err *err);
	/* End in a moment; `keep`: leave what is in the kernel for the next start. */
	void (*stop)(void *arg, bool keep);
	void *arg;
};

/* Listen on the Unix socket `path`. */
struct control *routerd_commands_open(struct routerd_commands *c,
				      struct event_base *base, const char *path,
				      struct err *err);
/* Print all of them for the usage text. */
void routerd_commands_print(FILE *to);
/* For scenarios: is there such a command, and is it finished once it is answered? */
bool routerd_commands_has(const char *name);
/* A new reference to the answer; NULL when memory is short. */
json_t *routerd_commands_run(struct routerd_commands *c, const char *line);

#endif
