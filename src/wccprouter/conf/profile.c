/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The emulated router models, after manuals, captures and reports of users. */
#include "wccprouter/conf/profile.h"

#include <stdio.h>
#include <string.h>

enum {
	GRE = WCCP_METHOD_GRE,
	L2 = WCCP_METHOD_L2,
	HASH = WCCP_ASSIGN_HASH,
	MASK = WCCP_ASSIGN_MASK,
};

static const struct profile profiles[] = {
	{ /* 12.4(20)T and later, ISR; since 15 the web-cache sets the pace */
	  .name = "ios",
	  .forward = GRE | L2,
	  .ret = GRE | L2,
	  .assign = HASH | MASK,
	  .max_minor = 1,
	  .timers = true,
	  .mask_identity = ROUTER_MASK_EMPTY_SET,
	  .multicast = true,
	  .ignores_id_zero = true,
	  .loopback_id = true },
	{ /* ASR 1000 */
	  .name = "ios-xe",
	  .forward = GRE | L2,
	  .ret = GRE | L2,
	  .assign = MASK,
	  .max_minor = 1,
	  .timers = true,
	  .mask_identity = ROUTER_MASK_EMPTY_SET,
	  .multicast = true,
	  .ignores_id_zero = true,
	  .loopback_id = true },
	{ .name = "catalyst3750", /* 3560, too */
	  .forward = L2,
	  .ret = GRE | L2,
	  .assign = MASK,
	  .mask_identity = ROUTER_MASK_NO_SETS,
	  .multicast = true,
	  .ignores_id_zero = true,
	  .loopback_id = true,
	  .max_services = 8 },
	{ .name = "catalyst4500",
	  .forward = L2,
	  .ret = L2,
	  .assign = MASK,
	  .max_minor = 1,
	  .timers = true,
	  .mask_identity = ROUTER_MASK_NO_SETS,
	  .multicast = true,
	  .ignores_id_zero = true,
	  .loopback_id = true,
	  .max_services = 8 },
	{ .name = "catalyst6500",
	  .forward = GRE | L2,
	  .ret = GRE | L2,
	  .assign = HASH | MASK,
	  .mask_identity = ROUTER_MASK_EMPTY_SET,
	  .multicast = true,
	  .ignores_id_zero = true,
	  .loopback_id = true },
	{ .name = "nxos",
	  .forward = L2,
	  .ret = L2,
	  .assign = MASK,
	  .mask_identity = ROUTER_MASK_NO_SETS,
	  .multicast = true,
	  .loopback_id = true },
	{ .name = "asa", .forward = GRE, .ret = GRE, .assign = HASH },
	{ .name = "fortigate",
	  .forward = GRE | L2,
	  .ret = GRE | L2,
	  .assign = HASH | MASK,
	  .echo = true,
	  .mask_identity = ROUTER_MASK_FULL,
	  .multicast = true,
	  .max_caches = 4 },
};

enum { N_PROFILES = sizeof(profiles) / sizeof(profiles[0]) };

const struct profile *profile_find(const char *name)
{
	for (unsigned i = 0; i < N_PROFILES; i++)
		if (strcmp(profiles[i].name, name) == 0)
			return &profiles[i];
	return NULL;
}

const char *profile_names(void)
{
	static char text[N_PROFILES * 20];
	size_t used = 0;

	for (unsigned i = 0; i < N_PROFILES; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
					 i ? ", " : "", profiles[i].name);
	return text;
}

void profile_apply(const struct profile *p, struct router_conf *out)
{
	out->forward = p->forward;
	out->ret = p->ret;
	out->assign = p->assign;
	out->max_minor = p->max_minor;
	out->echo_assignment = p->echo;
	out->mask_identity = p->mask_identity;
	out->max_caches = p->max_caches;
	if (p->timers)
		router_offer_timers(out, 500, 60000);
}
