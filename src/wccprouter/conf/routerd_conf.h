/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of wccprouter: a file becomes one immutable struct, or one
 * error that says file:line: message.
 */
#ifndef WCCPD_WCCPROUTER_CONF_ROUTERD_CONF_H
#define WCCPD_WCCPROUTER_CONF_ROUTERD_CONF_H

#include "err.h"
#include "wccprouter/conf/profile.h"
#include "router.h"
#include "wccprouter/conf/redirect_rule.h"

#include <net/if.h>
#include <stdbool.h>

#define RCONF_DEFAULT_FILE "/etc/wccprouter.conf"

enum {
	RCONF_MAX_INTERFACES = 32,
	RCONF_MAX_SERVICES = 64,
	RCONF_MAX_RULES = 64, /* of one service */
	RCONF_PATH_MAX = 108, /* of a Unix socket */
};

struct rconf_service {
	char name[16];	   /* "web-cache", or the number of a dynamic service */
	bool closed;	   /* drop what no web-cache takes */
	uint8_t group_ttl; /* of what is sent to router.multicast */
	struct router_conf router;
	unsigned n_rules; /* 0: all of its packets are redirected */
	struct rule rules[RCONF_MAX_RULES];
};

struct rconf {
	const struct profile *profile; /* NULL: none; not owned */
	/* Unset, with a profile: to be chosen as such a device does. */
	struct addr router_id;
	struct addr router_id6; /* unset: no web-caches of IPv6 */
	char control[RCONF_PATH_MAX];
	struct addr metrics; /* where they are served by HTTP; unset: not */
	uint16_t metrics_port;
	unsigned n_redirect_in, n_redirect_out, n_excluded_in, n_caches_in, n_services;
	char redirect_in[RCONF_MAX_INTERFACES][IF_NAMESIZE];
	char redirect_out[RCONF_MAX_INTERFACES][IF_NAMESIZE];
	char excluded_in[RCONF_MAX_INTERFACES][IF_NAMESIZE]; /* from redirect_out */
	char caches_in[RCONF_MAX_INTERFACES][IF_NAMESIZE];
	struct rconf_service services[RCONF_MAX_SERVICES];
};

/* Read and check a file.  NULL on error; the result is freed by rconf_free(). */
struct rconf *rconf_load(const char *path, struct err *err);
void rconf_free(struct rconf *conf);
/* The router id, where the file left it open. */
void rconf_set_router_id(struct rconf *conf, const struct addr *id);

#endif
