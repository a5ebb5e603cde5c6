/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pair_world.h"

#include <string.h>

struct pair_world W;

static struct wccp_msg scratch;
static struct actions actions;

static struct addr cache_addr(unsigned i)
{
	return addr_v4(0x0a00000a + i);
}

static struct addr router_addr(unsigned j)
{
	return addr_v4(0x0a000101 + j);
}

/* Of several fields: the mirror numbers the values in another order. */
static const struct wccp_mask mask = {
	.src = { ADDR_V4, { 0, 0, 0, 7 } },
	.dst = { ADDR_V4, { 0, 0, 1, 1 } },
	.dport = 0x2,
};

uint32_t pair_any(uint32_t below)
{
	W.random = W.random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(W.random >> 33) % below;
}

/* -- tables ---------------------------------------------------------------------------- */

const struct router_status *pair_look(unsigned j, unsigned k)
{
	static struct router_status status[SERVICES];

	router_get_status(W.routers[j][k], &status[k]);
	return &status[k];
}

/* 0: nobody. */
uint32_t pair_bucket_owner(const struct router_status *s, unsigned bucket)
{
	uint8_t at = s->table.buckets[bucket];

	if (!s->assigned || at == WCCP_BUCKET_NONE)
		return 0;
	return addr_to_v4(&s->table.caches[at & WCCP_BUCKET_INDEX]);
}

uint32_t pair_value_owner(const struct router_masks *m, const struct wccp_mask *value)
{
	for (unsigned i = 0; i < m->n_sets; i++)
		for (unsigned v = m->sets[i].first; v < m->sets[i].first + m->sets[i].n;
		     v++)
			if (mask_equal(&m->values[v].match, value))
				return addr_to_v4(&m->caches[m->values[v].cache]);
	return 0;
}

/* Whose packets are in the service, and in the mirror those of the other direction. */
struct owners {
	unsigned n;
	uint32_t first[WCCP_BUCKETS], mirror[WCCP_BUCKETS];
};

static void owners_by_mask(const struct router_status *a, const struct router_status *b,
			   struct owners *o)
{
	for (unsigned v = 0; v < 64; v++) {
		struct wccp_mask value = mask_value(&mask, v),
				 back = mask_mirror(&value);

		o->first[v] = a->assigned ? pair_value_owner(&a->masks, &value) : 0;
		o->mirror[v] = b->assigned ? pair_value_owner(&b->masks, &back) : 0;
	}
	o->n = 64;
}

static const struct owners *owners_at(unsigned j)
{
	const struct router_status *a = pair_look(j, 0), *b = pair_look(j, 1);
	static struct owners o;

	if (W.mask) {
		owners_by_mask(a, b, &o);
		return &o;
	}
	o.n = WCCP_BUCKETS;
	for (unsigned i = 0; i < WCCP_BUCKETS; i++) {
		o.first[i] = pair_bucket_owner(a, i);
		o.mirror[i] = pair_bucket_owner(b, i);
	}
	return &o;
}

bool pair_alike(unsigned j)
{
	const struct owners *o = owners_at(j);

	return memcmp(o->first, o->mirror, o->n * sizeof(o->first[0])) == 0;
}

/* A router takes the slots of those that it removes out of its table at once, maybe
 * only in one of them; other than that none has two owners. */
bool pair_conflict(unsigned j)
{
	const struct owners *o = owners_at(j);

	for (unsigned i = 0; i < o->n; i++)
		if (o->first[i] && o->mirror[i] && o->first[i] != o->mirror[i])
			return true;
	return false;
}

unsigned pair_owned(unsigned j, unsigned k, unsigned cache)
{
	const struct router_status *s = pair_look(j, k);
	struct addr addr = cache_addr(cache);

	for (unsigned i = 0; i < s->n_caches; i++)
		if (addr_equal(&s->caches[i].addr, &addr))
			return s->by_mask ? s->caches[i].values : s->caches[i].buckets;
	return 0;
}

/* One key is one table, everywhere. */
static void check_keys(unsigned j)
{
	const struct router_status *a = pair_look(j, 0), *b = pair_look(j, 1);

	if (W.paired && !W.bent && a->assigned && b->assigned &&
	    addr_equal(&a->key.cache, &b->key.cache) &&
	    a->key.change_number == b->key.change_number)
		ck_assert_msg(!pair_conflict(j),
			      "two tables under one key at router %u", j);
}

/* How long, since the last look, a router has had two tables. */
static void watch(void)
{
	bool unlike = false;
	int64_t past = mono_ms_between(W.looked, W.now);

	if (W.was_unlike)
		W.unlike_ms += past;
	for (unsigned j = 0; j < ROUTERS; j++) {
		if (!W.routers[j][0] || !W.routers[j][1])
			continue;
		check_keys(j);
		unlike = unlike || pair_conflict(j);
	}
	W.was_unlike = unlike;
	W.looked = W.now;
}

