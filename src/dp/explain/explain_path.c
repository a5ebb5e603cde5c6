/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/explain/explain_path.h"

static unsigned explain_path_slot(const struct ingress_service *s, const struct packet *p)
{
	return s->n_mask_bits ? ingress_mask_slot(p, s) : packet_bucket(p, s->flags);
}

static void explain_path_find_service(const struct ingress_config *config,
				      const struct packet *p, struct explain_path *out)
{
	const struct ingress_service *s;
	uint8_t former;

	out->fits = ingress_matching(config, p);
	if (!out->fits)
		return;
	out->service = ingress_first(out->fits);
	s = &config->services[out->service];
	out->slot = explain_path_slot(s, p);
	out->alternate = packet_alt_bucket(p, s->flags);
	former = s->handover[ingress_computed_slot(p, s)];
	if (former)
		out->former = config->other_caches[former - 1];
}

void explain_path_find(const struct ingress_config *config, const struct steer_table *table,
		       uint64_t seed, const struct packet *p, struct explain_path *out)
{
	uint16_t sport = ntohs(p->sport), dport = ntohs(p->dport);
	uint8_t pool = table->pool_of_port[dport];

	*out = (struct explain_path){ .pool = pool };
	if (pool < STEER_POOLS)
		out->key = steer_key(seed, table->pools[pool].spread,
				     (struct steer_ends){ p->src, p->dst },
				     (uint32_t)sport << 16 | dport);
	explain_path_find_service(config, p, out);
}
