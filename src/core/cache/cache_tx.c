/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two messages of a web-cache: HERE_I_AM and REDIRECT_ASSIGN.  Every
 * HERE_I_AM is built for its router; an assignment is the same for all that speak
 * the same version and assign by the same method.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

/* Both messages at the capacities of wccp.h, with room to spare.  Most of it is a
 * mask/value set with all the values there are. */
enum { DATAGRAM_MAX = MASK_SLOTS_MAX * 16 + 4096 };

static void begin(const struct cache *g, enum wccp_type type, struct wccp_msg *m)
{
	const struct wccp_service *service = &g->conf.service;

	codec_begin(m, type);
	m->table_family = cache_table_family(g);
	m->present |= 1u << WCCP_C_SECURITY | 1u << WCCP_C_SERVICE;
	m->security = g->conf.password.set ? WCCP_SECURITY_MD5 : WCCP_SECURITY_NONE;
	m->service = *service;
	/* A well-known service has nothing but its id (2.0 section 5.6.2). */
	if (service->type == WCCP_SERVICE_STANDARD)
		m->service = (struct wccp_service){ .type = WCCP_SERVICE_STANDARD,
						    .id = service->id };
}

/* Encode what is in s->msg; returns the octets, 0 when it cannot be. */
static size_t put(struct cache *g, uint8_t *octets, size_t size, struct step *s)
{
	struct err err;
	int len = codec_encode(s->msg, &g->conf.password, octets, size, &err);

	if (len < 0) {
		/* Too large for a datagram, say: never sent cut. */
		actions_complain(s->out, "encode", NULL, "cannot send %s: %s",
				 codec_type_name(s->msg->type), err.text);
		return 0;
	}
	return (size_t)len;
}

static void count_tx(struct cache *g, enum wccp_type type)
{
	g->counters.tx[type - WCCP_HERE_I_AM]++;
}

/* -- HERE_I_AM --------------------------------------------------------------------------- */

/* Our slots as this router states them; without any, what we had last. */
static bool current_slots(const struct cache *g, const struct peer *p, struct slot_set *out)
{
	int self = peer_find_fellow(p, &g->conf.self);
	bool any = false;

	for (unsigned i = 0; peer_is_live(p) && self >= 0 && i < p->n_slots; i++)
		if (p->owners[i] == self) {
			slot_set_add(out, i);
			any = true;
		}
	return any;
}

/* Before anything is agreed on, in terms of what we prefer. */
static uint32_t method_to(const struct cache *g, const struct peer *p)
{
	if (p->assign)
		return p->assign;
	return g->conf.assign.n ? g->conf.assign.methods[0] : WCCP_ASSIGN_HASH;
}

static void put_identity(const struct cache *g, const struct peer *p, struct wccp_msg *m)
{
	uint32_t method = method_to(g, p);
	struct wccp_cache_id *id = &m->cache_identity;
	struct slot_set slots = { 0 };

	*id = (struct wccp_cache_id){ .addr = g->conf.self, .weight = g->weight };
	if (!current_slots(g, p, &slots)) {
		id->unassigned = true;
		slots = g->history[method_index(method)];
	}
	if (method == WCCP_ASSIGN_MASK) {
		/* Numbers are shorter, and plain values are addresses, for which an
		 * address table has not enough entries.  They are for who is known to
		 * understand 2.01, or has to (2.01 sections 3.4 and 6.8). */
		id->extended = cache_table_family(g) != 0 ||
			       (p->versioned && m->minor >= 1);
		id->kind = id->extended ? WCCP_DATA_ALT_MASK : WCCP_DATA_MASK;
		mask_put_slots(m, &g->mask, &slots, &g->conf.self, id->extended,
			       &id->sets);
	} else {
		id->kind = WCCP_DATA_HASH;
		memcpy(&id->buckets, &slots, sizeof(id->buckets));
	}
}

static void list_router(struct wccp_cache_view *v, const struct peer *p)
{
	if (v->n_routers < WCCP_MAX_ROUTERS)
		v->routers[v->n_routers++] =
			(struct wccp_router_id){ .id = p->id, .receive_id = p->receive_id };
}

