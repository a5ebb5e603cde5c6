/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the plan to the configuration of the ingress program.
 *
 * Services are sorted by priority first, and everything else refers to them as bits in
 * that order, so that the lowest bit is the right one of several services that a packet
 * fits.
 */
#include "dp/ingress/ingress_render.h"

#include <assert.h>
#include <string.h>

static_assert((int)INGRESS_SERVICES == (int)PLAN_MAX_SERVICES, "services");
static_assert((int)INGRESS_ROUTERS > (int)PLAN_MAX_ADDRESSES, "routers, and proofs");
static_assert((int)INGRESS_SLOTS == (int)ASSIGN_SLOTS_MAX, "slots");
static_assert((int)STEER_LINKS == (int)PLAN_MAX_INTERFACES, "interfaces");
static_assert((int)INGRESS_CLASSES > PLAN_MAX_SERVICES * WCCP_MAX_PORTS, "ports");
static_assert((int)INGRESS_SENDERS >= 3 * PLAN_MAX_ADDRESSES +
					     PLAN_MAX_SOURCES + WCCP_MAX_CACHES + 1,
	      "senders: id, address and MAC of each router, and proofs");

struct sender {
	uint64_t key;
	uint32_t who;
};

/* What the parts of the rendering share. */
struct draft {
	const struct plan *plan;
	const struct facts *facts;
	struct packet_service services[INGRESS_SERVICES]; /* as in the plan */
	unsigned rank[INGRESS_SERVICES]; /* plan index -> index by priority */
	unsigned n_classes, n_senders, n_routers;
	struct sender senders[INGRESS_SENDERS];
	struct ingress_config *out;
};

static __be32 ingress_be32(const struct addr *a)
{
	return htonl(addr_to_v4(a));
}

/* -- services ---------------------------------------------------------------------- */

/* Highest priority first; among equals, in the order of the plan. */
static void ingress_rank_services(struct draft *d)
{
	const struct plan *plan = d->plan;

	for (unsigned i = 0; i < plan->n_services; i++)
		packet_service_set(&d->services[i], &plan->services[i].service);
	for (unsigned i = 0; i < plan->n_services; i++) {
		d->rank[i] = 0;
		for (unsigned k = 0; k < plan->n_services; k++) {
			int more = d->services[k].priority - d->services[i].priority;

			d->rank[i] += more > 0 || (more == 0 && k < i);
		}
	}
}

static struct ingress_class *ingress_class_of(struct draft *d, __be16 port)
{
	uint16_t *class = &d->out->class_of_port[ntohs(port)];

	if (!*class)
		*class = (uint16_t)++d->n_classes;
	return &d->out->classes[*class];
}

static void ingress_add_port(struct draft *d, const struct packet_service *s,
			     __be16 port, uint64_t bit)
{
	struct ingress_class *class = ingress_class_of(d, port);
	bool source = s->flags & WCCP_F_PORTS_SOURCE;

	d->out->uses_sources |= source;
	if (s->protocol == IPPROTO_TCP)
		*(source ? &class->from_tcp : &class->to_tcp) |= bit;
	else
		*(source ? &class->from_udp : &class->to_udp) |= bit;
}

/* The inverse of packet_matches(): from a service to the packets that fit it. */
static void ingress_add_match(struct draft *d, const struct packet_service *s,
			      uint64_t bit)
{
	bool any = !s->protocol && !(s->flags & WCCP_F_ONLY_PROTOCOL_0);
	bool has_ports = s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_UDP;
	bool whole = !has_ports || !(s->flags & WCCP_F_PORTS_DEFINED);

	for (unsigned p = 0; p < 256; p++)
		if (any || p == s->protocol) {
			d->out->part_of_protocol[p] |= bit;
			d->out->whole_protocol[p] |= whole ? bit : 0;
		}
	for (unsigned i = 0; !whole && i < WCCP_MAX_PORTS && s->ports[i]; i++)
		ingress_add_port(d, s, s->ports[i], bit);
}

/* Masks are numbered from the destination port's lowest bit up (2.01 section 6.16). */
static void ingress_add_mask_bits(struct ingress_service *to, uint64_t bits, uint8_t field)
{
	for (uint8_t shift = 0; shift < 32; shift++)
		if (bits >> shift & 1 && to->n_mask_bits < INGRESS_SLOT_BITS)
			to->mask_bits[to->n_mask_bits++] =
				(struct ingress_mask_bit){ field, shift };
}

static void ingress_add_mask(struct ingress_service *to, const struct wccp_mask *mask)
{
	ingress_add_mask_bits(to, mask->dport, INGRESS_DST_PORT);
	ingress_add_mask_bits(to, mask->sport, INGRESS_SRC_PORT);
	ingress_add_mask_bits(to, addr_to_v4(&mask->dst), INGRESS_DST_ADDR);
	ingress_add_mask_bits(to, addr_to_v4(&mask->src), INGRESS_SRC_ADDR);
}

