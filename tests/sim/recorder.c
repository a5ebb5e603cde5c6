/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An attacker who has recorded every datagram that arrived, and sends any of them at any
 * time, from any address, to any node of its kind.  He knows no password.
 *
 * A datagram that the network lost is not on his record: one that arrives late, for the
 * first time, is nothing that a receiver can tell from a slow network.
 */
#include "sim.h"

#include <stdlib.h>

enum {
	RECORD_MAX = 4096, /* then new ones replace any old ones */
	BURST_MAX = 40,
};

struct sim_record {
	unsigned n;
	uint64_t seen;
	struct sim_packet packets[RECORD_MAX];
};

void recorder_start(struct sim *sim)
{
	sim->record = calloc(1, sizeof(*sim->record));
	if (!sim->record)
		abort();
	sim->attack_at = sim->now;
}

void recorder_stop(struct sim *sim)
{
	for (unsigned i = 0; sim->record && i < sim->record->n; i++)
		net_release(sim->record->packets[i].octets);
	free(sim->record);
	sim->record = NULL;
}

void recorder_hear(struct sim *sim, const struct sim_packet *p)
{
	struct sim_record *r = sim->record;
	unsigned at;

	if (!r || p->replayed)
		return;
	r->seen++;
	at = r->n < RECORD_MAX ? r->n : sim_any(sim, RECORD_MAX);
	if (r->n < RECORD_MAX)
		r->n++;
	else
		net_release(r->packets[at].octets);
	r->packets[at] = *p;
	net_keep(p->octets);
}

/* Another node of the same kind. */
static uint8_t any_like(struct sim *sim, uint8_t node)
{
	if (sim_is_cache(node))
		return (uint8_t)sim_any(sim, sim->plan.n_caches);
	return (uint8_t)(SIM_CACHES + sim_any(sim, sim->plan.n_routers));
}

static void replay(struct sim *sim, struct sim_packet p)
{
	/* By multicast every node has got it, or the network has lost it. */
	if (!p.multicast && sim_chance(sim, 10))
		p.to = any_like(sim, p.to);
	/* What one router says, as if another did, is relayed rather than replayed. */
	if (sim_is_cache(p.from) && sim_chance(sim, 10))
		p.from = any_like(sim, p.from);
	else if (sim_chance(sim, 10))
		p.from = SIM_ELSEWHERE;
	p.replayed = true;
	sim->replayed++;
	net_inject(sim, p);
}

static bool is_of(const struct sim_packet *p, uint8_t node)
{
	return p->to == node;
}

/* Much to one node at once, as old as he has it or as new. */
static void burst(struct sim *sim, const struct sim_packet *like, bool recent)
{
	struct sim_record *r = sim->record;
	unsigned n = 0, look = 4 * BURST_MAX;

	while (look-- && n < BURST_MAX) {
		unsigned at = recent && r->n > 100 && r->n < RECORD_MAX
				      ? r->n - 1 - sim_any(sim, 100)
				      : sim_any(sim, r->n);

		if (!is_of(&r->packets[at], like->to))
			continue;
		replay(sim, r->packets[at]);
		n++;
	}
}

void recorder_attack(struct sim *sim)
{
	struct sim_record *r = sim->record;

	sim->attack_at = mono_add_ms(sim->now, 1 + sim_any(sim, (uint32_t)sim->plan.t_ms / 8));
	if (!r->n)
		return;
	if (sim_chance(sim, 20))
		burst(sim, &r->packets[sim_any(sim, r->n)], sim_chance(sim, 50));
	else
		replay(sim, r->packets[sim_any(sim, r->n)]);
}
