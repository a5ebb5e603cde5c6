/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WCCP version 2: the constants of the wire and the decoded form of a message.
 *
 * Sources: draft-wilson-wrec-wccp-v2-03 (2.0) section 5, and
 * draft-mclaggan-wccp-v2rev1-00 (2.01) sections 4 to 7.
 */
#ifndef WCCPD_WCCP_H
#define WCCPD_WCCP_H

#include "addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WCCP_PORT 2048
#define WCCP_HEADER_LEN 8
#define WCCP_MAX_DATAGRAM 65507 /* what fits into one IPv4 UDP datagram */

/* Fixed capacities.  A message that needs more is refused, never truncated. */
enum {
	WCCP_MAX_ROUTERS = 32,
	WCCP_MAX_CACHES = 32,
	WCCP_MAX_PORTS = 8,
	WCCP_BUCKETS = 256,
	WCCP_MAX_COMMANDS = 8,
	WCCP_MAX_SETS = 256,     /* mask/value sets in one message, all lists */
	WCCP_MAX_VALUES = 4096,  /* value elements in one message, all sets */
	WCCP_MAX_VSNS = 16384,   /* value sequence numbers in one message */
	WCCP_MAX_ADDRESSES = 256, /* entries of an address table */
	WCCP_PASSWORD_LEN = 8,
	WCCP_DIGEST_LEN = 16,
};

enum wccp_type {
	WCCP_HERE_I_AM = 10,
	WCCP_I_SEE_YOU = 11,
	WCCP_REDIRECT_ASSIGN = 12,
	WCCP_REMOVAL_QUERY = 13,
};

enum wccp_component {
	WCCP_C_SECURITY = 0,
	WCCP_C_SERVICE = 1,
	WCCP_C_ROUTER_ID = 2,
	WCCP_C_CACHE_ID = 3,
	WCCP_C_ROUTER_VIEW = 4,
	WCCP_C_CACHE_VIEW = 5,
	WCCP_C_ASSIGNMENT = 6,
	WCCP_C_ROUTER_QUERY = 7,
	WCCP_C_CAPABILITIES = 8,
	WCCP_C_ALT_ASSIGNMENT = 13,
	WCCP_C_ASSIGN_MAP = 14,
	WCCP_C_COMMAND = 15,
	WCCP_C_ALT_ASSIGN_MAP = 16,
	WCCP_C_ADDRESS_TABLE = 17,
};

enum { WCCP_SECURITY_NONE = 0, WCCP_SECURITY_MD5 = 1 };

enum { WCCP_SERVICE_STANDARD = 0, WCCP_SERVICE_DYNAMIC = 1 };
enum {
	WCCP_WEB_CACHE_ID = 0, /* the only well-known service */
	WCCP_WEB_CACHE_PRIORITY = 240,
};

/* Service flags. */
enum {
	WCCP_F_SRC_IP_HASH = 0x0001,
	WCCP_F_DST_IP_HASH = 0x0002,
	WCCP_F_SRC_PORT_HASH = 0x0004,
	WCCP_F_DST_PORT_HASH = 0x0008,
	WCCP_F_PORTS_DEFINED = 0x0010,
	WCCP_F_PORTS_SOURCE = 0x0020,
	WCCP_F_ONLY_PROTOCOL_0 = 0x0040, /* 2.01 */
	WCCP_F_SRC_IP_ALT_HASH = 0x0100,
	WCCP_F_DST_IP_ALT_HASH = 0x0200,
	WCCP_F_SRC_PORT_ALT_HASH = 0x0400,
	WCCP_F_DST_PORT_ALT_HASH = 0x0800,
};

/* Flags of a web-cache identity element, least significant bit first. */
enum {
	WCCP_ID_UNASSIGNED = 0x0001, /* U: the assignment data is historical */
	WCCP_ID_KIND = 0x0006,       /* kind of data, see below */
	WCCP_ID_KIND_HASH = 0x0000,
	WCCP_ID_KIND_MASK = 0x0002,
	WCCP_ID_KIND_NONE = 0x0004,     /* 2.01 */
	WCCP_ID_KIND_EXTENDED = 0x0006, /* 2.01 */
	WCCP_ID_MIN_VERSION = 0x0008,   /* V, 2.01 */
};

/* Forwarding and packet return use the same bits. */
enum { WCCP_METHOD_GRE = 1, WCCP_METHOD_L2 = 2 };
enum { WCCP_ASSIGN_HASH = 1, WCCP_ASSIGN_MASK = 2 };

