/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One step of a node of the simulation, and carrying out its actions.
 */
#include "sim.h"

#include <stdio.h>
#include <string.h>

/* As the glue has them: one for all machines of a process. */
static struct wccp_msg scratch;
static struct actions actions;

/* -- words ------------------------------------------------------------------------ */

struct node_name {
	char s[20];
};

static const char *node_name(const struct sim *sim, unsigned node, unsigned service,
			     struct node_name *name)
{
	const char *which = sim->plan.n_services == 1 ? "" : service ? "/90" : "/80";

	if (sim_is_cache(node))
		snprintf(name->s, sizeof(name->s), "cache%u%s", node % SIM_CACHES + 1,
			 which);
	else
		snprintf(name->s, sizeof(name->s), "rtr%u%s",
			 (node - SIM_CACHES) % SIM_ROUTERS + 1, which);
	return name->s;
}

/* -- sending ----------------------------------------------------------------------- */

static void hash_in(struct sim *sim, const uint8_t *octets, size_t len)
{
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), octets += sizeof(word)) {
		memcpy(&word, octets, sizeof(word));
		sim->hash = (sim->hash ^ word) * 0x100000001b3u;
		sim->hash ^= sim->hash >> 32;
	}
	while (len--)
		sim->hash = (sim->hash ^ *octets++) * 0x100000001b3u;
}

static void send_to_group(struct sim *sim, unsigned from, unsigned service,
			  struct sim_octets *octets)
{
	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		if (i != from)
			net_send(sim, from, i, service, true, octets);
	for (unsigned j = 0; j < sim->plan.n_routers; j++)
		if (SIM_CACHES + j != from)
			net_send(sim, from, SIM_CACHES + j, service, true, octets);
}

static void send_to_one(struct sim *sim, unsigned from, unsigned service,
			const struct addr *peer, struct sim_octets *octets)
{
	int to = sim_is_cache(from) ? world_router_at(sim, peer)
				    : world_cache_at(sim, peer);

	if (to < 0 && sim->attacked)
		return; /* an answer to what was replayed */
	if (to < 0)
		sim_fail(sim, "datagram for %s", ADDR_TEXT(peer));
	else if (sim_is_cache(from))
		net_send(sim, from, SIM_CACHES + (unsigned)to, service, false, octets);
	else
		net_send(sim, from, (unsigned)to, service, false, octets);
}

/* A stranger is one that takes part and assigns nothing: then no bucket of any
 * router may ever be its. */
static bool is_held_back(const struct sim *sim, unsigned from, uint32_t type)
{
	return sim_is_cache(from) && sim->caches[from].stranger &&
	       type == WCCP_REDIRECT_ASSIGN;
}

static void transmit(struct sim *sim, unsigned from, unsigned service,
		     const struct action *x, bool fresh)
{
	const uint8_t *octets = action_octets(&actions, x);
	struct codec_datagram d;
	struct sim_octets *copy;

	if (codec_open(octets, x->len, &d) != CODEC_OK || x->len > WCCP_MAX_DATAGRAM) {
		sim_fail(sim, "datagram of %zu octets, type %u", x->len,
			 (unsigned)d.type);
		return;
	}
	if (is_held_back(sim, from, d.type))
		return;
	if (sim_is_cache(from) && fresh && d.type == WCCP_REDIRECT_ASSIGN)
		moves_judge(sim, from, service, octets, x->len);
	hash_in(sim, octets, x->len);
	copy = net_octets(octets, x->len);
	if (sim->plan.multicast &&
	    addr_equal(&x->peer, &sim->routers[0].plan[service].multicast))
		send_to_group(sim, from, service, copy);
	else
		send_to_one(sim, from, service, &x->peer, copy);
	net_release(copy);
}

/* -- actions ------------------------------------------------------------------------- */

static void carry_out(struct sim *sim, unsigned node, unsigned service)
{
	struct node_name name;
	size_t last = SIZE_MAX;

	node_name(sim, node, service, &name);
	sim->steps++;
	if (actions.dropped)
		sim_fail(sim, "%s: %u actions found no room", name.s, actions.dropped);
	for (unsigned i = 0; i < actions.n; i++) {
		const struct action *x = &actions.list[i];
		const char *text = action_octets(&actions, x);

		if (x->kind == ACTION_SEND) {
			transmit(sim, node, service, x, x->offset != last);
			last = x->offset;
		} else if (x->kind == ACTION_NOTE) {
			sim_trace(sim, "%-6s %s: %s", name.s, x->event, text);
			if (x->level == NOTE_ERROR)
				sim_fail(sim, "%s: %s: %s", name.s, x->event, text);
		}
	}
}

/* Whatever changes in a step is told by something else than datagrams and complaints;
 * and time alone can make a state wrong. */
static bool is_to_be_judged(const struct sim *sim, struct mono *judged)
{
	bool due = mono_due(mono_add_ms(*judged, sim->plan.t_ms / 2), sim->now);

	for (unsigned i = 0; i < actions.n && !due; i++)
		due = actions.list[i].kind != ACTION_SEND &&
		      !actions.list[i].rate_limited;
	if (due)
		*judged = sim->now;
	return due;
}

/* -- steps ----------------------------------------------------------------------------- */

