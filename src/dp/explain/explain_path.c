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

static struct steer_ends explain_path_ends(uint64_t seed, const struct packet *p)
{
	const struct packet_addr v4 = packet_addr4(p->whole_src.words[3]);

	if (ingress_addr_equal(&p->whole_src, &v4))
		return (struct steer_ends){ p->src, p->dst };
	return (struct steer_ends){ steer_fold6(seed, p->whole_src.words),
				    steer_fold6(seed, p->whole_dst.words) };
}

void explain_path_find(const struct ingress_config *config, const struct steer_table *table,
		       uint64_t seed, const struct packet *p, struct explain_path *out)
{
	uint16_t sport = ntohs(p->sport), dport = ntohs(p->dport);
	uint8_t pool = table->pool_of_port[dport];

	*out = (struct explain_path){ .pool = pool };
	if (pool < STEER_POOLS)
		out->key = steer_key(seed, table->pools[pool].spread,
				     explain_path_ends(seed, p),
				     (uint32_t)sport << 16 | dport);
	explain_path_find_service(config, p, out);
}