/* -- steps ------------------------------------------------------------------------------ */

/* As nothing is authenticated, whatever decodes is believed. */
static void bend(struct packet *p)
{
	for (unsigned n = pair_any(4) + 1; n > 0; n--)
		p->octets[pair_any((uint32_t)p->len)] ^= (uint8_t)(1u << pair_any(8));
	if (pair_any(4) == 0)
		p->len = pair_any((uint32_t)p->len);
}

static void queue(unsigned from, unsigned service, const struct action *x)
{
	struct packet *p = &W.queue[W.n_queued];

	ck_assert_uint_lt(W.n_queued, QUEUE);
	ck_assert_uint_le(x->len, sizeof(p->octets));
	*p = (struct packet){ .from = from, .service = service, .len = x->len };
	for (p->to = 0; p->to < CACHES + ROUTERS; p->to++) {
		struct addr a = p->to < CACHES ? cache_addr(p->to)
					       : router_addr(p->to - CACHES);

		if (addr_equal(&a, &x->peer))
			break;
	}
	ck_assert_uint_lt(p->to, CACHES + ROUTERS);
	memcpy(p->octets, action_octets(&actions, x), x->len);
	if (p->octets[3] == WCCP_REDIRECT_ASSIGN)
		W.assignments[service]++;
	if ((W.lost && W.lost(p)) || pair_any(100) < W.loss_percent)
		return;
	if (pair_any(100) < W.bend_percent)
		bend(p);
	W.n_queued++;
}

static void take_note(const struct action *x)
{
	W.unlikes += strcmp(x->event, "pair-unlike") == 0;
	W.halves += strcmp(x->event, "pair-half-member") == 0;
	if (strcmp(x->event, "pair-split") != 0)
		return;
	W.splits++;
	strncpy(W.split, action_octets(&actions, x), sizeof(W.split) - 1);
}

static void carry_out(unsigned from, unsigned service)
{
	ck_assert_uint_eq(actions.dropped, 0);
	for (unsigned i = 0; i < actions.n; i++) {
		const struct action *x = &actions.list[i];

		if (x->kind == ACTION_SEND)
			queue(from, service, x);
		else if (x->kind == ACTION_NOTE)
			take_note(x);
	}
}

static void step_group(unsigned i, unsigned k, struct cache_event *ev)
{
	if (!W.groups[i][k])
		return;
	ev->now = W.now;
	actions_reset(&actions);
	cache_step(W.groups[i][k], ev, &scratch, &actions);
	carry_out(i, k);
}

static void step_router(unsigned j, unsigned k, struct router_event *ev)
{
	if (!W.routers[j][k])
		return;
	ev->now = W.now;
	actions_reset(&actions);
	router_step(W.routers[j][k], ev, &scratch, &actions);
	carry_out(CACHES + j, k);
}

static void deliver(const struct packet *p)
{
	struct codec_datagram datagram;

	codec_open(p->octets, p->len, &datagram);
	if (p->to < CACHES) {
		struct cache_event ev = { .type = CACHE_EV_RX };

		ev.u.rx.from = router_addr(p->from - CACHES);
		ev.u.rx.datagram = &datagram;
		step_group(p->to, p->service, &ev);
	} else {
		struct router_event ev = { .type = ROUTER_EV_RX };

		ev.rx.from = cache_addr(p->from);
		ev.rx.to = router_addr(p->to - CACHES);
		ev.rx.datagram = &datagram;
		step_router(p->to - CACHES, p->service, &ev);
	}
}

static void deliver_all(void)
{
	static struct packet p;

	while (W.n_queued > 0) {
		p = W.queue[0];
		memmove(&W.queue[0], &W.queue[1], --W.n_queued * sizeof(p));
		deliver(&p);
	}
}

static struct mono deadline_of(unsigned node, unsigned k)
{
	if (node < CACHES)
		return W.groups[node][k] ? cache_deadline(W.groups[node][k])
					 : MONO_NEVER;
	node -= CACHES;
	return W.routers[node][k] ? router_deadline(W.routers[node][k]) : MONO_NEVER;
}

static void tick(unsigned node, unsigned k)
{
	struct cache_event gev = { .type = CACHE_EV_TICK };
	struct router_event rev = { .type = ROUTER_EV_TICK };

	if (node < CACHES)
		step_group(node, k, &gev);
	else
		step_router(node - CACHES, k, &rev);
	ck_assert_msg(!mono_due(deadline_of(node, k), W.now),
		      "a TICK left its deadline due");
}

/* All that is due now, the mirror's first if `k` says so. */
bool pair_tick_due(void)
{
	unsigned first = pair_any(2);
	bool any_due = false;

	for (unsigned n = 0; n < CACHES + ROUTERS; n++)
		for (unsigned k = 0; k < SERVICES; k++)
			if (mono_due(deadline_of(n, k ^ first), W.now)) {
				tick(n, k ^ first);
				any_due = true;
			}
	deliver_all();
	return any_due;
}

