/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages written by hand, for peers that no machine of ours would play:
 *
 *   I_SEE_YOU to NODE id A receive-id N change N from A,A caches A,A routers A,A
 *             key A N forward M return M assign M
 *   HERE_I_AM to NODE address A weight N router A RECEIVE-ID forward M return M assign M
 *   REDIRECT_ASSIGN to NODE key A N router A RECEIVE-ID CHANGE caches A,A
 *   REMOVAL_QUERY to NODE id A receive-id N target A
 *
 * all with: minor N, minimum-version, password P, priority N.  What is not said is left out or
 * zero.  An assignment gives its web-caches equal runs of buckets.
 */
#include "golden.h"

#include <string.h>

struct handmade {
	struct wccp_msg *msg;
	struct codec_password password;
	struct addr id;
	uint32_t receive_id;
};

static void put_caches(struct stage *st, struct words *w, struct wccp_msg *m)
{
	struct addr list[WCCP_MAX_CACHES];
	unsigned n = words_addrs(st, w, list, WCCP_MAX_CACHES);
	struct wccp_hash_table *t = &m->assignment.hash;

	m->router_view.n_caches = t->n_caches = n;
	for (unsigned i = 0; i < n; i++) {
		t->caches[i] = list[i];
		m->router_view.caches[i] = (struct wccp_cache_id){
			.addr = list[i],
			.kind = WCCP_DATA_HASH,
			.unassigned = true,
			.weight = 100,
		};
	}
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		t->buckets[b] = n ? (uint8_t)(b * n / WCCP_BUCKETS) : WCCP_BUCKET_NONE;
}

static void put_router(struct stage *st, struct words *w, struct wccp_msg *m)
{
	struct wccp_router_id r = { .id = words_addr(st, w, "router id") };
	struct wccp_assignment *a = &m->assignment;

	r.receive_id = (uint32_t)words_number(st, w, "receive id");
	if (m->type == WCCP_HERE_I_AM)
		m->cache_view.routers[m->cache_view.n_routers++] = r;
	else
		a->routers[a->n_routers++] = (struct wccp_router_assignment){
			r.id, r.receive_id,
			(uint32_t)words_number(st, w, "change number")
		};
}

static void put_key(struct stage *st, struct words *w, struct wccp_msg *m)
{
	struct wccp_key key = { .cache = words_addr(st, w, "web-cache") };

	key.change_number = (uint32_t)words_number(st, w, "key change number");
	m->router_view.key = m->assignment.key = key;
}

static void put_capability(struct wccp_msg *m, enum wccp_capability which,
			   uint32_t *field, uint32_t methods)
{
	m->present |= 1u << WCCP_C_CAPABILITIES;
	m->capabilities.present |= 1u << which;
	*field = methods;
}

static bool put_method(struct stage *st, struct wccp_msg *m, const char *key,
		       struct words *w)
{
	bool forward = !strcmp(key, "forward"), ret = !strcmp(key, "return");
	uint32_t methods;

	if (!forward && !ret && strcmp(key, "assign") != 0)
		return false;
	methods = options_methods(st, words_need(st, w, "methods"), NULL);
	if (forward)
		put_capability(m, WCCP_CAP_FORWARD, &m->capabilities.forward, methods);
	else if (ret)
		put_capability(m, WCCP_CAP_RETURN, &m->capabilities.ret, methods);
	else
		put_capability(m, WCCP_CAP_ASSIGN, &m->capabilities.assign, methods);
	return true;
}

static void put_password(struct stage *st, struct words *w, struct handmade *l)
{
	struct err err = { "" };

	if (codec_password(words_need(st, w, "password"), &l->password, &err) < 0)
		stage_fail(st, "%s", err.text);
	l->msg->security = WCCP_SECURITY_MD5;
}

static void put_field(struct stage *st, struct handmade *l, const char *key,
		      struct words *w)
{
	struct wccp_msg *m = l->msg;