/* `first` when it is to be listed although it is in our view no more. */
static void put_view(const struct cache *g, const struct peer *first,
		     struct wccp_cache_view *v)
{
	*v = g->view;
	v->n_routers = 0;
	if (first)
		list_router(v, first);
	for (unsigned i = 0; i < g->n_peers; i++)
		if (g->peers[i].listed)
			list_router(v, &g->peers[i]);
}

static void put_choice(const struct peer *p, struct wccp_msg *m)
{
	m->caps = peer_choice(p);
	if (m->caps.present)
		m->present |= 1u << WCCP_C_CAPABILITIES;
}

static void build_here_i_am(const struct cache *g, const struct peer *p,
			    struct wccp_msg *m)
{
	begin(g, WCCP_HERE_I_AM, m);
	m->present |= 1u << WCCP_C_CACHE_ID | 1u << WCCP_C_CACHE_VIEW;
	m->minor = peer_hello_minor(g, p);
	put_identity(g, p, m);
	m->cache_identity.min_version = peer_hello_asks_version(g, p);
	put_view(g, NULL, &m->cache_view);
	if (p->listed)
		put_choice(p, m);
}

/* A router that is being left is in no view but the one that it gets itself. */
static void build_shutdown(const struct cache *g, const struct peer *p,
			   struct wccp_msg *m)
{
	build_here_i_am(g, p, m);
	put_view(g, p, &m->cache_view);
	put_choice(p, m);
	m->present |= 1u << WCCP_C_COMMAND;
	m->n_commands = 1;
	m->commands[0] =
		(struct wccp_command){ .type = WCCP_CMD_SHUTDOWN, .cache = g->conf.self };
}

static void send_here_i_am(struct cache *g, const struct addr *to, struct step *s)
{
	uint8_t octets[DATAGRAM_MAX];
	size_t len = put(g, octets, sizeof(octets), s);

	if (!len)
		return;
	actions_send(s->out, to, actions_datagram(s->out, octets, len), len);
	count_tx(g, WCCP_HERE_I_AM);
}

void peer_hello(struct cache *g, struct peer *p, struct step *s)
{
	uint32_t wait = p->t_ms;

	build_here_i_am(g, p, s->msg);
	send_here_i_am(g, &p->address, s);
	if (cache_is_multicast(g))
		return; /* an answer to a query; the rest has its own rhythm */
	p->outstanding++;
	p->urgent = false;
	p->hello_sent = s->now;
	/* A member that hears nothing may repeat itself early. */
	if (peer_is_live(p) && p->outstanding < EARLY_MAX)
		wait /= 2;
	p->hello_at = mono_add_ms(s->now, wait);
}

void peer_shutdown(struct cache *g, struct peer *p, struct step *s)
{
	uint32_t pace = p->t_ms / 10;

	build_shutdown(g, p, s->msg);
	send_here_i_am(g, &p->address, s);
	p->shutdown_id = p->receive_id;
	p->outstanding++;
	p->hello_sent = s->now;
	if (pace < SHUTDOWN_PACE_LEAST_MS)
		pace = SHUTDOWN_PACE_LEAST_MS;
	p->hello_at = mono_add_ms(s->now, pace);
}

/* -- the same by multicast ---------------------------------------------------------------- */

/* Whose words the one message for all uses: they are alike wherever it matters. */
static const struct peer *spokesman(const struct cache *g)
{
	static const struct peer nobody;
	const struct peer *best = NULL;

	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (p->state == PEER_ASSIGNED)
			return p;
		if ((p->listed || p->state == PEER_DRAINING) && !p->removed &&
		    (!best || (peer_is_live(p) && !peer_is_live(best))))
			best = p;
	}
	return best ? best : &nobody;
}

static void list_leaving(const struct cache *g, struct wccp_cache_view *v)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (g->peers[i].state == PEER_DRAINING && !g->peers[i].removed)
			list_router(v, &g->peers[i]);
}

void cache_send_multicast(struct cache *g, bool shutdown, struct step *s)
{
	const struct peer *p = spokesman(g);

	if (shutdown) {
		build_shutdown(g, p, s->msg);
		s->msg->cache_view.n_routers = 0;
		list_leaving(g, &s->msg->cache_view);
	} else {
		build_here_i_am(g, p, s->msg);
	}
	send_here_i_am(g, &g->conf.multicast, s);
}

/* -- REDIRECT_ASSIGN --------------------------------------------------------------------- */