/* 1 + index among the other web-caches; 0: it is none of them. */
static uint8_t ingress_other_cache(const struct draft *d, const struct addr *cache)
{
	if (!addr_is_set(cache) || addr_equal(cache, &d->plan->self))
		return 0;
	return (uint8_t)(1 + addr_find(d->plan->other_caches, d->plan->n_other_caches,
				       cache));
}

static void ingress_add_handover(const struct draft *d, const struct plan_service *from,
				 struct ingress_service *to)
{
	const struct addr *last = NULL;
	uint8_t other = 0;

	for (unsigned i = 0; i < from->n_slots && i < INGRESS_SLOTS; i++) {
		/* Neighbours mostly belong to the same one. */
		if (!last || !addr_equal(last, &from->handover[i]))
			other = ingress_other_cache(d, &from->handover[i]);
		last = &from->handover[i];
		to->handover[i] = other;
	}
}

static void ingress_add_service(struct draft *d, unsigned index, uint32_t counters)
{
	const struct plan_service *from = &d->plan->services[index];
	const struct packet_service *s = &d->services[index];
	struct ingress_service *to = &d->out->services[d->rank[index]];

	*to = (struct ingress_service){
		.bit = 1ULL << d->rank[index],
		.flags = s->flags,
		.type = s->type,
		.id = s->id,
		.drop_when_down = from->drop_when_down,
		.returns_new = from->returns_new,
		.drop_udp = from->drop_udp,
		.asked = from->asked,
		.router = INGRESS_NONE,
		.l2_router = INGRESS_NONE,
		.counters = counters,
		.hot = from->hot,
	};
	if (from->by_mask)
		ingress_add_mask(to, &from->mask);
	ingress_add_handover(d, from, to);
	d->out->service_of_id[s->type == WCCP_SERVICE_DYNAMIC][s->id] =
		(uint8_t)d->rank[index];
	ingress_add_match(d, s, to->bit);
}

/* -- senders --------------------------------------------------------------------- */

/* The first router to claim a key gets it: a second one means two routers at one
 * address. */
static void ingress_add_sender(struct draft *d, uint64_t key, uint32_t who)
{
	if (key == 0) /* an address that is not set */
		return;
	for (unsigned i = 0; i < d->n_senders; i++)
		if (d->senders[i].key == key)
			return;
	if (d->n_senders < INGRESS_SENDERS)
		d->senders[d->n_senders++] = (struct sender){ .key = key, .who = who };
}

static uint64_t ingress_key_of_mac(const uint8_t *mac)
{
	uint32_t first;
	uint16_t last;

	memcpy(&first, mac, sizeof(first));
	memcpy(&last, mac + sizeof(first), sizeof(last));
	return ingress_mac_key(first, last);
}

/* Put every sender into its bin.  Returns false if one does not fit. */
static bool ingress_fill_bins(struct draft *d, uint64_t mix)
{
	struct ingress_config *out = d->out;
	uint8_t used[INGRESS_BINS] = { 0 };
	bool all = true;

	memset(out->bins, 0, sizeof(out->bins));
	for (unsigned b = 0; b < INGRESS_BINS; b++)
		for (unsigned i = 0; i < INGRESS_BIN; i++)
			out->bins[b].who[i] = INGRESS_NOBODY;
	out->mix = mix;
	for (unsigned i = 0; i < d->n_senders; i++) {
		uint64_t b = ingress_bin(mix, d->senders[i].key);

		if (used[b] == INGRESS_BIN) {
			all = false;
			continue;
		}
		out->bins[b].keys[used[b]] = d->senders[i].key;
		out->bins[b].who[used[b]++] = d->senders[i].who;
	}
	return all;
}

/* Even with the most senders possible, nine out of ten multipliers leave room in every
 * bin. */
static void ingress_place_senders(struct draft *d)
{
	uint64_t mix = 0x9e3779b97f4a7c15; /* 2^64 by the golden ratio */

	for (unsigned tries = 0; tries < 100 && !ingress_fill_bins(d, mix); tries++)
		mix = mix * 6364136223846793005 + 2; /* stays odd */
}

/* One router serves several services: find it by its id and address.
 * INGRESS_NOBODY when there is no room for it. */
static unsigned ingress_router_of(struct draft *d, const struct plan_router *r)
{
	__be32 id = ingress_be32(&r->id), address = ingress_be32(&r->address);
	struct ingress_router *list = d->out->routers;
	unsigned i;

	for (i = 0; i < d->n_routers; i++)
		if (list[i].id == id && list[i].address == address)
			return i;
	if (i == PLAN_MAX_ADDRESSES)
		return INGRESS_NOBODY;
	list[i].id = id;
	list[i].address = address;
	return d->n_routers++;
}

