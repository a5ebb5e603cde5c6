/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One interface of the host: our TC filters on it.
 * tc_hook_detach() undoes whatever was made or changed here.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_TC_HOOK_H
#define WCCPD_WCCPROUTER_FORWARD_TC_HOOK_H

#include "err.h"
#include "kernel/tc.h"
#include "wccprouter/forward/offloads.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct tc_hook {
	char name[IF_NAMESIZE];
	uint32_t roles;	  /* ROUTER_IF_* */
	uint64_t in, out; /* services that are redirected there, see router_maps.h */
	unsigned ifindex; /* attached there; 0: not attached */
	struct tc_filter filter;
};

/* The programs for what comes in and for what goes out; not owned. */
struct tc_hook_programs {
	int ingress_fd, egress_fd;
};

/* Attach what the roles ask for (which may be nothing); on redirect-in interfaces
 * switch GRO and LRO off. */
int tc_hook_attach(struct tc_hook *h, const struct tc_hook_programs *programs,
		   struct offloads *offloads, struct err *err);
void tc_hook_detach(struct tc_hook *h, struct offloads *offloads);
/* An earlier process has attached `before`, of the same name: before tc_hook_attach(). */
void tc_hook_adopt(struct tc_hook *h, const struct tc_hook *before);

/* Is the interface that it was attached to still there under its name? */
bool tc_hook_is_attached(const struct tc_hook *h);

#endif
