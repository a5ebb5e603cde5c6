/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench of cache_bench.h.
 */
#include "cache_bench.h"
#include "../datagram.h"

#include <check.h>
#include <string.h>

struct bench B;
struct rtr bench_multicast;

static struct actions out;
static struct wccp_msg scratch, made;
static uint8_t arena[16 << 20]; /* of what was sent */
static size_t arena_used;

/* -- routers -------------------------------------------------------------------------- */

struct rtr rtr_make(uint32_t address)
{
	struct addr a = addr_v4(address);

	return rtr_make_at(&a);
}

struct rtr rtr_make_at(const struct addr *address)
{
	return (struct rtr){
		.address = *address,
		.id = *address,
		.service = { .type = WCCP_SERVICE_STANDARD, .id = WCCP_WEB_CACHE_ID },
		.receive_id = 100,
		.view = { .change_number = 1 },
		.answers = true,
		.accepts = true,
		.obeys = true,
	};
}

static struct wccp_cache_id *rtr_find(struct rtr *r, const struct addr *cache)
{
	for (unsigned i = 0; i < r->view.n_caches; i++)
		if (addr_equal(&r->view.caches[i].addr, cache))
			return &r->view.caches[i];
	return NULL;
}

static void rtr_add_addr(struct rtr *r, const struct addr *cache, uint16_t weight)
{
	struct wccp_cache_id *c = rtr_find(r, cache);

	if (c) {
		c->weight = weight;
		return;
	}
	ck_assert_uint_lt(r->view.n_caches, WCCP_MAX_CACHES);
	r->view.change_number++;
	r->view.caches[r->view.n_caches++] = (struct wccp_cache_id){
		.addr = *cache,
		.kind = WCCP_DATA_HASH,
		.unassigned = true,
		.weight = weight,
	};
}

void rtr_add(struct rtr *r, uint32_t cache, uint16_t weight)
{
	struct addr a = addr_v4(cache);

	rtr_add_addr(r, &a, weight);
}

static void rtr_remove_addr(struct rtr *r, const struct addr *cache)
{
	struct wccp_cache_id *c = rtr_find(r, cache);

	if (!c)
		return;
	r->view.change_number++;
	r->view.n_caches--;
	memmove(c, c + 1,
		(size_t)(&r->view.caches[r->view.n_caches] - c) * sizeof(*c));
}

void rtr_remove(struct rtr *r, uint32_t cache)
{
	struct addr a = addr_v4(cache);

	rtr_remove_addr(r, &a);
}

void rtr_give(struct rtr *r, uint32_t cache, unsigned first, unsigned n)
{
	struct addr a = addr_v4(cache);
	struct wccp_cache_id *c = rtr_find(r, &a);

	ck_assert_ptr_nonnull(c);
	memset(&c->buckets, 0, sizeof(c->buckets));
	for (unsigned b = first; b < first + n; b++)
		wccp_vector_add(&c->buckets, b);
	c->unassigned = n == 0;
}

unsigned rtr_count(const struct rtr *r, uint32_t cache)
{
	struct addr a = addr_v4(cache);
	unsigned n = 0;

	for (unsigned i = 0; i < r->view.n_caches; i++)
		for (unsigned b = 0; b < WCCP_BUCKETS; b++)
			n += addr_equal(&r->view.caches[i].addr, &a) &&
			     !r->view.caches[i].unassigned &&
			     wccp_vector_has(&r->view.caches[i].buckets, b);
	return n;
}

static size_t encode(const struct rtr *r, uint8_t *octets, size_t size)
{
	struct err err;
	int len = codec_encode(&made, &r->password, octets, size, &err);

	ck_assert_msg(len > 0, "%s", err.text);
	return (size_t)len;
}

static void begin(const struct rtr *r, enum wccp_type type)
{
	codec_begin(&made, type);
	made.minor = r->minor;
	made.table_family = r->id.family == ADDR_V6 && r->minor ? 2 : 0;
	made.present |= 1u << WCCP_C_SECURITY | 1u << WCCP_C_SERVICE;
	made.security = r->password.set ? WCCP_SECURITY_MD5 : WCCP_SECURITY_NONE;
	made.service = r->service;
}

