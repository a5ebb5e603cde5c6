/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/explain/explain.h"

#include "dp/explain/explain_path.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

static_assert((int)DP_RANKS_MAX == (int)STEER_RANKS, "ranks");

static struct packet explain_packet(const struct dp_connection *c)
{
	return (struct packet){
		.src = htonl(addr_to_v4(&c->src)),
		.dst = htonl(addr_to_v4(&c->dst)),
		.sport = htons(c->sport),
		.dport = htons(c->dport),
		.protocol = IPPROTO_TCP,
		.has_ports = true,
	};
}

/* The checks of addresses that the ingress program makes before it looks for a
 * service. */
static const char *explain_against(const struct ingress *ingress, const struct steer *steer,
				   const struct dp_connection *c)
{
	if (steer_place(steer, &c->src) == INGRESS_OWN)
		return "the source is this machine: it goes back to the router";
	switch (steer_place(steer, &c->dst)) {
	case INGRESS_OWN:
		return "the destination is this machine: it goes back to the router";
	case INGRESS_BROADCAST:
		return "the destination is a broadcast address: it is dropped";
	default:
		break;
	}
	if (ingress_bypasses(ingress, &c->src, &c->dst))
		return "static bypass: it goes back to the router";
	return NULL;
}

/* The listeners of a bucket, best first. */
static void explain_ranks(const struct steer *steer, const uint16_t *slots,
			  struct dp_explanation *out)
{
	for (unsigned i = 0; i < STEER_RANKS && slots[i] < STEER_SLOTS; i++) {
		const struct steer_owner *owner = steer_owner(steer, slots[i]);
		struct dp_rank *r = &out->ranks[out->n_ranks];

		if (!owner)
			continue;
		memcpy(r->instance, owner->instance, sizeof(r->instance));
		memcpy(out->pool, owner->pool, sizeof(out->pool));
		r->listens = steer_listens(steer, slots[i]);
		out->n_ranks++;
	}
}

static void explain_add_share(struct dp_explanation *out, const char *instance)
{
	unsigned i;

	for (i = 0; i < out->n_shares; i++)
		if (strcmp(out->shares[i].instance, instance) == 0)
			break;
	if (i == PLAN_MAX_INSTANCES)
		return;
	if (i == out->n_shares)
		snprintf(out->shares[out->n_shares++].instance,
			 sizeof(out->shares[0].instance), "%s", instance);
	out->shares[i].buckets++;
}

static void explain_shares(const struct steer *steer, const struct steer_pool *pool,
			   struct dp_explanation *out)
{
	for (unsigned b = 0; b < STEER_BUCKETS; b++)
		for (unsigned i = 0; i < STEER_RANKS; i++) {
			uint16_t slot = pool->slots[b][i];

			if (slot >= STEER_SLOTS)
				break;
			if (!steer_owner(steer, slot) || !steer_listens(steer, slot))
				continue;
			explain_add_share(out, steer_owner(steer, slot)->instance);
			break;
		}
}

static void explain_services(const struct ingress *ingress,
			     const struct ingress_config *config,
			     const struct explain_path *path, struct dp_explanation *out)
{
	for (unsigned i = 0; i < INGRESS_SERVICES; i++)
		if (path->fits >> i & 1)
			out->fitting[out->n_fitting++] = ingress_position_of(
				ingress, config->services[i].counters);
}

int explain_connection(const struct ingress *ingress, const struct steer *steer,
		       const struct dp_connection *c, struct dp_explanation *out,
		       struct err *err)
{
	const struct ingress_config *config = ingress_in_force(ingress);
	const struct steer_table *table = steer_in_force(steer);
	const struct packet p = explain_packet(c);
	struct explain_path path;

	*out = (struct dp_explanation){ .n_buckets = STEER_BUCKETS };
	if (!config && table)
		return err_set(err, "nothing is redirected here: there is no service");
	if (!config || !table)
		return err_set(err, "no plan is in force yet");
	explain_path_find(config, table, steer_seed(steer), &p, &path);
	out->against = explain_against(ingress, steer, c);
	explain_services(ingress, config, &path, out);
	out->slot = path.slot;
	out->alternate = path.alternate;
	if (path.former)
		out->former = addr_v4(ntohl(path.former));
	out->bucket = path.bucket;
	if (path.pool >= STEER_POOLS)
		return 0;
	explain_ranks(steer, table->pools[path.pool].slots[path.bucket], out);
	explain_shares(steer, &table->pools[path.pool], out);
	return 0;
}