static void ingress_add_router(struct draft *d, unsigned index)
{
	const struct plan_router *r = &d->plan->routers[index];
	unsigned rank = d->rank[r->service], who = ingress_router_of(d, r);
	struct ingress_service *s = &d->out->services[rank];
	struct ingress_router *to;

	if (who == INGRESS_NOBODY)
		return;
	to = &d->out->routers[who];
	to->services |= s->bit;
	if (r->forward & WCCP_METHOD_L2) {
		to->l2 |= s->bit;
		d->out->by_l2 |= s->bit;
		if (s->l2_router == INGRESS_NONE)
			s->l2_router = (uint8_t)who;
	}
	if (r->held || d->facts->blocked)
		to->held |= s->bit;
	if (r->ret & WCCP_METHOD_L2)
		to->return_l2 |= s->bit;
	if (s->router == INGRESS_NONE)
		s->router = (uint8_t)who;
	to->id_out = d->facts->router_out[index];
	ingress_add_sender(d, to->id, who);
	ingress_add_sender(d, to->address, who);
	if (d->facts->macs[index].state == NEIGHBOUR_KNOWN) {
		const struct facts_link *link =
			&d->facts->links[d->facts->macs[index].link];

		to->mac_out = link->ifindex;
		memcpy(to->our_mac, link->mac, sizeof(to->our_mac));
		memcpy(to->mac, d->facts->macs[index].octets, sizeof(to->mac));
		ingress_add_sender(d, ingress_key_of_mac(to->mac), who);
	}
}

static void ingress_add_source(struct draft *d, const struct plan_source *s)
{
	unsigned who = ingress_router_of(d, &d->plan->routers[s->router]);

	if (who != INGRESS_NOBODY)
		ingress_add_sender(d,
				   s->by_mac ? ingress_key_of_mac(s->mac)
					     : ingress_be32(&s->addr),
				   who);
}

/* Proofs of delivery come from a router of their own, for every service, bare. */
static void ingress_add_proof_sender(struct draft *d)
{
	struct ingress_router *r = &d->out->routers[INGRESS_ROUTERS - 1];

	for (unsigned i = 0; i < d->plan->n_services; i++)
		r->services |= d->out->services[i].bit;
	r->l2 = r->return_l2 = r->services;
	ingress_add_sender(d, ingress_key_of_mac(d->facts->proof_mac),
			   INGRESS_ROUTERS - 1);
}

/* A prefix shorter than the upper half of an address covers several bits. */
static void ingress_mark_own(struct ingress_config *out, const struct facts_prefix *l)
{
	uint32_t first = addr_to_v4(&l->addr) >> 16;
	uint32_t n = l->bits < 16 ? 1u << (16 - l->bits) : 1;

	first -= first % n;
	for (uint32_t half = first; half < first + n; half++)
		out->near_own[half / 64] |= 1ULL << half % 64;
}

void ingress_render(const struct plan *plan, const struct facts *facts,
		    const uint32_t *counters, struct ingress_config *out)
{
	struct draft d = { .plan = plan, .facts = facts, .out = out };

	memset(out, 0, sizeof(*out));
	out->self = ingress_be32(&plan->self);
	out->mark = plan->mark;
	out->mark_mask = plan->mark_mask;
	out->delivery = facts->delivery;
	for (unsigned i = 0; plan->bypass && i < PLAN_BYPASS_SETS; i++)
		out->bypass_sets |= (plan->bypass->of_set[i] > 0) << i;
	for (unsigned i = 0; i < facts->n_links; i++)
		out->links[i] = (struct ingress_link){ facts->links[i].ifindex,
						       facts->links[i].mtu };
	memset(out->service_of_id, INGRESS_NONE, sizeof(out->service_of_id));
	ingress_rank_services(&d);
	for (unsigned i = 0; i < plan->n_services; i++)
		ingress_add_service(&d, i, counters[i]);
	for (unsigned i = 0; i < plan->n_routers; i++)
		ingress_add_router(&d, i);
	for (unsigned i = 0; i < plan->n_sources; i++)
		ingress_add_source(&d, &plan->sources[i]);
	for (unsigned i = 0; i < plan->n_other_caches; i++)
		ingress_add_sender(&d, ingress_be32(&plan->other_caches[i]),
				   INGRESS_OTHER_CACHE);
	ingress_add_proof_sender(&d);
	ingress_place_senders(&d);
	out->forwards = facts->forwards;
	for (unsigned i = 0; i < plan->n_other_caches; i++)
		out->other_caches[i] = ingress_be32(&plan->other_caches[i]);
	memcpy(out->other_out, facts->other_out, sizeof(out->other_out));
	for (unsigned i = 0; i < facts->n_own_prefixes; i++)
		ingress_mark_own(out, &facts->own_prefixes[i]);
}
