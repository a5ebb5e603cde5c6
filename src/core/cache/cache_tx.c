/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two messages of a web-cache: HERE_I_AM and REDIRECT_ASSIGN.  A HERE_I_AM is built
 * for each router; an assignment is built once for all routers that speak the same
 * version and assign by the same method.
 */
#include "core/cache/cache_impl.h"

#include <string.h>

/* Both messages at the capacities of wccp.h, with room to spare.  Most of it is for a
 * mask/value set with all possible values. */
enum { DATAGRAM_MAX = MASK_SLOTS_MAX * 16 + 4096 };
/* No fragments up to here, by the links that packets of clients go by, tunnels included.
 * Many filters drop fragments. */
enum { DATAGRAM_WHOLE = 1400 };

static void tx_begin(const struct cache *c, enum wccp_type type, struct wccp_msg *m)
{
	const struct wccp_service *service = &c->conf.service;

	codec_begin(m, type);
	m->table_family = cache_table_family(c);
	m->present |= 1u << WCCP_C_SECURITY | 1u << WCCP_C_SERVICE;
	m->security = c->conf.password.set ? WCCP_SECURITY_MD5 : WCCP_SECURITY_NONE;
	m->service = *service;
	/* A well-known service states nothing but its id (2.0 section 5.6.2). */
	if (service->type == WCCP_SERVICE_STANDARD)
		m->service = (struct wccp_service){ .type = WCCP_SERVICE_STANDARD,
						    .id = service->id };
}

/* Encode s->msg; returns its length in octets, 0 if that fails. */
static size_t tx_encode(struct cache *c, uint8_t *octets, size_t size, struct step *s)
{
	struct err err;
	int len = codec_encode(s->msg, &c->conf.password, octets, size, &err);

	if (len < 0) {
		/* Too large for a datagram, say: it is never sent truncated. */
		actions_complain(s->out, "encode", NULL, "cannot send %s: %s",
				 codec_type_name(s->msg->type), err.text);
		return 0;
	}
	return (size_t)len;
}

static void tx_count(struct cache *c, enum wccp_type type)
{
	c->counters.tx[type - WCCP_HERE_I_AM]++;
}

/* -- HERE_I_AM --------------------------------------------------------------------- */

/* Our slots as this router states them.  False if it states none. */
static bool tx_current_slots(const struct cache *c, const struct peer *p,
			     struct slot_set *out)
{
	int self = peer_find_entry(p, &c->conf.self);
	bool any = false;

	for (unsigned i = 0; peer_is_live(p) && self >= 0 && i < p->table.n_slots; i++)
		if (p->table.owners[i] == self) {
			slot_set_add(out, i);
			any = true;
		}
	return any;
}

/* The method agreed with it, or the one we prefer while none is agreed. */
static uint32_t tx_method(const struct cache *c, const struct peer *p)
{
	if (p->agreed.assign)
		return p->agreed.assign;
	return c->conf.assign.n ? c->conf.assign.methods[0] : WCCP_ASSIGN_HASH;
}

static void tx_put_identity(const struct cache *c, const struct peer *p,
			    struct wccp_msg *m)
{
	uint32_t method = tx_method(c, p);
	struct wccp_cache_id *id = &m->cache_identity;
	struct slot_set slots = { 0 };

	*id = (struct wccp_cache_id){ .addr = c->conf.self,
				      .weight = c->weight,
				      .status = cache_is_multicast(c) && c->conf.password.set
							? c->token
							: p->fresh.given };
	if (!tx_current_slots(c, p, &slots)) {
		id->unassigned = true;
		slots = c->history[method_index(method)];
	}
	if (method == WCCP_ASSIGN_MASK) {
		/* Sequence numbers are shorter, and plain values are addresses, for
		 * which an address table has too few entries.  Only send them to a
		 * router that is known to understand 2.01, or has to (2.01 sections 3.4
		 * and 6.8). */
		id->extended = cache_table_family(c) != 0 ||
			       (p->version.known && m->minor >= 1);
		id->kind = id->extended ? WCCP_DATA_ALT_MASK : WCCP_DATA_MASK;
		tx_mask_put_slots(m, &c->mask, &slots, &c->conf.self, id->extended,
				  &id->sets);
	} else {
		id->kind = WCCP_DATA_HASH;
		memcpy(&id->buckets, &slots, sizeof(id->buckets));
	}
}

