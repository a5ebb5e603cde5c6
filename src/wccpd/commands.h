/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon does on request over its control socket. */
#ifndef WCCPD_WCCPD_COMMANDS_H
#define WCCPD_WCCPD_COMMANDS_H

#include "control.h"

struct daemon;

/* Listen where the configuration says. */
struct control *commands_open(struct daemon *d, struct err *err);

#endif
