/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router does on request over its control socket. */
#ifndef WCCPD_WCCPROUTER_CONTROL_ROUTERD_COMMANDS_H
#define WCCPD_WCCPROUTER_CONTROL_ROUTERD_COMMANDS_H

#include "control.h"

struct routerd;

/* Listen where the configuration says. */
struct control *routerd_commands_open(struct routerd *d, struct err *err);
/* The same from inside: is there such a command, that is done when it is answered? */
bool routerd_commands_has(const char *name);
json_t *routerd_commands_run(struct routerd *d, const char *line);

#endif
