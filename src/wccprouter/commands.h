/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router does on request over its control socket. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include "control.h"

struct engine;

/* Listen where the configuration says. */
struct control *commands_open(struct engine *e, struct err *err);

#endif