size_t rtr_encode(struct rtr *r, uint16_t command, uint8_t *octets, size_t size)
{
	struct addr self = B.conf.self;

	r->receive_id++;
	begin(r, WCCP_I_SEE_YOU);
	made.present |= 1u << WCCP_C_ROUTER_ID | 1u << WCCP_C_ROUTER_VIEW;
	made.router_identity = (struct wccp_router_identity){
		.self = { .id = r->id, .receive_id = r->receive_id },
		.sent_to = r->address,
		.n_from = 1,
		.from = { self },
	};
	made.router_view = r->view;
	rtr_put_table(r, &made);
	made.capabilities = r->capabilities;
	if (r->capabilities.present)
		made.present |= 1u << WCCP_C_CAPABILITIES;
	if (command) {
		made.present |= 1u << WCCP_C_COMMAND;
		made.n_commands = 1;
		made.commands[0] = (struct wccp_command){ .type = command, .cache = self };
	}
	return encode(r, octets, size);
}

void rtr_see(struct rtr *r, uint16_t command)
{
	static uint8_t octets[WCCP_MAX_DATAGRAM];
	size_t len = rtr_encode(r, command, octets, sizeof(octets));

	bench_rx(&r->address, octets, len);
}

void rtr_query(struct rtr *r, const struct addr *target)
{
	uint8_t octets[1500];
	size_t len;

	begin(r, WCCP_REMOVAL_QUERY);
	made.present |= 1u << WCCP_C_ROUTER_QUERY;
	made.query = (struct wccp_router_query){
		.router = { .id = r->id, .receive_id = r->receive_id },
		.sent_to = r->address,
		.target = *target,
	};
	len = encode(r, octets, sizeof(octets));
	bench_rx(&r->address, octets, len);
}

/* -- routers that answer ------------------------------------------------------------------ */

static bool has_right_id(const struct rtr *r, const struct wccp_msg *m)
{
	for (unsigned i = 0; i < m->cache_view.n_routers; i++)
		if (addr_equal(&m->cache_view.routers[i].id, &r->id))
			return m->cache_view.routers[i].receive_id == r->receive_id;
	return false;
}

static bool lists(const struct rtr *r, const struct wccp_msg *m)
{
	for (unsigned i = 0; i < m->cache_view.n_routers; i++)
		if (addr_equal(&m->cache_view.routers[i].id, &r->id))
			return true;
	return false;
}

static bool understands(const struct rtr *r, const struct wccp_msg *m)
{
	return !r->ignores_newer || m->minor <= r->max_minor;
}

/* Returns the command to answer with. */
static uint16_t take_hello(struct rtr *r, const struct wccp_msg *m)
{
	uint16_t command = 0;

	r->minor = m->minor;
	if (m->cache_identity.min_version || r->minor > r->max_minor)
		r->minor = r->max_minor;
	if (has_right_id(r, m) && r->accepts_nobody)
		return 0;
	if (has_right_id(r, m)) {
		rtr_add_addr(r, &m->cache_identity.addr, m->cache_identity.weight);
		if (r->passes_status)
			rtr_find(r, &m->cache_identity.addr)->status =
				m->cache_identity.status;
		if (wccp_has(m, WCCP_C_COMMAND) && r->obeys) {
			rtr_remove_addr(r, &m->cache_identity.addr);
			command = WCCP_CMD_SHUTDOWN_RESPONSE;
		}
	} else if (lists(r, m)) {
		r->stale++;
	}
	return command;
}

static void take_multicast(struct rtr *r, const struct wccp_msg *m)
{
	uint16_t command = take_hello(r, m);

	r->addressed = true;
	if (command)
		r->command = command;
}

static const struct wccp_router_assignment *element(const struct rtr *r,
						    const struct wccp_msg *m)
{
	for (unsigned i = 0; i < m->assignment.n_routers; i++)
		if (addr_equal(&m->assignment.routers[i].id, &r->id))
			return &m->assignment.routers[i];
	return NULL;
}

static void take_assignment(struct rtr *r, const struct wccp_msg *m)
{
	const struct wccp_router_assignment *e = element(r, m);
	const struct wccp_hash_table *t = &m->assignment.hash;

	/* By multicast it also reaches routers that it is not for. */
	ck_assert(e || addr_is_set(&B.conf.multicast));
	if (!e || !r->accepts || e->receive_id != r->receive_id ||
	    e->change_number != r->view.change_number) {
		r->refused++;
		return;
	}
	r->view.key = m->assignment.key;
	rtr_take_table(r, m);
	if (m->assignment.type != WCCP_AT_HASH)
		return;
	for (unsigned i = 0; i < r->view.n_caches; i++) {
		struct wccp_cache_id *c = &r->view.caches[i];

		memset(&c->buckets, 0, sizeof(c->buckets));
		c->unassigned = true;
		for (unsigned b = 0; b < WCCP_BUCKETS; b++)
			if (t->buckets[b] != WCCP_BUCKET_NONE &&
			    addr_equal(&t->caches[t->buckets[b] & WCCP_BUCKET_INDEX],
				       &c->addr)) {
				wccp_vector_add(&c->buckets, b);
				c->unassigned = false;
			}
	}
}

