/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random plans. */
#include "judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the first two the MAC address is known, of the last one not. */
const uint32_t router_ids[ROUTERS] = { ADDRESS(10, 0, 9, 1), ADDRESS(10, 2, 0, 4),
				       ADDRESS(10, 0, 9, 3) };
const uint32_t router_addresses[ROUTERS] = { ADDRESS(10, 2, 0, 1), ADDRESS(10, 2, 0, 4),
					     ADDRESS(10, 2, 0, 5) };
const uint32_t others[OTHERS] = { ADDRESS(10, 2, 0, 3), ADDRESS(10, 2, 0, 6) };
bool forwards;

void plan_begin(struct plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	plan->n_interfaces = 1;
	strcpy(plan->interfaces[0], "eth0");
	plan->self = addr_v4(SELF);
	plan->mark = 0x100;
	plan->mark_mask = 0xff00;
	plan->table = 222;
	plan->n_services = 1 + chance_below(SERVICES);
	for (unsigned i = 0; i < plan->n_services; i++) {
		plan->services[i].service.type = i == 0 && chance(50)
							 ? WCCP_SERVICE_STANDARD
							 : WCCP_SERVICE_DYNAMIC;
		plan->services[i].service.id =
			(uint8_t)(plan->services[i].service.type ? 50 + i : 0);
	}
	forwards = chance(50);
}

static void change_pools(struct plan *plan)
{
	plan->n_pools = 2;
	for (unsigned i = 0; i < plan->n_pools; i++) {
		struct plan_pool *p = &plan->pools[i];

		memset(p, 0, sizeof(*p));
		snprintf(p->name, sizeof(p->name), "pool%u", i);
		p->n_instances = 1;
		strcpy(p->instances[0].name, "one");
		p->instances[0].weight = 100;
		p->instances[0].takes = chance(80);
		if (chance(80))
			sockets_add(p, 0, i);
	}
}

static void describe(struct wccp_service *s)
{
	static const uint8_t protocols[] = { 6, 6, 6, 6, 6, 17, 0, 1, 47 };
	static const uint16_t ports[] = { 80, 443, 8080, 5000 };

	s->priority = (uint8_t)(chance(50) ? 100 : chance_below(256));
	s->protocol = protocols[chance_below(sizeof(protocols))];
	s->flags = chance_below(16) | chance_below(16) << 8;
	if (chance(80))
		s->flags |= WCCP_F_PORTS_DEFINED;
	if (chance(20))
		s->flags |= WCCP_F_PORTS_SOURCE;
	if (chance(20))
		s->flags |= WCCP_F_ONLY_PROTOCOL_0;
	memset(s->ports, 0, sizeof(s->ports));
	for (unsigned i = 0, n = chance_below(4); i < n; i++)
		s->ports[i] = chance(80) ? ports[chance_below(4)]
					 : (uint16_t)(1 + chance_below(65535));
}

/* Up to ten bits, anywhere. */
static struct wccp_mask random_mask(void)
{
	uint32_t src = 0, dst = 0;
	struct wccp_mask m = { 0 };

	for (unsigned n = 1 + chance_below(10); n; n--)
		switch (chance_below(4)) {
		case 0:
			src |= 1u << chance_below(chance(70) ? 16 : 32);
			break;
		case 1:
			dst |= 1u << chance_below(chance(70) ? 8 : 32);
			break;
		case 2:
			m.sport |= (uint16_t)(1u << chance_below(16));
			break;
		default:
			m.dport |= (uint16_t)(1u << chance_below(16));
		}
	if (src)
		m.src = addr_v4(src);
	if (dst)
		m.dst = addr_v4(dst);
	return m;
}

static struct addr random_owner(void)
{
	switch (chance_below(8)) {
	case 0:
		return addr_v4(SELF);
	case 1:
		return addr_v4(ADDRESS(10, 2, 0, 99)); /* nobody of the group */
	case 2:
	case 3:
	case 4:
		return addr_v4(others[chance_below(OTHERS)]);
	}
	return (struct addr){ 0 };
}

