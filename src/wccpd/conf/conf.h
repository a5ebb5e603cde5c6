/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of wccpd: a file becomes one immutable struct, or one error
 * that says file:line: message.
 */
#ifndef WCCPD_WCCPD_CONF_CONF_H
#define WCCPD_WCCPD_CONF_CONF_H

#include "err.h"
#include "cache.h"
#include "wccpd/conf/conf_health.h"
#include "dp/plan/plan.h"

#include <stdio.h>

#define CONF_DEFAULT_FILE "/etc/wccpd.conf"
#define CONF_DEFAULT_CONTROL "/run/wccpd.sock" /* wccpctl looks there, too */
#define CONF_PATH_MAX 256
#define CONF_MIRROR_SUFFIX "-return" /* name of the mirror of a service */

enum {
	CONF_MAX_INSTANCES = 512, /* in all pools */
	CONF_MAX_WARNINGS = 64, /* later ones are not kept */
	/* Different routers in all services together. */
	CONF_MAX_ROUTERS = PLAN_MAX_ADDRESSES,
};

/* Connections to a port of services go to a port of its own. */
struct conf_port {
	uint16_t service, own;
};

enum { CONF_MAX_PORTS = 8 };

struct conf_instance {
	char name[32];
	uint8_t family;	      /* of these: ADDR_V4 or ADDR_V6 */
	uint16_t port;        /* that connections are given to ... */
	struct addr at;	      /* ... at this address; unset: at any */
	bool plain;	      /* it is a plain port, of a pool that listens */
	unsigned n_ports;     /* ... but for these; conf_ports.c makes pools of them */
	struct conf_port ports[CONF_MAX_PORTS];
	struct addr check;    /* where the HTTP probe goes ... */
	uint16_t check_port;  /* ... a plain http_port of the same instance */
	/* A pool listens on that port, so the probe has to keep out of its way. */
	bool check_aside;
	/* The plain port that connections to `listen` are given to; unset: there is none. */
	struct addr proxy;
	uint16_t proxy_port;
	uint16_t weight;
	char pid_file[CONF_PATH_MAX]; /* may be empty: any process on the port */
};

struct conf_pool {
	char name[32];
	/* It was made out of the pool of that index, with other ports of its instances. */
	bool derived;
	unsigned parent;
	uint16_t for_port; /* of services; 0: it is for all, or for `listen` */
	/* Its instances take connections to `listen`, at their plain ports. */
	bool plain;
	unsigned min_instances;
	enum plan_spread spread;
	uint32_t queue_high; /* of plan_pool */
	uint32_t interval_ms, timeout_ms; /* of the probes */
	struct health_conf health;
	unsigned n_instances;
	struct conf_instance instances[PLAN_MAX_INSTANCES];
};

enum { CONF_MAX_SOURCES = 16 };

struct conf_service {
	char name[32];
	/* Of the well-known service only type and id are set, as on the wire. */
	struct cache_conf group;
	unsigned pool;        /* index into conf.pools */
	uint8_t port_pools[WCCP_MAX_PORTS]; /* see struct plan_service */
	uint16_t weight;      /* announced when every instance is healthy */
	uint32_t slow_start_s; /* a cold box gets its share in steps; 0: at once */
	bool drop_when_down;  /* when-down drop; default return */
	bool drop_udp;        /* udp drop; default return */
	int pair;             /* index of the mirrored service, -1: none */
	uint8_t multicast_ttl; /* 0 without multicast */
	/* Senders of redirected packets that the protocol does not tell us. */
	unsigned n_gre_sources, n_l2_sources;
	struct addr gre_sources[CONF_MAX_SOURCES];
	uint8_t l2_sources[CONF_MAX_SOURCES][6];
};

enum conf_log { CONF_LOG_STDERR, CONF_LOG_SYSLOG };

struct conf {
	struct addr address;
	bool any_interface; /* every one that redirected packets can arrive on ... */
	unsigned n_interfaces; /* ... or these */
	char interfaces[PLAN_MAX_INTERFACES][IF_NAMESIZE];
	char control[CONF_PATH_MAX];  /* Unix socket of wccpctl */
	char pid_file[CONF_PATH_MAX]; /* of wccpd itself; may be empty */
	char pin_directory[CONF_PATH_MAX]; /* see dp_open() */
	enum conf_log log;
	uint32_t mark, mark_mask;
	char delivery_interface[IF_NAMESIZE]; /* empty: by mark */
	uint32_t table, rule_priority;
	uint32_t tc_priority; /* 0: chosen, see kernel/tc.h */
	/* How long flows may have their socket at another web-cache after the table has
	 * changed, or after the last packet that was handed over. */
	uint32_t handover_memory_s;
	uint32_t drain_time_s; /* for open flows, before a service is withdrawn */
	unsigned n_pools, n_services, n_listens;
	struct plan_listen listens[PLAN_MAX_LISTENS];
	struct plan_bypass *bypass; /* NULL: none */
	struct conf_pool pools[PLAN_MAX_POOLS];
	struct conf_service services[PLAN_MAX_SERVICES];
	/* Settings that are valid but probably mistakes, "file:line: ..." each. */
	unsigned n_warnings;
	struct err warnings[CONF_MAX_WARNINGS];
};

/* Read and check a file.  NULL on error; the result is freed by conf_free(). */
struct conf *conf_load(const char *path, struct err *err);
void conf_free(struct conf *conf);

/* "eth0, eth1", "any", or "-". */
struct conf_interfaces_text {
	char s[PLAN_MAX_INTERFACES * (IF_NAMESIZE + 2)];
};
struct conf_interfaces_text conf_interfaces_text(const struct conf *conf);

/* "10.0.1.2:8080", "[2001:db8::2]:3128", "*:3128" */
struct conf_endpoint_text {
	char s[ADDR_STRLEN + 10];
};
struct conf_endpoint_text conf_endpoint_text(const struct addr *a, uint16_t port);

/* Warnings and the expanded service definitions, one fact a line. */
void conf_print(const struct conf *conf, FILE *to);

/* "flow", "source" and so on. */
const char *conf_spread_name(enum plan_spread spread);

/* -- for display -------------------------------------------------------------- */

/* The full description of a service; for the well-known one, what routers know of
 * it. */
struct conf_description {
	uint8_t priority;
	char protocol[8];    /* name or number */
	char ports[64];      /* "80, 8080", "any", "-" when the protocol has none */
	const char *port_type; /* "destination", "source", "-" */
	char hash[40], alternate[40]; /* "src-ip, dst-port", "-" */
	bool only_protocol_0;
};
struct conf_description conf_describe(const struct wccp_service *service);

/* "dst-ip 0x1741", several with ", " between; "-" when no bit is set. */
struct conf_mask_text {
	char s[160];
};
struct conf_mask_text conf_mask_text(const struct wccp_mask *mask);

/* "tcp"; NULL when the number has no name here. */
const char *conf_protocol_name(uint8_t number);
const char *conf_version_name(enum cache_version version); /* "2.01" */

#endif