static void deliver(struct rtr *r, const struct sent *x)
{
	struct err err;

	ck_assert_msg(datagram_authenticate(x->octets, x->len, &r->password) ==
			      CODEC_OK,
		      "our own message does not authenticate");
	ck_assert_msg(datagram_decode(x->octets, x->len, &scratch, &err) == CODEC_OK,
		      "%s", err.text);
	if (scratch.type == WCCP_REDIRECT_ASSIGN)
		take_assignment(r, &scratch);
	else if (!r->answers || !understands(r, &scratch))
		return;
	else if (addr_equal(&x->to, &B.conf.multicast))
		take_multicast(r, &scratch);
	else
		rtr_see(r, take_hello(r, &scratch));
}

/* -- steps --------------------------------------------------------------------------------- */

static void record(const struct action *a)
{
	struct noted *n;
	struct sent *x;

	switch (a->kind) {
	case ACTION_SEND:
		ck_assert_uint_lt(B.n_sent, SENT_MAX);
		x = &B.sent[B.n_sent++];
		ck_assert_uint_le(a->len, sizeof(arena) - arena_used);
		x->at = B.now;
		x->to = a->peer;
		x->len = a->len;
		x->octets = memcpy(arena + arena_used, action_octets(&out, a), a->len);
		arena_used += a->len;
		break;
	case ACTION_NOTE:
		ck_assert_uint_lt(B.n_noted, NOTED_MAX);
		n = &B.noted[B.n_noted++];
		*n = (struct noted){ B.now,    a->event,        a->peer,
				     a->level, a->rate_limited, "" };
		strncpy(n->text, action_octets(&out, a), sizeof(n->text) - 1);
		break;
	case ACTION_CHANGED:
		B.n_changed++;
		break;
	}
}

/* Messages reach the routers in the order they were sent, each answered before
 * the next is delivered. */
static void step(const struct cache_event *ev)
{
	unsigned first = B.n_sent, n;

	actions_reset(&out);
	cache_step(B.cache, ev, &scratch, &out);
	ck_assert_uint_eq(out.dropped, 0);
	for (unsigned i = 0; i < out.n; i++)
		record(&out.list[i]);
	n = B.n_sent;
	for (unsigned i = first; i < n; i++)
		for (unsigned k = 0; k < B.n_rtrs; k++)
			if (addr_equal(&B.rtrs[k]->address, &B.sent[i].to) ||
			    addr_equal(&B.conf.multicast, &B.sent[i].to))
				deliver(B.rtrs[k], &B.sent[i]);
}

void bench_rx(const struct addr *from, const void *octets, size_t len)
{
	struct codec_datagram d;
	struct cache_event ev = { .type = CACHE_EV_RX, .now = B.now };

	ev.u.rx.from = *from;
	for (unsigned k = 0; k < B.n_rtrs; k++)
		if (addr_equal(&B.rtrs[k]->address, from))
			ev.u.rx.far = B.rtrs[k]->far;
	codec_open(octets, len, &d);
	ev.u.rx.datagram = &d;
	step(&ev);
}

void bench_health(bool up, uint16_t weight)
{
	struct cache_event ev = { .type = CACHE_EV_HEALTH, .now = B.now };

	ev.u.health.up = up;
	ev.u.health.weight = weight;
	step(&ev);
}

void bench_reachable(void)
{
	struct cache_event ev = { .type = CACHE_EV_REACHABLE, .now = B.now };

	step(&ev);
}

void bench_conf(void)
{
	struct cache_event ev = { .type = CACHE_EV_CONF, .now = B.now };

	ev.u.conf = &B.conf;
	step(&ev);
}

void bench_shutdown(void)
{
	struct cache_event ev = { .type = CACHE_EV_SHUTDOWN, .now = B.now };

	step(&ev);
}

static struct mono next_multicast(void)
{
	struct mono next = MONO_NEVER;

	for (unsigned i = 0; i < B.n_rtrs; i++)
		if (B.rtrs[i]->period_ms)
			next = mono_min(next, B.rtrs[i]->see_at);
	return next;
}

static void send_multicasts(void)
{
	for (unsigned i = 0; i < B.n_rtrs; i++) {
		struct rtr *r = B.rtrs[i];

		if (!r->period_ms || !mono_due(r->see_at, B.now))
			continue;
		r->see_at = mono_add_ms(B.now, r->period_ms);
		if (r->addressed && r->answers)
			rtr_see(r, r->command);
		r->command = 0;
	}
}

