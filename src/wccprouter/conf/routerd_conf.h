/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of wccprouter: a file becomes one immutable struct, or one
 * error that says file:line: message.
 */
#ifndef WCCPD_WCCPROUTER_CONF_ROUTERD_CONF_H
#define WCCPD_WCCPROUTER_CONF_ROUTERD_CONF_H

#include "err.h"
#include "router.h"
#include "wccprouter/conf/profile.h"
#include "wccprouter/conf/redirect_rule.h"

#include <net/if.h>
#include <stdbool.h>

#define ROUTERD_CONF_DEFAULT_FILE "/etc/wccprouter.conf"

enum {
	ROUTERD_MAX_INTERFACES = 32, /* of one list */
	ROUTERD_ALL_INTERFACES = 128,
	ROUTERD_MAX_SERVICES = 64,
	ROUTERD_MAX_RULES = 64, /* of one service */
	ROUTERD_PATH_MAX = 108, /* of a Unix socket */
	ROUTERD_MAX_WARNINGS = 16, /* later ones are not kept */
};

struct routerd_interfaces {
	unsigned n;
	char names[ROUTERD_MAX_INTERFACES][IF_NAMESIZE];
};

struct routerd_conf_service {
	char name[16];	   /* "web-cache", or the number of a dynamic service */
	bool closed;	   /* drop what no web-cache takes */
	uint8_t group_ttl; /* of what is sent to router.multicast */
	struct router_conf router;
	/* Where its packets are redirected: its own ones, or those of the file. */
	struct routerd_interfaces redirect_in, redirect_out;
	unsigned n_rules; /* 0: all of its packets are redirected */
	struct redirect_rule rules[ROUTERD_MAX_RULES];
};

struct routerd_conf {
	const struct profile *profile; /* NULL: none; not owned */
	/* Unset, with a profile: choose it as such a router does. */
	struct addr router_id;
	struct addr router_id6; /* unset: no web-caches of IPv6 */
	char control[ROUTERD_PATH_MAX];
	char pin_directory[256]; /* see pins_open() */
	struct addr metrics; /* where they are served by HTTP; unset: not */
	uint16_t metrics_port;
	/* For services that have none of their own. */
	struct routerd_interfaces redirect_in, redirect_out;
	struct routerd_interfaces excluded_in; /* from all redirect_out */
	struct routerd_interfaces caches_in;
	unsigned n_services;
	struct routerd_conf_service services[ROUTERD_MAX_SERVICES];
	/* Settings that are valid but probably mistakes, "file:line: ..." each. */
	unsigned n_warnings;
	struct err warnings[ROUTERD_MAX_WARNINGS];
};

/* Read and check a file.  NULL on error; the result is freed by routerd_conf_free(). */
struct routerd_conf *routerd_conf_load(const char *path, struct err *err);
void routerd_conf_free(struct routerd_conf *conf);
/* The router id, where the file left it open. */
void routerd_conf_set_router_id(struct routerd_conf *conf, const struct addr *id);

#endif
