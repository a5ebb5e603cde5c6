/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network of the simulation: a heap of packets by time of arrival.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

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

/* Half of all packets are quick; the rest overtake each other. */
static int64_t delay_ms(struct sim *sim)
{
	if (!sim->net.bad || sim_chance(sim, 50))
		return 1 + sim_any(sim, 20);
	return 1 + sim_any(sim, SIM_DELAY_MAX_MS);
}

static void put(struct sim *sim, unsigned from, unsigned to, const void *octets,
		size_t len)
{
	struct sim_net *net = &sim->net;
	struct sim_packet *p = &net->heap[net->n];

	if (net->n == SIM_PACKETS) {
		sim_fail(sim, "more than %d packets on their way", SIM_PACKETS);
		return;
	}
	*p = (struct sim_packet){
		.at = mono_add_ms(sim->now, delay_ms(sim)),
		.number = net->number++,
		.from = from,
		.to = to,
		.len = len,
		/* Its own allocation, so that ASan sees reads past its end. */
		.octets = malloc(len),
	};
	if (!p->octets)
		abort();
	memcpy(p->octets, octets, len);
	sift_up(net, net->n++);
}

static bool is_cut(const struct sim_net *net, unsigned a, unsigned b)
{
	if (a < SIM_CACHES)
		return net->cut[a][b - SIM_CACHES];
	return net->cut[b][a - SIM_CACHES];
}

void net_send(struct sim *sim, unsigned from, unsigned to, const void *octets,
	      size_t len)
{
	struct sim_net *net = &sim->net;

	net->sent++;
	if (is_cut(net, from, to) || (net->bad && sim_chance(sim, 20))) {
		net->lost++;
		return;
	}
	put(sim, from, to, octets, len);
	if (net->bad && sim_chance(sim, 10)) {
		net->doubled++;
		put(sim, from, to, octets, len);
	}
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

void net_drop_all(struct sim_net *net)
{
	while (net->n)
		free(net->heap[--net->n].octets);
}
