/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the plan to the configuration of the ingress program.
 *
 * Services are put in order of priority first; everything else speaks of them as
 * bits in that order, so that the program finds the right one of several that a
 * packet fits as the lowest bit.
 */
#include "ingress_render.h"

#include <assert.h>
#include <string.h>

static_assert((int)INGRESS_SERVICES == (int)PLAN_MAX_SERVICES, "services");
static_assert((int)INGRESS_ROUTERS == (int)PLAN_MAX_ADDRESSES, "routers");
static_assert((int)INGRESS_CLASSES > PLAN_MAX_SERVICES * WCCP_MAX_PORTS, "ports");
static_assert((int)INGRESS_SENDERS >= 3 * PLAN_MAX_ADDRESSES + WCCP_MAX_CACHES,
	      "senders: id, address and MAC of each router");

/* What the parts of the rendering share. */
struct draft {
	const struct plan *plan;
	const struct facts *facts;
	struct packet_service services[INGRESS_SERVICES]; /* as in the plan */
	unsigned rank[INGRESS_SERVICES]; /* plan index -> index by priority */
	unsigned n_classes, n_senders, n_routers;
	struct ingress_config *out;
};

static __be32 to_be32(const struct addr *a)
{
	return htonl(addr_to_v4(a));
}

/* -- services ---------------------------------------------------------------------- */

/* Highest priority first; of equals the one that the plan names first. */
static void rank_services(struct draft *d)
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

static struct ingress_class *class_of(struct draft *d, __be16 port)
{
	uint16_t *class = &d->out->class_of_port[ntohs(port)];

	if (!*class)
		*class = (uint16_t)++d->n_classes;
	return &d->out->classes[*class];
}

static void add_port(struct draft *d, const struct packet_service *s, __be16 port,
		     uint64_t bit)
{
	struct ingress_class *class = class_of(d, port);
	bool source = s->flags & WCCP_F_PORTS_SOURCE;

	d->out->uses_sources |= source;
	if (s->protocol == IPPROTO_TCP)
		*(source ? &class->from_tcp : &class->to_tcp) |= bit;
	else
		*(source ? &class->from_udp : &class->to_udp) |= bit;
}

/* What packet_matches() asks of a packet, turned round. */
static void add_match(struct draft *d, const struct packet_service *s, uint64_t bit)
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
		add_port(d, s, s->ports[i], bit);
}

static void add_service(struct draft *d, unsigned index, uint32_t counters)
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
		.router = INGRESS_NONE,
		.counters = counters,
	};
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		if (!addr_equal(&from->handover[b], &d->plan->self))
			to->handover[b] = to_be32(&from->handover[b]);
	d->out->service_of_id[s->type == WCCP_SERVICE_DYNAMIC][s->id] =
		(uint8_t)d->rank[index];
	add_match(d, s, to->bit);
}

/* -- senders --------------------------------------------------------------------- */

/* The first to claim a key has it: a second one means two routers at one address. */
static void add_sender(struct draft *d, uint64_t key, uint32_t who)
{
	struct ingress_sender *list = d->out->senders;
	unsigned at = d->n_senders;

	if (key == 0) /* an address that is not set */
		return;
	for (unsigned i = 0; i < d->n_senders; i++)
		if (list[i].key == key)
			return;
	if (d->n_senders == INGRESS_SENDERS)
		return;
	for (; at > 0 && list[at - 1].key > key; at--)
		list[at] = list[at - 1];
	list[at] = (struct ingress_sender){ .key = key, .who = who };
	d->n_senders++;
}

/* One router serves several services: find it by its id and address.
 * INGRESS_NOBODY when there is no room for it. */
static unsigned router_of(struct draft *d, const struct plan_router *r)
{
	__be32 id = to_be32(&r->id), address = to_be32(&r->address);
	struct ingress_router *list = d->out->routers;
	unsigned i;

	for (i = 0; i < d->n_routers; i++)
		if (list[i].id == id && list[i].address == address)
			return i;
	if (i == INGRESS_ROUTERS)
		return INGRESS_NOBODY;
	list[i].id = id;
	list[i].address = address;
	return d->n_routers++;
}

static void add_router(struct draft *d, unsigned index)
{
	const struct plan_router *r = &d->plan->routers[index];
	unsigned rank = d->rank[r->service], who = router_of(d, r);
	struct ingress_service *s = &d->out->services[rank];
	struct ingress_router *to;

	if (who == INGRESS_NOBODY)
		return;
	to = &d->out->routers[who];
	to->services |= s->bit;
	if (r->forward & WCCP_METHOD_L2)
		to->l2 |= s->bit;
	if (r->ret & WCCP_METHOD_L2)
		to->return_l2 |= s->bit;
	if (s->router == INGRESS_NONE)
		s->router = (uint8_t)who;
	add_sender(d, to->id, who);
	add_sender(d, to->address, who);
	if (d->facts->macs[index].known) {
		memcpy(to->mac, d->facts->macs[index].octets, sizeof(to->mac));
		add_sender(d, ingress_mac_key(to->mac), who);
	}
}

/* A prefix that is shorter than the half that is looked at covers several. */
static void mark_local(struct ingress_config *out, const struct facts_local *l)
{
	uint32_t first = addr_to_v4(&l->addr) >> 16;
	uint32_t n = l->bits < 16 ? 1u << (16 - l->bits) : 1;

	first -= first % n;
	for (uint32_t half = first; half < first + n; half++)
		out->near_local[half / 64] |= 1ULL << half % 64;
}

void ingress_render(const struct plan *plan, const struct facts *facts,
		    const uint32_t *counters, struct ingress_config *out)
{
	struct draft d = { .plan = plan, .facts = facts, .out = out };

	memset(out, 0, sizeof(*out));
	out->self = to_be32(&plan->self);
	out->mark = plan->mark;
	out->mark_mask = plan->mark_mask;
	out->mtu = facts->mtu;
	memset(out->service_of_id, INGRESS_NONE, sizeof(out->service_of_id));
	rank_services(&d);
	for (unsigned i = 0; i < plan->n_services; i++)
		add_service(&d, i, counters[i]);
	for (unsigned i = 0; i < plan->n_routers; i++)
		add_router(&d, i);
	for (unsigned i = 0; i < plan->n_fellows; i++)
		add_sender(&d, to_be32(&plan->fellows[i]), INGRESS_FELLOW);
	for (unsigned i = d.n_senders; i < INGRESS_SENDERS; i++)
		out->senders[i].key = INGRESS_KEY_UNUSED;
	for (unsigned i = 0; i < facts->n_locals; i++)
		mark_local(out, &facts->locals[i]);
	for (out->span = 1; out->span < d.n_senders; out->span *= 2)
		;
}