	if (!strcmp(key, "id"))
		l->id = words_addr(st, w, "router id");
	else if (!strcmp(key, "receive-id"))
		l->receive_id = (uint32_t)words_number(st, w, "receive id");
	else if (!strcmp(key, "change"))
		m->router_view.change_number = (uint32_t)words_number(st, w, "number");
	else if (!strcmp(key, "from"))
		m->router_identity.n_from =
			words_addrs(st, w, m->router_identity.from, WCCP_MAX_CACHES);
	else if (!strcmp(key, "routers"))
		m->router_view.n_routers =
			words_addrs(st, w, m->router_view.routers, WCCP_MAX_ROUTERS);
	else if (!strcmp(key, "address"))
		m->cache_identity.addr = words_addr(st, w, "web-cache");
	else if (!strcmp(key, "weight"))
		m->cache_identity.weight = (uint16_t)words_number(st, w, "weight");
	else if (!strcmp(key, "target"))
		m->query.target = words_addr(st, w, "web-cache");
	else if (!strcmp(key, "minor"))
		m->minor = (uint8_t)words_number(st, w, "minor version");
	else if (!strcmp(key, "priority"))
		m->service.priority = (uint8_t)words_number(st, w, "priority");
	else if (!strcmp(key, "minimum-version"))
		m->cache_identity.min_version = true;
	else if (!strcmp(key, "caches"))
		put_caches(st, w, m);
	else if (!strcmp(key, "router"))
		put_router(st, w, m);
	else if (!strcmp(key, "key"))
		put_key(st, w, m);
	else if (!strcmp(key, "password"))
		put_password(st, w, l);
	else if (!put_method(st, m, key, w))
		stage_fail(st, "no part of a message: %s", key);
}

static void begin(struct stage *st, struct wccp_msg *m, const struct node *from,
		  const struct node *to, const char *type)
{
	static const struct {
		enum wccp_type type;
		uint32_t present;
	} kinds[] = {
		{ WCCP_HERE_I_AM, 1u << WCCP_C_CACHE_ID | 1u << WCCP_C_CACHE_VIEW },
		{ WCCP_I_SEE_YOU, 1u << WCCP_C_ROUTER_ID | 1u << WCCP_C_ROUTER_VIEW },
		{ WCCP_REDIRECT_ASSIGN, 1u << WCCP_C_ASSIGNMENT },
		{ WCCP_REMOVAL_QUERY, 1u << WCCP_C_ROUTER_QUERY },
	};

	memset(m, 0, sizeof(*m));
	for (unsigned i = 0; i < 4; i++)
		if (strcmp(codec_type_name(kinds[i].type), type) == 0) {
			codec_begin(m, kinds[i].type);
			m->present = kinds[i].present | 1u << WCCP_C_SECURITY |
				     1u << WCCP_C_SERVICE;
		}
	if (!m->type)
		stage_fail(st, "no type of message: %s", type);
	m->service = st->services[0].service;
	m->cache_identity = (struct wccp_cache_id){ .addr = from->addr,
						    .weight = 100,
						    .unassigned = true };
	m->router_identity.sent_to = m->query.sent_to = from->addr;
	m->router_identity.n_from = 1;
	m->router_identity.from[0] = m->query.target = to->addr;
}

void handmade_write(struct stage *st, struct node *from, struct words *w)
{
	static struct wccp_msg msg;
	static uint8_t octets[WCCP_MAX_DATAGRAM];
	struct handmade l = { .msg = &msg, .id = from->addr, .receive_id = 1 };
	const char *type = words_need(st, w, "type of message"), *key;
	const struct node *to;
	struct err err = { "" };
	int len;

	if (!words_take(w, "to"))
		stage_fail(st, "expected: TYPE to NODE");
	key = words_need(st, w, "node");
	to = stage_node(st, key);
	if (!to) {
		stage_fail(st, "no node: %s", key);
		return;
	}
	begin(st, &msg, from, to, type);
	while ((key = words_next(w)))
		put_field(st, &l, key, w);
	msg.router_identity.self = msg.query.router =
		(struct wccp_router_id){ l.id, l.receive_id };
	len = codec_encode(&msg, &l.password, octets, sizeof(octets), &err);
	if (len < 0)
		stage_fail(st, "%s", err.text);
	else if (!st->failed)
		stage_send(st, from, &to->addr, octets, (size_t)len);
}
