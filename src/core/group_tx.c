/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two messages of a web-cache: HERE_I_AM and REDIRECT_ASSIGN.  Every
 * HERE_I_AM is built for its router; an assignment is the same for all that speak
 * the same version.
 */
#include "group_impl.h"

/* Both messages at the capacities of wccp.h, with room to spare. */
enum { DATAGRAM_MAX = 2048 };

static void begin(const struct group *g, enum wccp_type type, struct wccp_msg *m)
{
	const struct wccp_service *service = &g->conf.service;

	codec_begin(m, type);
	m->table_family = group_table_family(g);
	m->present |= 1u << WCCP_C_SECURITY | 1u << WCCP_C_SERVICE;
	m->security = g->conf.password.set ? WCCP_SECURITY_MD5 : WCCP_SECURITY_NONE;
	m->service = *service;
	/* A well-known service has nothing but its id (2.0 section 5.6.2). */
	if (service->type == WCCP_SERVICE_STANDARD)
		m->service = (struct wccp_service){ .type = WCCP_SERVICE_STANDARD,
						    .id = service->id };
}

/* Encode what is in s->msg; returns the octets, 0 when it cannot be. */
static size_t put(struct group *g, uint8_t *octets, size_t size, struct step *s)
{
	struct err err;
	int len = codec_encode(s->msg, &g->conf.password, octets, size, &err);

	if (len < 0) {
		actions_note(s->out, NOTE_ERROR, "encode", NULL, "cannot send %s: %s",
			     codec_type_name(s->msg->type), err.text);
		return 0;
	}
	return (size_t)len;
}

static void count_tx(struct group *g, enum wccp_type type)
{
	g->counters.tx[type - WCCP_HERE_I_AM]++;
}

/* -- HERE_I_AM --------------------------------------------------------------------------- */

/* Our assignment as this router states it; without one, what we had last. */
static void put_identity(const struct group *g, const struct peer *p,
			 struct wccp_cache_id *id)
{
	int self = peer_find_fellow(p, &g->conf.self);

	*id = (struct wccp_cache_id){ .addr = g->conf.self,
				      .kind = WCCP_DATA_HASH,
				      .weight = g->weight };
	if (!peer_is_live(p) || peer_buckets_of(p, self) == 0) {
		id->unassigned = true;
		id->buckets = g->history;
		return;
	}
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		if (p->owners[b] == self)
			wccp_vector_add(&id->buckets, b);
}

static void list_router(struct wccp_cache_view *v, const struct peer *p)
{
	if (v->n_routers < WCCP_MAX_ROUTERS)
		v->routers[v->n_routers++] =
			(struct wccp_router_id){ .id = p->id, .receive_id = p->receive_id };
}

/* `first` when it is to be listed although it is in our view no more. */
static void put_view(const struct group *g, const struct peer *first,
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

static void build_here_i_am(const struct group *g, const struct peer *p,
			    struct wccp_msg *m)
{
	begin(g, WCCP_HERE_I_AM, m);
	m->present |= 1u << WCCP_C_CACHE_ID | 1u << WCCP_C_CACHE_VIEW;
	put_identity(g, p, &m->cache_identity);
	m->minor = peer_hello_minor(g, p);
	m->cache_identity.min_version = peer_hello_asks_version(g, p);
	put_view(g, NULL, &m->cache_view);
	if (p->listed)
		put_choice(p, m);
}

/* A router that is being left is in no view but the one that it gets itself. */
static void build_shutdown(const struct group *g, const struct peer *p,
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

static void send_here_i_am(struct group *g, const struct addr *to, struct step *s)
{
	uint8_t octets[DATAGRAM_MAX];
	size_t len = put(g, octets, sizeof(octets), s);

	if (!len)
		return;
	actions_send(s->out, to, actions_datagram(s->out, octets, len), len);
	count_tx(g, WCCP_HERE_I_AM);
}

void peer_hello(struct group *g, struct peer *p, struct step *s)
{
	uint32_t wait = p->t_ms;

	build_here_i_am(g, p, s->msg);
	send_here_i_am(g, &p->address, s);
	if (group_is_multicast(g))
		return; /* an answer to a query; the rest has its own rhythm */
	p->outstanding++;
	p->urgent = false;
	p->hello_sent = s->now;
	/* A member that hears nothing may repeat itself early. */
	if (peer_is_live(p) && p->outstanding < EARLY_MAX)
		wait /= 2;
	p->hello_at = mono_add_ms(s->now, wait);
}

void peer_shutdown(struct group *g, struct peer *p, struct step *s)
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
static const struct peer *spokesman(const struct group *g)
{
	static const struct peer nobody;
	const struct peer *best = NULL;

	for (unsigned i = 0; i < g->n_peers; i++) {
		const struct peer *p = &g->peers[i];

		if (p->state == GROUP_ASSIGNED)
			return p;
		if ((p->listed || p->state == GROUP_LEAVING) && !p->removed &&
		    (!best || (peer_is_live(p) && !peer_is_live(best))))
			best = p;
	}
	return best ? best : &nobody;
}

static void list_leaving(const struct group *g, struct wccp_cache_view *v)
{
	for (unsigned i = 0; i < g->n_peers; i++)
		if (g->peers[i].state == GROUP_LEAVING && !g->peers[i].removed)
			list_router(v, &g->peers[i]);
}

void group_send_cast(struct group *g, bool shutdown, struct step *s)
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

static void build_assignment(const struct group *g, uint8_t minor, struct wccp_msg *m)
{
	struct wccp_assignment *a = &m->assignment;

	begin(g, WCCP_REDIRECT_ASSIGN, m);
	m->minor = minor;
	m->present |= 1u << WCCP_C_ASSIGNMENT;
	a->type = WCCP_AT_HASH;
	a->key = g->key;
	a->hash = g->table;
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

static void send_assignment_to(struct group *g, struct peer *p, long offset, size_t len,
			       struct step *s)
{
	uint32_t pause = p->t_ms / 10;

	if (!group_is_multicast(g)) {
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

/* A repetition by multicast is for whoever has not echoed it. */
static bool is_target(const struct group *g, const struct peer *p,
		      const struct peer *only, uint8_t minor)
{
	if (!peer_is_live(p) || p->minor != minor)
		return false;
	return !only || p == only || (group_is_multicast(g) && p->pending);
}

/* One message for all routers that speak a version. */
static void send_version(struct group *g, const struct peer *only, uint8_t minor,
			 struct step *s)
{
	uint8_t octets[DATAGRAM_MAX];
	size_t len;
	long offset;

	build_assignment(g, minor, s->msg);
	len = put(g, octets, sizeof(octets), s);
	if (!len)
		return;
	offset = actions_datagram(s->out, octets, len);
	if (group_is_multicast(g)) {
		actions_send(s->out, &g->conf.multicast, offset, len);
		count_tx(g, WCCP_REDIRECT_ASSIGN);
	}
	for (unsigned i = 0; i < g->n_peers; i++)
		if (is_target(g, &g->peers[i], only, minor))
			send_assignment_to(g, &g->peers[i], offset, len, s);
}

void group_send_assignment(struct group *g, const struct peer *only, struct step *s)
{
	for (uint8_t minor = 0; minor <= WCCP_MINOR_MAX; minor++) {
		bool any = false;

		for (unsigned i = 0; i < g->n_peers; i++)
			any = any || is_target(g, &g->peers[i], only, minor);
		if (any)
			send_version(g, only, minor, s);
	}
}
