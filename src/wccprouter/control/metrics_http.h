/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the router serves by HTTP. */
#ifndef WCCPD_WCCPROUTER_CONTROL_METRICS_HTTP_H
#define WCCPD_WCCPROUTER_CONTROL_METRICS_HTTP_H

#include "err.h"

struct routerd;

/* Where the configuration says, if it does. */
int metrics_http_open(struct routerd *d, struct err *err);

#endif