/* A step of one group of a pair may concern the other. */
static void ask_deadlines(struct sim *sim, unsigned i)
{
	for (unsigned k = 0; k < sim->plan.n_services; k++)
		sim->deadlines[i][k] = cache_deadline(sim->caches[i].groups[k]);
}

static void step_group(struct sim *sim, unsigned i, unsigned service,
		       const struct cache_event *ev)
{
	struct sim_cache *c = &sim->caches[i];

	actions_reset(&actions);
	cache_step(c->groups[service], ev, &scratch, &actions);
	carry_out(sim, i, service);
	ask_deadlines(sim, i);
	/* Everything due has been done: a deadline that stays would make the daemon
	 * spin. */
	if (mono_due(sim->deadlines[i][service], sim->now))
		sim_fail(sim, "cache%u: deadline does not move on", i + 1);
	if (is_to_be_judged(sim, &c->judged[service]))
		judge_cache(sim, i, service);
}

void step_cache(struct sim *sim, unsigned i, unsigned service,
		const struct cache_event *ev)
{
	struct cache_event tick = { .type = CACHE_EV_TICK, .now = sim->now };
	unsigned other = !service;

	step_group(sim, i, service, ev);
	/* What one decides for both, the other sends at once. */
	if (sim->plan.n_services > 1 && mono_due(sim->deadlines[i][other], sim->now))
		step_group(sim, i, other, &tick);
}

static void step_router(struct sim *sim, unsigned j, unsigned service,
			const struct router_event *ev)
{
	struct sim_router *r = &sim->routers[j];
	struct mono *deadline = &sim->deadlines[SIM_CACHES + j][service];

	actions_reset(&actions);
	router_step(r->routers[service], ev, &scratch, &actions);
	carry_out(sim, SIM_CACHES + j, service);
	*deadline = router_deadline(r->routers[service]);
	/* A datagram may make it say something at once. */
	if (ev->type == ROUTER_EV_TICK && mono_due(*deadline, sim->now))
		sim_fail(sim, "rtr%u: deadline does not move on", j + 1);
	if (is_to_be_judged(sim, &r->judged[service]))
		judge_router(sim, j, service);
}

/* -- what makes them step ----------------------------------------------------------------- */

/* Of a datagram that was replayed from somewhere else. */
static struct addr address_elsewhere(const struct sim *sim)
{
	uint8_t octets[16] = { 0xfd, 9, [15] = (uint8_t)sim->net.number };

	if (sim->plan.ipv6)
		return addr_from_octets(ADDR_V6, octets);
	return addr_v4(0xc6336400 + (uint8_t)sim->net.number % 250 + 1);
}

static struct addr source_of(const struct sim *sim, const struct sim_packet *p)
{
	if (p->from == SIM_ELSEWHERE)
		return address_elsewhere(sim);
	if (sim_is_cache(p->from))
		return sim->caches[p->from].addr;
	return sim->routers[p->from - SIM_CACHES].addr;
}

static void deliver_to_cache(struct sim *sim, const struct sim_packet *p)
{
	struct cache_event ev = { .type = CACHE_EV_RX, .now = sim->now };
	struct codec_datagram datagram;
	size_t len;
	const void *octets = net_data(p->octets, &len);

	if (!sim->caches[p->to].groups[p->service])
		return;
	ev.u.rx.from = source_of(sim, p);
	if (!p->replayed && !sim_is_cache(p->from))
		sim->caches[p->to].heard[p->service][p->from - SIM_CACHES] = sim->now;
	codec_open(octets, len, &datagram);
	ev.u.rx.datagram = &datagram;
	step_cache(sim, p->to, p->service, &ev);
}

static void deliver_to_router(struct sim *sim, const struct sim_packet *p)
{
	unsigned j = p->to - SIM_CACHES, k = p->service;
	struct sim_router *r = &sim->routers[j];
	struct router_event ev = { .type = ROUTER_EV_RX, .now = sim->now };
	struct codec_datagram datagram;
	size_t len;
	const void *octets = net_data(p->octets, &len);

	if (!r->routers[k])
		return;
	ev.rx.to = p->multicast ? r->plan[k].multicast : r->addr;
	codec_open(octets, len, &datagram);
	ev.rx.datagram = &datagram;
	ev.rx.from = source_of(sim, p);
	if (!p->replayed && sim_is_cache(p->from))
		r->heard[k][p->from] = sim->now;
	step_router(sim, j, k, &ev);
}

void step_deliver(struct sim *sim, const struct sim_packet *p)
{
	recorder_hear(sim, p);
	if (sim_is_cache(p->to))
		deliver_to_cache(sim, p);
	else
		deliver_to_router(sim, p);
}

void step_ticks(struct sim *sim)
{
	struct cache_event gev = { .type = CACHE_EV_TICK, .now = sim->now };
	struct router_event rev = { .type = ROUTER_EV_TICK, .now = sim->now };

	for (unsigned i = 0; i < sim->plan.n_caches; i++)
		for (unsigned k = 0; k < sim->plan.n_services; k++)
			if (mono_due(sim->deadlines[i][k], sim->now))
				step_cache(sim, i, k, &gev);
	for (unsigned j = 0; j < sim->plan.n_routers; j++)
		for (unsigned k = 0; k < sim->plan.n_services; k++)
			if (mono_due(sim->deadlines[SIM_CACHES + j][k], sim->now))
				step_router(sim, j, k, &rev);
}
