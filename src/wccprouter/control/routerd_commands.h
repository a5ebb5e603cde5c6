/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router does on request over its control socket. */
#ifndef WCCPD_WCCPROUTER_CONTROL_ROUTERD_COMMANDS_H
#define WCCPD_WCCPROUTER_CONTROL_ROUTERD_COMMANDS_H

#include "control.h"

struct engine;

/* Listen where the configuration says. */
struct control *commands_open(struct engine *e, struct err *err);
/* The same from inside: is there such a command, that is done when it is answered? */
bool commands_has(const char *name);
json_t *commands_run(struct engine *e, const char *line);

#endif
