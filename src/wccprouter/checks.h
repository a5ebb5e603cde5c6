/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the host without which redirection silently does not work. */
#ifndef CHECKS_H
#define CHECKS_H

#include "rconf.h"

/* Log a warning for each that is wrong.  Changes nothing. */
void checks_warn(const struct rconf *conf);

#endif