enum wccp_capability {
	WCCP_CAP_FORWARD = 1,
	WCCP_CAP_ASSIGN = 2,
	WCCP_CAP_RETURN = 3,
	WCCP_CAP_TRANSMIT_T = 4,  /* 2.01 */
	WCCP_CAP_TIMER_SCALE = 5, /* 2.01 */
};

enum { WCCP_CMD_SHUTDOWN = 1, WCCP_CMD_SHUTDOWN_RESPONSE = 2 };

/* Assignment types of components 13 and 16. */
enum { WCCP_AT_HASH = 0, WCCP_AT_MASK = 1, WCCP_AT_ALT_MASK = 2 };

#define WCCP_BUCKET_NONE 0xff
#define WCCP_BUCKET_ALT 0x80  /* use the alternate hash */
#define WCCP_BUCKET_INDEX 0x7f

/* Base timer values of 2.0, also the defaults of 2.01 (section 2.1 there). */
#define WCCP_TRANSMIT_T_MS 10000

/* GRE protocol type of redirected and of returned packets, and the bits of the
 * first octet of the redirect header (2.0 section 4.12.1). */
#define WCCP_GRE_PROTO 0x883e
enum { WCCP_RH_DYNAMIC = 0x01, WCCP_RH_ALT = 0x02, WCCP_RH_UNAVAILABLE = 0x04 };

struct wccp_service {
	uint8_t type, id, priority, protocol;
	uint32_t flags;
	uint16_t ports[WCCP_MAX_PORTS]; /* host order, ended by a zero */
};

struct wccp_router_id {
	struct addr id;
	uint32_t receive_id;
};

struct wccp_router_assignment {
	struct addr id;
	uint32_t receive_id;
	uint32_t change_number;
};

struct wccp_key {
	struct addr cache; /* the designated web-cache */
	uint32_t change_number;
};

/* Mask element: a set bit counts, a clear one is "don't care".  Ports in host
 * order; addresses carry the mask of their family (ADDR_NONE: empty mask). */
struct wccp_mask {
	struct addr src, dst;
	uint16_t sport, dport;
};

struct wccp_value {
	struct wccp_mask match;
	struct addr cache;
};

/* Web-cache value element of an alternate set (2.01 section 6.19). */
struct wccp_cache_values {
	struct addr cache;
	uint16_t first_vsn, n_vsns; /* in wccp_msg.vsns */
};

/* One mask/value set, or one alternate set. */
struct wccp_set {
	struct wccp_mask mask;
	uint16_t first, n; /* in wccp_msg.values, or in .cache_values if alternate */
};

/* A list of mask/value sets, plain or alternate: a run of wccp_msg.sets. */
struct wccp_set_list {
	uint16_t first, n;
	bool alternate;
};

/* The 256-bit bucket vector; bit (b & 7) of octet b >> 3 is bucket b. */
struct wccp_bucket_vector {
	uint8_t octets[WCCP_BUCKETS / 8];
};

static inline bool wccp_vector_has(const struct wccp_bucket_vector *v, unsigned b)
{
	return v->octets[b >> 3] >> (b & 7) & 1;
}

static inline void wccp_vector_add(struct wccp_bucket_vector *v, unsigned b)
{
	v->octets[b >> 3] |= (uint8_t)(1u << (b & 7));
}

enum wccp_data_kind {
	WCCP_DATA_HASH,
	WCCP_DATA_MASK,
	WCCP_DATA_ALT_MASK, /* only inside extended data */
	WCCP_DATA_NONE,     /* identity without any data */
	WCCP_DATA_WEIGHT,   /* only inside extended data */
};

/* Web-cache identity element.  The wire flags are derived from these fields. */
struct wccp_cache_id {
	struct addr addr;
	bool unassigned;  /* U */
	bool min_version; /* V */
	bool extended;    /* data wrapped as extended assignment data (2.01) */
	enum wccp_data_kind kind;
	struct wccp_bucket_vector buckets; /* kind HASH */
	struct wccp_set_list sets;         /* kind MASK or ALT_MASK */
	uint16_t weight, status;           /* every kind but NONE */
};

struct wccp_hash_table {
	uint32_t n_caches;
	struct addr caches[WCCP_MAX_CACHES];
	uint8_t buckets[WCCP_BUCKETS]; /* index into caches, see WCCP_BUCKET_* */
};