static void tx_list_router(struct wccp_cache_view *v, const struct peer *p, uint32_t id)
{
	if (v->n_routers < WCCP_MAX_ROUTERS)
		v->routers[v->n_routers++] =
			(struct wccp_router_id){ .id = p->said.id, .receive_id = id };
}

/* The id of `p` in a HERE_I_AM for `to` (NULL: for all).  In one for another router it
 * means nothing; the id to return would allow whoever records that message to return it
 * in our place. */
static uint32_t tx_id_for(const struct peer *p, const struct peer *to)
{
	if (to && to != p && p->fresh.given && p->fresh.spent)
		return p->fresh.spent;
	return peer_returned_id(p);
}

/* Do HERE_I_AMs to it list it?  By unicast, others are told only of routers that have
 * proven to be there. */
static bool tx_names(const struct cache *c, const struct peer *p)
{
	if (p->listed)
		return true;
	return p->fresh.claimed && !cache_is_multicast(c) && peer_is_announced(p) &&
	       p->state != PEER_MISMATCH;
}

/* `to` is NULL by multicast.  `first`: it is listed although it is not in our view. */
static void tx_put_view(const struct cache *c, const struct peer *to, bool first,
			struct wccp_cache_view *v)
{
	*v = c->view;
	v->n_routers = 0;
	if (first)
		tx_list_router(v, to, peer_returned_id(to));
	for (unsigned i = 0; i < c->n_peers; i++)
		if (c->peers[i].listed)
			tx_list_router(v, &c->peers[i], tx_id_for(&c->peers[i], to));
}

static void tx_put_choice(const struct peer *p, struct wccp_msg *m)
{
	m->capabilities = peer_choice(p);
	if (m->capabilities.present)
		m->present |= 1u << WCCP_C_CAPABILITIES;
}

static void tx_build_here_i_am(const struct cache *c, const struct peer *p,
			       struct wccp_msg *m)
{
	tx_begin(c, WCCP_HERE_I_AM, m);
	m->present |= 1u << WCCP_C_CACHE_ID | 1u << WCCP_C_CACHE_VIEW;
	m->minor = peer_hello_minor(c, p);
	tx_put_identity(c, p, m);
	m->cache_identity.min_version = peer_hello_asks_version(c, p);
	tx_put_view(c, cache_is_multicast(c) ? NULL : p, tx_names(c, p) && !p->listed,
		    &m->cache_view);
	if (tx_names(c, p))
		tx_put_choice(p, m);
}

/* A router that we are leaving is listed only in its own message. */
static void tx_build_shutdown(const struct cache *c, const struct peer *p,
			      struct wccp_msg *m)
{
	tx_build_here_i_am(c, p, m);
	tx_put_view(c, p, true, &m->cache_view);
	tx_put_choice(p, m);
	m->present |= 1u << WCCP_C_COMMAND;
	m->n_commands = 1;
	m->commands[0] = (struct wccp_command){ .type = WCCP_CMD_SHUTDOWN,
						.cache = c->conf.self };
}

/*
 * Routers know our values, as they assigned them; stating them is only of use to who
 * assigns next, if they should have forgotten.  It is not worth fragments every T: then
 * the identity has its mask and no values, and the U bit, as Squid's always has.
 */
static size_t tx_encode_here_i_am(struct cache *c, uint8_t *octets, size_t size,
				  struct step *s)
{
	struct wccp_cache_id *id = &s->msg->cache_identity;
	size_t len = tx_encode(c, octets, size, s);

	if (len <= DATAGRAM_WHOLE || id->kind == WCCP_DATA_HASH)
		return len;
	tx_mask_drop_values(s->msg, &id->sets);
	id->unassigned = true;
	return tx_encode(c, octets, size, s);
}

static void tx_send_here_i_am(struct cache *c, const struct addr *to, struct step *s)
{
	uint8_t octets[DATAGRAM_MAX];
	size_t len = tx_encode_here_i_am(c, octets, sizeof(octets), s);

	if (!len)
		return;
	actions_send(s->out, to, actions_datagram(s->out, octets, len), len);
	tx_count(c, WCCP_HERE_I_AM);
}

