/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A service section of wccprouter.conf. */
#ifndef WCCPD_WCCPROUTER_CONF_ROUTERD_CONF_SERVICE_H
#define WCCPD_WCCPROUTER_CONF_ROUTERD_CONF_SERVICE_H

#include "conffile/read.h"
#include "wccprouter/conf/routerd_conf.h"

/* The options of such a section, for libconfuse. */
extern cfg_opt_t routerd_conf_service_options[];

/* Read one into `out`, which must be zeroed.  `conf` has the options above all
 * services, which their defaults depend on.  -1: the reader has the error. */
int routerd_conf_service_read(struct reader *r, cfg_t *section,
			      const struct routerd_conf *conf,
			      struct routerd_conf_service *out);

#endif
