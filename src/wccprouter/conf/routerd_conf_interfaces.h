/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of interfaces of wccprouter.conf, of the file and of its services. */
#ifndef WCCPD_WCCPROUTER_CONF_ROUTERD_CONF_INTERFACES_H
#define WCCPD_WCCPROUTER_CONF_ROUTERD_CONF_INTERFACES_H

#include "conffile/read.h"
#include "wccprouter/conf/routerd_conf.h"

/* All of these return -1 when the reader has an error. */

/* The lists above all services. */
int routerd_conf_interfaces_read(struct reader *r, struct routerd_conf *out);
/* Those of a service, which inherits both of the file's if it has neither itself. */
int routerd_conf_interfaces_read_service(struct reader *r, cfg_t *section,
					 const struct routerd_conf *conf,
					 struct routerd_conf_service *out);
/* Once all are read: do they go together? */
int routerd_conf_interfaces_check(struct reader *r, const struct routerd_conf *conf);

#endif
