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
	struct packet_addr addr; /* that has this key; zero: it is of a MAC address */
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

/* Bit `n` of a field, the lowest first; its 32 bits begin with word `first` in struct
 * ingress_words. */
static void ingress_add_mask_bit(struct ingress_service *to, enum ingress_field field,
				 unsigned n, size_t first)
{
	if (to->n_mask_bits < INGRESS_SLOT_BITS)
		to->mask_bits[to->n_mask_bits++] = (struct ingress_mask_bit){
			.field = (uint8_t)field,
			.shift = (uint8_t)n,
			.word = (uint8_t)(first / sizeof(__be32)),
			.word_shift = n % 32,
		};
}

static void ingress_add_mask_port(struct ingress_service *to, uint16_t bits,
				  enum ingress_field field, size_t first)
{
	for (unsigned n = 0; n < 16; n++)
		if (bits >> n & 1)
			ingress_add_mask_bit(to, field, n, first);
}

static void ingress_add_mask_addr(struct ingress_service *to, const struct addr *bits,
				  enum ingress_field field, size_t first)
{
	size_t len = addr_len(bits);

	for (unsigned n = 0; n < 8 * len; n++)
		if (bits->octets[len - 1 - n / 8] >> n % 8 & 1)
			ingress_add_mask_bit(to, field, n,
					     first + (3 - n / 32) * sizeof(__be32));
}

/* Masks are numbered from the destination port's lowest bit up (2.01 section 6.16). */
static void ingress_add_mask(struct ingress_service *to, const struct wccp_mask *mask)
{
	ingress_add_mask_port(to, mask->dport, INGRESS_DST_PORT,
			      offsetof(struct ingress_words, dport));
	ingress_add_mask_port(to, mask->sport, INGRESS_SRC_PORT,
			      offsetof(struct ingress_words, sport));
	ingress_add_mask_addr(to, &mask->dst, INGRESS_DST_ADDR,
			      offsetof(struct ingress_words, dst));
	ingress_add_mask_addr(to, &mask->src, INGRESS_SRC_ADDR,
			      offsetof(struct ingress_words, src));
	for (unsigned i = to->n_mask_bits; i < INGRESS_SLOT_BITS; i++)
		to->mask_bits[i].word = INGRESS_NO_WORD;
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
static void ingress_add_key(struct draft *d, uint64_t key, struct packet_addr addr,
			    uint32_t who)
{
	for (unsigned i = 0; i < d->n_senders; i++)
		if (d->senders[i].key == key)
			return;
	if (d->n_senders < INGRESS_SENDERS)
		d->senders[d->n_senders++] = (struct sender){ key, addr, who };
}

static void ingress_add_addr(struct draft *d, const struct addr *a, uint32_t who)
{
	struct packet_addr addr = packet_addr_of(a);

	if (addr_is_set(a))
		ingress_add_key(d, ingress_addr_key(&addr), addr, who);
}

static void ingress_add_mac(struct draft *d, const uint8_t *mac, uint32_t who)
{
	const struct packet_addr none = { { 0 } };
	uint32_t first;
	uint16_t last;

	memcpy(&first, mac, sizeof(first));
	memcpy(&last, mac + sizeof(first), sizeof(last));
	ingress_add_key(d, ingress_mac_key(first, last), none, who);
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
		out->bin_addrs[b][used[b]] = d->senders[i].addr;
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
	struct packet_addr id = packet_addr_of(&r->id), address = packet_addr_of(&r->address);
	struct ingress_router *list = d->out->routers;
	unsigned i;

	for (i = 0; i < d->n_routers; i++)
		if (ingress_addr_equal(&list[i].id, &id) &&
		    ingress_addr_equal(&list[i].address, &address))
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
	ingress_add_addr(d, &r->id, who);
	ingress_add_addr(d, &r->address, who);
	if (d->facts->macs[index].state == NEIGHBOUR_KNOWN) {
		const struct facts_link *link =
			&d->facts->links[d->facts->macs[index].link];

		to->mac_out = link->ifindex;
		memcpy(to->our_mac, link->mac, sizeof(to->our_mac));
		memcpy(to->mac, d->facts->macs[index].octets, sizeof(to->mac));
		ingress_add_mac(d, to->mac, who);
	}
}

static void ingress_add_source(struct draft *d, const struct plan_source *s)
{
	unsigned who = ingress_router_of(d, &d->plan->routers[s->router]);

	if (who == INGRESS_NOBODY)
		return;
	if (s->by_mac)
		ingress_add_mac(d, s->mac, who);
	else
		ingress_add_addr(d, &s->addr, who);
}

/* Proofs of delivery come from a router of their own, for every service, bare. */
static void ingress_add_proof_sender(struct draft *d)
{
	struct ingress_router *r = &d->out->routers[INGRESS_ROUTERS - 1];

	for (unsigned i = 0; i < d->plan->n_services; i++)
		r->services |= d->out->services[i].bit;
	r->l2 = r->return_l2 = r->services;
	ingress_add_mac(d, d->facts->proof_mac, INGRESS_ROUTERS - 1);
}

/* A prefix shorter than the bits of ingress_addr_near() covers several values, or all. */
static void ingress_mark_own(struct ingress_config *out, const struct facts_prefix *l)
{
	const struct packet_addr addr = packet_addr_of(&l->addr);
	const unsigned end = l->addr.family == ADDR_V6 ? 32 : 16;
	uint32_t first = ingress_addr_near(&addr), n = 1;

	if (l->bits + 16 <= end)
		n = 65536;
	else if (l->bits < end)
		n = 1u << (end - l->bits);
	first -= first % n;
	for (uint32_t near = first; near < first + n; near++)
		out->near_own[near / 64] |= 1ULL << near % 64;
}

void ingress_render(const struct plan *plan, const struct facts *facts,
		    const uint32_t *counters, struct ingress_config *out)
{
	struct draft d = { .plan = plan, .facts = facts, .out = out };

	memset(out, 0, sizeof(*out));
	out->self = packet_addr_of(&plan->self);
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
		ingress_add_addr(&d, &plan->other_caches[i], INGRESS_OTHER_CACHE);
	ingress_add_proof_sender(&d);
	ingress_place_senders(&d);
	out->forwards = facts->forwards;
	for (unsigned i = 0; i < plan->n_other_caches; i++)
		out->other_caches[i] = packet_addr_of(&plan->other_caches[i]);
	memcpy(out->other_out, facts->other_out, sizeof(out->other_out));
	for (unsigned i = 0; i < facts->n_own_prefixes; i++)
		if ((facts->own_prefixes[i].addr.family == ADDR_V6) ==
		    (plan->self.family == ADDR_V6))
			ingress_mark_own(out, &facts->own_prefixes[i]);
}