void peer_hello(struct cache *c, struct peer *p, struct step *s)
{
	uint32_t wait = p->agreed.t_ms;

	tx_build_here_i_am(c, p, s->msg);
	tx_send_here_i_am(c, &p->address, s);
	freshness_sent(&p->fresh, peer_returned_id(p));
	if (cache_is_multicast(c))
		return; /* an answer to a query, which does not count for the timers */
	p->hello.outstanding++;
	p->hello.now = false;
	p->hello.sent_at = s->now;
	/* A member that gets no answer may repeat its HERE_I_AM early. */
	if (peer_is_live(p) && p->hello.outstanding < EARLY_MAX)
		wait /= 2;
	p->timers.hello_at = mono_add_ms(s->now, wait);
}

void peer_shutdown(struct cache *c, struct peer *p, struct step *s)
{
	uint32_t pace = p->agreed.t_ms / 10;

	tx_build_shutdown(c, p, s->msg);
	tx_send_here_i_am(c, &p->address, s);
	p->hello.shutdown_id = peer_returned_id(p);
	p->hello.outstanding++;
	p->hello.sent_at = s->now;
	if (pace < SHUTDOWN_PACE_LEAST_MS)
		pace = SHUTDOWN_PACE_LEAST_MS;
	p->timers.hello_at = mono_add_ms(s->now, pace);
}

/* -- the same by multicast --------------------------------------------------------- */

/* The router whose values go into the one message for all: where they matter, they are
 * the same for all routers. */
static const struct peer *tx_spokesman(const struct cache *c)
{
	static const struct peer nobody;
	const struct peer *best = NULL;

	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];

		if (p->state == PEER_ASSIGNED)
			return p;
		if ((p->listed || p->state == PEER_DRAINING) && !p->removed &&
		    (!best || (peer_is_live(p) && !peer_is_live(best))))
			best = p;
	}
	return best ? best : &nobody;
}

static void tx_list_draining(const struct cache *c, struct wccp_cache_view *v)
{
	for (unsigned i = 0; i < c->n_peers; i++)
		if (c->peers[i].state == PEER_DRAINING && !c->peers[i].removed)
			tx_list_router(v, &c->peers[i], peer_returned_id(&c->peers[i]));
}

void cache_send_multicast(struct cache *c, bool shutdown, struct step *s)
{
	const struct peer *p = tx_spokesman(c);

	if (shutdown) {
		tx_build_shutdown(c, p, s->msg);
		s->msg->cache_view.n_routers = 0;
		tx_list_draining(c, &s->msg->cache_view);
	} else {
		tx_build_here_i_am(c, p, s->msg);
	}
	tx_send_here_i_am(c, &c->conf.multicast, s);
}

/* -- REDIRECT_ASSIGN --------------------------------------------------------------- */

static void tx_put_buckets(const struct cache_table *t, struct wccp_hash_table *out)
{
	out->n_caches = t->n_caches;
	memcpy(out->caches, t->caches, sizeof(out->caches));
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		out->buckets[b] = t->owners[b]; /* no owner is 0xff in both */
		if (t->owners[b] < t->n_caches && wccp_vector_has(&t->alt, b))
			out->buckets[b] |= WCCP_BUCKET_ALT;
	}
}

/* Only routers that speak 2.01 understand sequence numbers of values. */
static void tx_put_table(const struct cache *c, uint32_t method, struct wccp_msg *m)
{
	const struct cache_table *t = &c->tables[method_index(method)];
	struct wccp_assignment *a = &m->assignment;

	if (method == WCCP_ASSIGN_MASK) {
		m->present |= 1u << WCCP_C_ALT_ASSIGNMENT;
		a->type = m->minor >= 1 ? WCCP_AT_ALT_MASK : WCCP_AT_MASK;
		tx_mask_put_table(m, t, a->type == WCCP_AT_ALT_MASK, &a->sets);
	} else {
		m->present |= 1u << WCCP_C_ASSIGNMENT;
		a->type = WCCP_AT_HASH;
		tx_put_buckets(t, &a->hash);
	}
}

static void tx_build_assignment(const struct cache *c, uint8_t minor, uint32_t method,
				struct wccp_msg *m)
{
	struct wccp_assignment *a = &m->assignment;

	tx_begin(c, WCCP_REDIRECT_ASSIGN, m);
	m->minor = minor;
	tx_put_table(c, method, m);
	a->key = *cache_key(c);
	a->n_routers = 0;
	for (unsigned i = 0; i < c->n_peers; i++) {
		const struct peer *p = &c->peers[i];

		if (peer_is_live(p) && a->n_routers < WCCP_MAX_ROUTERS)
			a->routers[a->n_routers++] = (struct wccp_router_assignment){
				.id = p->said.id,
				.receive_id = p->said.receive_id,
				.change_number = p->said.change_number,
			};
	}
}