void bench_run(int64_t ms)
{
	struct mono end = mono_add_ms(B.now, ms);
	struct mono due = cache_deadline(B.cache);
	struct mono see = next_multicast();

	while (mono_due(mono_min(due, see), end)) {
		struct cache_event ev = { .type = CACHE_EV_TICK };

		if (mono_before(B.now, mono_min(due, see)))
			B.now = mono_min(due, see);
		ev.now = B.now;
		if (mono_due(due, B.now)) {
			step(&ev);
			due = cache_deadline(B.cache);
			/* A deadline that stays due would spin the daemon. */
			ck_assert_msg(mono_before(B.now, due),
				      "a TICK left its deadline due");
		}
		send_multicasts();
		due = cache_deadline(B.cache);
		see = next_multicast();
	}
	B.now = end;
}

void bench_skip(int64_t ms)
{
	B.now = mono_add_ms(B.now, ms);
}

void bench_open(unsigned n_rtrs, struct rtr *const *rtrs)
{
	memset(&B, 0, sizeof(B));
	arena_used = 0;
	B.now = (struct mono){ 1000000000 };
	B.n_rtrs = n_rtrs;
	B.conf = (struct cache_conf){
		.service = { .type = WCCP_SERVICE_STANDARD, .id = WCCP_WEB_CACHE_ID },
		.self = addr_v4(SELF),
		.n_routers = n_rtrs,
		.forward = { 1, { WCCP_METHOD_GRE } },
		.ret = { 1, { WCCP_METHOD_GRE } },
		.assign = { 1, { WCCP_ASSIGN_HASH } },
	};
	for (unsigned i = 0; i < n_rtrs; i++) {
		B.rtrs[i] = rtrs[i];
		B.conf.routers[i] = rtrs[i]->address;
	}
	if (n_rtrs) {
		B.conf.password = rtrs[0]->password;
		B.conf.service = rtrs[0]->service;
	}
	B.cache = cache_new(&B.conf, B.now);
	ck_assert_ptr_nonnull(B.cache);
}

void bench_restart(void)
{
	bench_close();
	bench_multicast.address = B.conf.multicast;
	B.cache = cache_new(&B.conf, B.now);
	ck_assert_ptr_nonnull(B.cache);
}

void bench_close(void)
{
	cache_free(B.cache);
	B.cache = NULL;
}

void bench_clear(void)
{
	B.n_sent = B.n_noted = B.n_changed = 0;
	arena_used = 0;
}

/* -- what happened --------------------------------------------------------------------------- */

static bool is_sent(const struct sent *x, enum wccp_type type, const struct rtr *to)
{
	return x->octets[3] == type && (!to || addr_equal(&x->to, &to->address));
}

unsigned bench_count(enum wccp_type type, const struct rtr *to)
{
	unsigned n = 0;

	for (unsigned i = 0; i < B.n_sent; i++)
		n += is_sent(&B.sent[i], type, to);
	return n;
}

const struct sent *bench_nth(enum wccp_type type, const struct rtr *to, unsigned nth)
{
	for (unsigned i = 0; i < B.n_sent; i++) {
		const struct sent *x = &B.sent[i];
		struct err err;

		if (!is_sent(x, type, to) || nth-- > 0)
			continue;
		ck_assert_msg(datagram_decode(x->octets, x->len, &B.got, &err) ==
				      CODEC_OK,
			      "%s", err.text);
		return x;
	}
	ck_abort_msg("no %s was sent", codec_type_name(type));
	return NULL;
}

const struct sent *bench_last(enum wccp_type type, const struct rtr *to)
{
	unsigned n = bench_count(type, to);

	return bench_nth(type, to, n ? n - 1 : 0);
}

unsigned bench_notes(const char *event, const struct rtr *about)
{
	unsigned n = 0;

	for (unsigned i = 0; i < B.n_noted; i++)
		n += strcmp(B.noted[i].event, event) == 0 &&
		     (!about || addr_equal(&B.noted[i].peer, &about->address));
	return n;
}

const char *bench_note_text(const char *event)
{
	for (unsigned i = B.n_noted; i-- > 0;)
		if (strcmp(B.noted[i].event, event) == 0)
			return B.noted[i].text;
	return "";
}

const struct cache_status *bench_look(void)
{
	cache_get_status(B.cache, &B.status);
	return &B.status;
}

const struct cache_router_status *bench_router(const struct rtr *r)
{
	const struct cache_status *st = bench_look();

	for (unsigned i = 0; i < st->n_routers; i++)
		if (addr_equal(&st->routers[i].address, &r->address))
			return &st->routers[i];
	ck_abort_msg("router not there");
	return NULL;
}

enum peer_state bench_state(const struct rtr *r)
{
	return bench_router(r)->state;
}