/* Components 6 and 13, which differ in wrapping only. */
struct wccp_assignment {
	uint16_t type; /* WCCP_AT_*; component 6 is always hash */
	struct wccp_key key;
	uint32_t n_routers;
	struct wccp_router_assignment routers[WCCP_MAX_ROUTERS];
	struct wccp_hash_table hash; /* type hash */
	struct wccp_set_list sets;   /* type mask, alternate mask */
};

/* Components 14 and 16. */
struct wccp_assign_map {
	uint16_t type;               /* WCCP_AT_*; component 14 is always mask */
	struct wccp_hash_table hash; /* type hash */
	struct wccp_set_list sets;   /* type mask, alternate mask */
};

struct wccp_router_identity {
	struct wccp_router_id self;
	struct addr sent_to;
	uint32_t n_from;
	struct addr from[WCCP_MAX_CACHES];
};

struct wccp_router_view {
	uint32_t change_number;
	struct wccp_key key;
	uint32_t n_routers;
	struct addr routers[WCCP_MAX_ROUTERS];
	uint32_t n_caches;
	struct wccp_cache_id caches[WCCP_MAX_CACHES];
};

struct wccp_cache_view {
	uint32_t change_number;
	uint32_t n_routers;
	struct wccp_router_id routers[WCCP_MAX_ROUTERS];
	uint32_t n_caches;
	struct addr caches[WCCP_MAX_CACHES];
};

struct wccp_router_query {
	struct wccp_router_id router;
	struct addr sent_to, target;
};

/* TRANSMIT_T and the scales may be stated as one value (lower == upper,
 * is_range false) or, by a router only, as a range. */
struct wccp_cap_transmit_t {
	bool is_range;
	uint16_t lower_ms, upper_ms;
};

struct wccp_cap_timer_scale {
	bool is_range;
	uint8_t timeout_lower, timeout_upper, ra_lower, ra_upper;
};

struct wccp_capabilities {
	uint32_t present; /* bit 1 << WCCP_CAP_* for each element that was there */
	uint32_t forward, assign, ret; /* bit masks of methods */
	struct wccp_cap_transmit_t transmit_t;
	struct wccp_cap_timer_scale timer_scale;
};

struct wccp_command {
	uint16_t type; /* WCCP_CMD_* */
	struct addr cache;
};

/*
 * A decoded message.  Only parts whose component is in `present` have meaning;
 * the rest is left as it was (the struct is large: do not clear it, keep one
 * and decode into it again and again).  n_commands and capabilities.present are zero
 * without their component.
 *
 * An address of 0.0.0.0, or index 0 of an address table, is ADDR_NONE everywhere
 * here: unspecified address, empty mask, value zero.
 */
struct wccp_msg {
	uint32_t type;  /* enum wccp_type */
	uint8_t minor;  /* minor version of the header; major is always 2 */
	uint32_t present; /* bit 1 << enum wccp_component */
	uint16_t table_family; /* IANA family of the address table, 0: none */

	uint32_t security; /* WCCP_SECURITY_* */
	struct wccp_service service;
	struct wccp_router_identity router_identity;
	struct wccp_cache_id cache_identity;
	struct wccp_router_view router_view;
	struct wccp_cache_view cache_view;
	struct wccp_assignment assignment; /* component 6 or 13 */
	struct wccp_assign_map map;        /* component 14 or 16 */
	struct wccp_router_query query;
	struct wccp_capabilities capabilities;
	uint32_t n_commands;
	struct wccp_command commands[WCCP_MAX_COMMANDS];

	/* Where the set lists above live. */
	uint32_t n_sets, n_values, n_cache_values, n_vsns;
	struct wccp_set sets[WCCP_MAX_SETS];
	struct wccp_value values[WCCP_MAX_VALUES];
	struct wccp_cache_values cache_values[WCCP_MAX_VALUES];
	uint32_t vsns[WCCP_MAX_VSNS];
};

static inline bool wccp_has(const struct wccp_msg *m, enum wccp_component c)
{
	return m->present >> c & 1;
}

/* Do both describe the same service group?  Type and id count, never the id alone
 * (2.0 section 4.2). */
static inline bool wccp_same_group(const struct wccp_service *a,
				   const struct wccp_service *b)
{
	return a->type == b->type && a->id == b->id;
}

#endif