static void put_buckets(const struct cache_table *t, struct wccp_hash_table *out)
{
	out->n_caches = t->n_caches;
	memcpy(out->caches, t->caches, sizeof(out->caches));
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		out->buckets[b] = t->owners[b]; /* nobody is 0xff in both */
		if (t->owners[b] < t->n_caches && wccp_vector_has(&t->alt, b))
			out->buckets[b] |= WCCP_BUCKET_ALT;
	}
}

/* Sequence numbers of values are for who knows 2.01. */
static void put_table(const struct cache *g, uint32_t method, struct wccp_msg *m)
{
	const struct cache_table *t = &g->tables[method_index(method)];
	struct wccp_assignment *a = &m->assignment;

	if (method == WCCP_ASSIGN_MASK) {
		m->present |= 1u << WCCP_C_ALT_ASSIGNMENT;
		a->type = m->minor >= 1 ? WCCP_AT_ALT_MASK : WCCP_AT_MASK;
		mask_put_table(m, t, a->type == WCCP_AT_ALT_MASK, &a->sets);
	} else {
		m->present |= 1u << WCCP_C_ASSIGNMENT;
		a->type = WCCP_AT_HASH;
		put_buckets(t, &a->hash);
	}
}

static void build_assignment(const struct cache *g, uint8_t minor, uint32_t method,
			     struct wccp_msg *m)
{
	struct wccp_assignment *a = &m->assignment;

	begin(g, WCCP_REDIRECT_ASSIGN, m);
	m->minor = minor;
	put_table(g, method, m);
	a->key = *cache_key(g);
	a->n_routers = 0;
	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (peer_is_live(p) && a->n_routers < WCCP_MAX_ROUTERS)
			a->routers[a->n_routers++] = (struct wccp_router_assignment){
				.id = p->id,
				.receive_id = p->receive_id,
				.change_number = p->change_number,
			};
	}
}

static void send_assignment_to(struct cache *g, struct peer *p, long offset, size_t len,
			       struct step *s)
{
	uint32_t pause = p->t_ms / 10;

	if (!cache_is_multicast(g)) {
		actions_send(s->out, &p->address, offset, len);
		count_tx(g, WCCP_REDIRECT_ASSIGN);
		p->hello_at = mono_add_ms(s->now, pause < ECHO_PAUSE_MS ? pause : ECHO_PAUSE_MS);
	}
	p->told = true;
	p->told_change = p->change_number;
	p->pending = true;
	p->assign_sent = s->now;
	p->assign_at = mono_add_ms(s->now, p->t_ms);
}

/* A form that an assignment can take. */
struct form {
	uint8_t minor;
	uint32_t method;
};

/* A repetition by multicast is for whoever has not echoed it. */
static bool is_target(const struct cache *g, const struct peer *p,
		      const struct peer *only, const struct form *form)
{
	if (!peer_is_live(p) || p->minor != form->minor || p->assign != form->method)
		return false;
	return !only || p == only || (cache_is_multicast(g) && p->pending);
}

/* One message for all routers that get it in this form. */
static void send_form(struct cache *g, const struct peer *only, const struct form *form,
		      struct step *s)
{
	uint8_t octets[DATAGRAM_MAX];
	size_t len;
	long offset;

	build_assignment(g, form->minor, form->method, s->msg);
	len = put(g, octets, sizeof(octets), s);
	if (!len)
		return;
	offset = actions_datagram(s->out, octets, len);
	if (cache_is_multicast(g)) {
		actions_send(s->out, &g->conf.multicast, offset, len);
		count_tx(g, WCCP_REDIRECT_ASSIGN);
	}
	for (unsigned i = 0; i < g->n_peers; i++)
		if (is_target(g, &g->peers[i], only, form))
			send_assignment_to(g, &g->peers[i], offset, len, s);
}

void cache_send_assignment(struct cache *g, const struct peer *only, struct step *s)
{
	static const struct form forms[] = {
		{ 0, WCCP_ASSIGN_HASH }, { 0, WCCP_ASSIGN_MASK },
		{ 1, WCCP_ASSIGN_HASH }, { 1, WCCP_ASSIGN_MASK },
	};

	for (unsigned f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		bool any = false;

		for (unsigned i = 0; i < g->n_peers; i++)
			any = any || is_target(g, &g->peers[i], only, &forms[f]);
		if (any)
			send_form(g, only, &forms[f], s);
	}
}