static unsigned bits_of(const struct wccp_mask *m)
{
	return (unsigned)(__builtin_popcount(m->sport) + __builtin_popcount(m->dport) +
			  __builtin_popcount(addr_to_v4(&m->src)) +
			  __builtin_popcount(addr_to_v4(&m->dst)));
}

static void change_service(struct plan_service *s)
{
	if (s->service.type == WCCP_SERVICE_DYNAMIC)
		describe(&s->service);
	s->pool = chance_below(2);
	s->drop_when_down = chance(20);
	s->returns_new = chance(15);
	s->drop_udp = chance(40);
}

void plan_set_assignment(struct plan *plan, enum kind kind)
{
	for (unsigned i = 0; i < plan->n_services; i++) {
		struct plan_service *s = &plan->services[i];

		s->by_mask = kind == MASK || (kind != HASH && chance(50));
		s->mask = s->by_mask ? random_mask() : (struct wccp_mask){ 0 };
		s->n_slots = s->by_mask ? 1u << bits_of(&s->mask) : WCCP_BUCKETS;
		for (unsigned b = 0; b < sizeof(s->hot.octets); b++)
			s->hot.octets[b] = (uint8_t)(chance(30) ? chance_below(256) : 0);
		memset(s->handover, 0, sizeof(s->handover));
		for (unsigned slot = 0; slot < s->n_slots; slot++)
			s->handover[slot] = random_owner();
		s->asked = chance(60) ? chance_below(1 << OTHERS) : 0;
	}
}

static void change_routers(struct plan *plan)
{
	plan->n_routers = 0;
	for (unsigned s = 0; s < plan->n_services; s++)
		for (unsigned r = 0; r < ROUTERS; r++)
			if (chance(70))
				plan->routers[plan->n_routers++] = (struct plan_router){
					.service = s,
					.id = addr_v4(router_ids[r]),
					.address = addr_v4(router_addresses[r]),
					.forward = chance(50) ? WCCP_METHOD_GRE
							      : WCCP_METHOD_L2,
					.ret = chance(50) ? WCCP_METHOD_GRE
							  : WCCP_METHOD_L2,
					.held = chance(15),
				};
}

static uint32_t random_end(uint8_t set)
{
	const struct flow *f = &flows[chance_below(FLOWS)];

	if (chance(40))
		return set ? f->server : f->client;
	return set ? ADDRESS(198, 51, 100, 0) + chance_below(256)
		   : ADDRESS(10, 1, 0, 0) + chance_below(1 << 16);
}

static bool has_prefix(const struct plan_bypass *b, const struct plan_bypass_entry *e)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->list[i].set == e->set && b->list[i].prefix.bits == e->prefix.bits &&
		    addr_equal(&b->list[i].prefix.addr, &e->prefix.addr))
			return true;
	return false;
}

static void change_bypass(struct plan *plan)
{
	static struct plan_bypass *b;

	free(b);
	b = calloc(1, sizeof(*b) + BYPASSES * sizeof(b->list[0]));
	for (unsigned n = chance(60) ? chance_below(BYPASSES + 1) : 0; n > 0; n--) {
		struct plan_bypass_entry *e = &b->list[b->n];
		uint8_t bits = (uint8_t)(chance(80) ? 18 + chance_below(15) : chance_below(33));

		e->set = (uint8_t)chance_below(2);
		e->redirect = chance(40);
		e->prefix.bits = bits;
		e->prefix.addr = addr_v4(random_end(e->set) & (bits ? ~0u << (32 - bits) : 0));
		b->n += !has_prefix(b, e);
	}
	memset(&b->list[b->n], 0, (BYPASSES - b->n) * sizeof(b->list[0]));
	for (unsigned i = 0; i < b->n; i++)
		b->of_set[b->list[i].set]++;
	plan->bypass = chance(20) ? NULL : b;
}

void plan_change(struct plan *plan)
{
	change_bypass(plan);
	change_pools(plan);
	for (unsigned i = 0; i < plan->n_services; i++)
		change_service(&plan->services[i]);
	change_routers(plan);
	plan->n_other_caches = chance_below(OTHERS + 1);
	for (unsigned i = 0; i < plan->n_other_caches; i++)
		plan->other_caches[i] = addr_v4(others[i]);
}
