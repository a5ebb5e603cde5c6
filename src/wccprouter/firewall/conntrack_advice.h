/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Redirected packets bypass connection tracking, but the answers of web-caches do not:
 * it sees one half of each connection and considers its packets invalid, and a rule
 * that drops invalid packets loses them all.  Pure.
 */
#ifndef WCCPD_WCCPROUTER_FIREWALL_CONNTRACK_ADVICE_H
#define WCCPD_WCCPROUTER_FIREWALL_CONNTRACK_ADVICE_H

#include "router.h"
#include "wccprouter/conf/routerd_conf.h"

#include <jansson.h>

struct conntrack_advice {
	char text[256];	  /* what is wrong; "" when nothing is */
	char remedy[4096]; /* a command line */
};

/* `status` has one for each service.  `ruleset` as in ruleset.h, or NULL. */
void conntrack_advise(const struct routerd_conf *conf, const struct router_status *status,
		      const json_t *ruleset, struct conntrack_advice *out);

#endif
