/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the host that make redirection fail silently when they are wrong. */
#ifndef WCCPD_WCCPROUTER_CONF_HOST_CHECKS_H
#define WCCPD_WCCPROUTER_CONF_HOST_CHECKS_H

#include "wccprouter/conf/routerd_conf.h"

/* Log a warning for each that is wrong.  Changes nothing. */
void host_checks_warn(const struct routerd_conf *conf);

#endif