static void tx_send_assignment_to(struct cache *c, struct peer *p, long offset,
				  size_t len, struct step *s)
{
	uint32_t pause = p->agreed.t_ms / 10;

	if (!cache_is_multicast(c)) {
		actions_send(s->out, &p->address, offset, len);
		tx_count(c, WCCP_REDIRECT_ASSIGN);
		p->timers.hello_at = mono_add_ms(
			s->now, pause < ECHO_PAUSE_MS ? pause : ECHO_PAUSE_MS);
	}
	p->assigned.sent = true;
	p->assigned.change_number = p->said.change_number;
	p->assigned.unacknowledged = true;
	p->assigned.sent_at = s->now;
	p->assigned.repeat_at = mono_add_ms(s->now, p->agreed.t_ms);
}

/* Routers of the same version and method get the same assignment. */
struct tx_form {
	uint8_t minor;
	uint32_t method;
};

/* A repetition by multicast is for every router that has not echoed it yet. */
static bool tx_is_target(const struct cache *c, const struct peer *p,
			 const struct peer *only, const struct tx_form *form)
{
	if (!peer_is_live(p) || p->version.spoken != form->minor ||
	    p->agreed.assign != form->method)
		return false;
	return !only || p == only ||
	       (cache_is_multicast(c) && p->assigned.unacknowledged);
}

/* Once for each size: a table of so many values has to be sent as a whole. */
static void tx_note_large(struct cache *c, const struct tx_form *form, size_t len,
			  struct step *s)
{
	if (len <= DATAGRAM_WHOLE || len <= c->noted_large)
		return;
	c->noted_large = len;
	actions_note(s->out, NOTE_WARNING, "large-message", NULL,
		     "%s has %zu octets for the %u values of the mask: where fragments "
		     "are filtered it never arrives, nor do I_SEE_YOUs of that size.  "
		     "Fewer mask bits%s, or hash assignment, make it small",
		     codec_type_name(WCCP_REDIRECT_ASSIGN), len,
		     cache_slots(c, form->method),
		     form->minor ? "" : ", WCCP 2.01 where routers speak it");
}

/* It cannot be encoded now, for a version that is negotiated anew, say. */
static void tx_put_off(struct cache *c, const struct peer *only,
		       const struct tx_form *form, const struct step *s)
{
	for (unsigned i = 0; i < c->n_peers; i++) {
		struct peer *p = &c->peers[i];

		if (tx_is_target(c, p, only, form))
			p->assigned.repeat_at = mono_add_ms(s->now, p->agreed.t_ms);
	}
}

/* Send one message to all routers that get it in this form. */
static void tx_send_form(struct cache *c, const struct peer *only,
			 const struct tx_form *form, struct step *s)
{
	uint8_t octets[DATAGRAM_MAX];
	size_t len;
	long offset;

	tx_build_assignment(c, form->minor, form->method, s->msg);
	len = tx_encode(c, octets, sizeof(octets), s);
	if (!len) {
		tx_put_off(c, only, form, s);
		return;
	}
	tx_note_large(c, form, len, s);
	offset = actions_datagram(s->out, octets, len);
	if (cache_is_multicast(c)) {
		actions_send(s->out, &c->conf.multicast, offset, len);
		tx_count(c, WCCP_REDIRECT_ASSIGN);
	}
	for (unsigned i = 0; i < c->n_peers; i++)
		if (tx_is_target(c, &c->peers[i], only, form))
			tx_send_assignment_to(c, &c->peers[i], offset, len, s);
}

void cache_send_assignment(struct cache *c, const struct peer *only, struct step *s)
{
	static const struct tx_form forms[] = {
		{ 0, WCCP_ASSIGN_HASH },
		{ 0, WCCP_ASSIGN_MASK },
		{ 1, WCCP_ASSIGN_HASH },
		{ 1, WCCP_ASSIGN_MASK },
	};

	for (unsigned f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		bool any = false;

		for (unsigned i = 0; i < c->n_peers; i++)
			any = any || tx_is_target(c, &c->peers[i], only, &forms[f]);
		if (any)
			tx_send_form(c, only, &forms[f], s);
	}
}
