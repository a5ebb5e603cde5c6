/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network of the simulation: a heap of packets by time of arrival.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

/* -- octets ------------------------------------------------------------------------- */

/* Their own allocation of their own length, so that ASan sees reads past the end. */
struct sim_octets {
	unsigned users;
	size_t len;
	uint8_t octets[];
};

struct sim_octets *net_octets(const void *octets, size_t len)
{
	struct sim_octets *o = malloc(sizeof(*o) + len);

	if (!o)
		abort();
	o->users = 1;
	o->len = len;
	memcpy(o->octets, octets, len);
	return o;
}

const uint8_t *net_data(const struct sim_octets *octets, size_t *len)
{
	*len = octets->len;
	return octets->octets;
}

void net_keep(struct sim_octets *octets)
{
	octets->users++;
}

void net_release(struct sim_octets *octets)
{
	if (--octets->users == 0)
		free(octets);
}

/* -- the heap ------------------------------------------------------------------------ */

static bool before(const struct sim_packet *a, const struct sim_packet *b)
{
	if (a->at.ns != b->at.ns)
		return a->at.ns < b->at.ns;
	return a->number < b->number;
}

static void swap(struct sim_packet *a, struct sim_packet *b)
{
	struct sim_packet t = *a;

	*a = *b;
	*b = t;
}

static void sift_up(struct sim_net *net, unsigned i)
{
	for (; i > 0 && before(&net->heap[i], &net->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&net->heap[i], &net->heap[(i - 1) / 2]);
}

static void sift_down(struct sim_net *net, unsigned i)
{
	for (;;) {
		unsigned least = i;

		for (unsigned k = 2 * i + 1; k <= 2 * i + 2 && k < net->n; k++)
			if (before(&net->heap[k], &net->heap[least]))
				least = k;
		if (least == i)
			return;
		swap(&net->heap[i], &net->heap[least]);
		i = least;
	}
}

static void make_room(struct sim_net *net)
{
	if (net->n < net->room)
		return;
	net->room = net->room ? 2 * net->room : 1024;
	net->heap = realloc(net->heap, net->room * sizeof(net->heap[0]));
	if (!net->heap)
		abort();
}

/* -- sending --------------------------------------------------------------------------- */

/* Half of all packets are quick; the rest overtake each other. */
static int64_t delay_ms(struct sim *sim)
{
	if (!sim->net.bad || sim_chance(sim, 50))
		return 1 + sim_any(sim, SIM_GOOD_DELAY_MAX_MS);
	return 1 + sim_any(sim, SIM_DELAY_MAX_MS);
}

static void put(struct sim *sim, struct sim_packet p)
{
	struct sim_net *net = &sim->net;

	if (net->n == SIM_PACKETS_MAX) {
		sim_fail(sim, "more than %d packets on their way", SIM_PACKETS_MAX);
		return;
	}
	make_room(net);
	p.at = mono_add_ms(sim->now, delay_ms(sim));
	p.number = net->number++;
	p.octets->users++;
	net->heap[net->n] = p;
	sift_up(net, net->n++);
}

/* Nodes of the same kind are never separated. */
static bool is_cut(const struct sim_net *net, unsigned a, unsigned b)
{
	if (sim_is_cache(a) == sim_is_cache(b))
		return false;
	return sim_is_cache(a) ? net->cut[a][b - SIM_CACHES]
			       : net->cut[b][a - SIM_CACHES];
}

void net_send(struct sim *sim, unsigned from, unsigned to, unsigned service,
	      bool multicast, struct sim_octets *octets)
{
	struct sim_net *net = &sim->net;
	struct sim_packet p = {
		.from = (uint8_t)from,
		.to = (uint8_t)to,
		.service = (uint8_t)service,
		.multicast = multicast,
		.octets = octets,
	};

	net->sent++;
	if (octets->len > net->largest)
		net->largest = octets->len;
	if (is_cut(net, from, to) || (net->bad && sim_chance(sim, sim->plan.loss))) {
		net->lost++;
		return;
	}
	put(sim, p);
	if (net->bad && sim_chance(sim, 10)) {
		net->doubled++;
		put(sim, p);
	}
}

void net_inject(struct sim *sim, struct sim_packet p)
{
	put(sim, p);
}

struct mono net_next(const struct sim_net *net)
{
	return net->n ? net->heap[0].at : MONO_NEVER;
}

struct sim_packet net_take(struct sim_net *net)
{
	struct sim_packet first = net->heap[0];

	net->heap[0] = net->heap[--net->n];
	sift_down(net, 0);
	return first;
}

void net_stop(struct sim_net *net)
{
	while (net->n)
		net_release(net->heap[--net->n].octets);
	free(net->heap);
	net->heap = NULL;
	net->room = 0;
}