struct mono pair_next_deadline(void)
{
	struct mono d = MONO_NEVER;

	for (unsigned n = 0; n < CACHES + ROUTERS; n++)
		for (unsigned k = 0; k < SERVICES; k++)
			d = mono_min(d, deadline_of(n, k));
	return d;
}

void pair_run(int64_t ms)
{
	struct mono end = mono_add_ms(W.now, ms);

	for (;;) {
		struct mono next;

		while (pair_tick_due())
			;
		watch();
		next = pair_next_deadline();
		if (mono_before(end, next))
			break;
		W.now = next;
	}
	W.now = end;
	watch();
}

/* -- who is there ------------------------------------------------------------------------- */

static struct wccp_service service(unsigned k)
{
	return (struct wccp_service){
		.type = WCCP_SERVICE_DYNAMIC,
		.id = k ? 90 : 80,
		.priority = 240,
		.protocol = 6,
		.flags = WCCP_F_PORTS_DEFINED |
			 (k ? WCCP_F_DST_IP_HASH | WCCP_F_PORTS_SOURCE
			    : (uint32_t)WCCP_F_SRC_IP_HASH),
		.ports = { 80 },
	};
}

void pair_start_cache(unsigned i)
{
	for (unsigned k = 0; k < SERVICES; k++) {
		struct cache_conf conf = {
			.service = service(k),
			.self = cache_addr(i),
			.n_routers = ROUTERS,
			.routers = { router_addr(0), router_addr(1) },
			.forward = { 1, { WCCP_METHOD_GRE } },
			.ret = { 1, { WCCP_METHOD_GRE } },
			.assign = { 1,
				    { W.mask ? WCCP_ASSIGN_MASK : WCCP_ASSIGN_HASH } },
		};

		if (W.mask && k == 0)
			conf.mask = mask;
		else if (W.mask && !W.paired) /* else it follows */
			conf.mask = mask_mirror(&mask);
		W.groups[i][k] = cache_new(&conf, W.now);
	}
	if (W.paired)
		cache_pair(W.groups[i][0], W.groups[i][1]);
}

void pair_health(unsigned i, unsigned k, bool up, uint16_t weight)
{
	struct cache_event ev = { .type = CACHE_EV_HEALTH };

	ev.u.health.up = up;
	ev.u.health.weight = weight;
	step_group(i, k, &ev);
	deliver_all();
}

void pair_up(unsigned i)
{
	if (!W.groups[i][0])
		pair_start_cache(i);
	pair_health(i, 0, true, 100);
	pair_health(i, 1, true, 100);
}

void pair_down(unsigned i)
{
	pair_health(i, 0, false, 0);
	pair_health(i, 1, false, 0);
}

void pair_crash(unsigned i)
{
	for (unsigned k = 0; k < SERVICES; k++) {
		cache_free(W.groups[i][k]);
		W.groups[i][k] = NULL;
	}
}

void pair_start_router(unsigned j, unsigned k)
{
	struct router_conf conf = {
		.service_type = WCCP_SERVICE_DYNAMIC,
		.service_id = k ? 90 : 80,
		.id = router_addr(j),
		.forward = WCCP_METHOD_GRE,
		.ret = WCCP_METHOD_GRE,
		.assign = WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK,
	};

	W.routers[j][k] = router_new(&conf, W.now);
}

void pair_stop_router(unsigned j, unsigned k)
{
	router_free(W.routers[j][k]);
	W.routers[j][k] = NULL;
}

void pair_begin(bool paired, bool by_mask)
{
	memset(&W, 0, sizeof(W));
	W.now = W.looked = (struct mono){ 1000000000 };
	W.paired = paired;
	W.mask = by_mask;
	for (unsigned j = 0; j < ROUTERS; j++)
		for (unsigned k = 0; k < SERVICES; k++)
			pair_start_router(j, k);
}

void pair_end(void)
{
	for (unsigned i = 0; i < CACHES; i++)
		pair_crash(i);
	for (unsigned j = 0; j < ROUTERS; j++)
		for (unsigned k = 0; k < SERVICES; k++)
			if (W.routers[j][k])
				pair_stop_router(j, k);
}

/* Every router has a table, both are alike, and these web-caches share it. */
void pair_expect(bool a, bool b, bool c)
{
	const bool wanted[CACHES] = { a, b, c };
	unsigned share = (W.mask ? 64 : WCCP_BUCKETS) / ((unsigned)a + b + c);

	for (unsigned j = 0; j < ROUTERS; j++) {
		ck_assert(pair_look(j, 0)->assigned && pair_look(j, 1)->assigned);
		ck_assert(pair_alike(j));
		for (unsigned i = 0; i < CACHES; i++) {
			unsigned least = wanted[i] ? share : 0;

			ck_assert_uint_ge(pair_owned(j, 0, i), least);
			ck_assert_uint_le(pair_owned(j, 0, i), least + wanted[i]);
		}
	}
}
