/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the state of the service groups to the table of the packet path.  Pure: a
 * callback looks up routes.
 */
#ifndef WCCPD_WCCPROUTER_FORWARD_MEMBER_TABLE_H
#define WCCPD_WCCPROUTER_FORWARD_MEMBER_TABLE_H

#include "bpf/router/router_maps.h"
#include "router.h"
#include "wccprouter/conf/routerd_conf.h"
#include "wccprouter/forward/routes.h"

/* The route to a web-cache; 0, or -1 if there is none. */
typedef int member_table_route(void *arg, const struct addr *cache, struct route *out);

/* The values of a service's masks: mask by mask, in order. */
struct member_table_value {
	struct router_fields fields;
	uint16_t mask;	/* index into the entry's masks */
	uint8_t target; /* index into the entry's targets */
	uint8_t zero;
};

struct member_table_values {
	uint32_t generation; /* left to the caller */
	unsigned n;
	struct member_table_value list[ROUTER_MAX_VALUES];
};

/* The family of the packets that a service is for: that of its web-caches; without any,
 * of the last ones (`before`); before the first, of the configured addresses, and IPv4
 * if these do not tell. */
enum addr_family member_table_family(const struct routerd_conf_service *service,
				     const struct router_status *status,
				     enum addr_family before);

/*
 * `status[i]` is the state of conf->services[i], families[i] its member_table_family().
 * Entries come in priority order, highest first; services without a description and
 * open ones without a usable web-cache have none, so that they do not hide those of
 * lower priority.
 * Returns the number of entries; `out` has ROUTER_MAX_SERVICES.
 * values[i] gets those of conf->services[i].
 */
unsigned member_table_build(const struct routerd_conf *conf,
			    const struct router_status *status,
			    const enum addr_family *families, member_table_route *route,
			    void *arg, struct router_entry *out,
			    struct member_table_values *values);

#endif
