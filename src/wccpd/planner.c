/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The desired state of the kernel.  Pure: everything comes in as arguments. */
#include "wccpd/planner.h"

#include <string.h>

void planner_begin(const struct conf *conf, struct plan *out)
{
	out->any_interface = conf->any_interface;
	out->n_interfaces = conf->n_interfaces;
	memcpy(out->interfaces, conf->interfaces, sizeof(out->interfaces));
	out->self = conf->address;
	out->mark = conf->mark;
	out->mark_mask = conf->mark_mask;
	memcpy(out->delivery_interface, conf->delivery_interface,
	       sizeof(out->delivery_interface));
	out->table = conf->table;
	out->rule_priority = conf->rule_priority;
	out->tc_priority = conf->tc_priority;
	out->n_services = out->n_pools = out->n_routers = out->n_other_caches = 0;
	out->n_addresses = out->n_left_out = out->n_sources = 0;
}

/* There is always room for another service at a known router, but the number of routers
 * is limited. */
static bool planner_has_room(const struct cache_router_status *r, struct plan *out)
{
	for (unsigned i = 0; i < out->n_routers; i++)
		if (addr_equal(&out->routers[i].id, &r->id) &&
		    addr_equal(&out->routers[i].address, &r->address))
			return out->n_routers < PLAN_MAX_ROUTERS;
	if (out->n_addresses == PLAN_MAX_ADDRESSES)
		return false;
	out->n_addresses++;
	return true;
}

/* Accept redirected packets from a router as soon as methods are agreed, and while we
 * are leaving it: it goes on sending until it has heard of that. */
static void planner_add_routers(unsigned service, const struct cache_status *status,
				struct plan *out)
{
	for (unsigned i = 0; i < status->n_routers; i++) {
		const struct cache_router_status *r = &status->routers[i];

		/* Packets from IPv6 routers are not accepted yet. */
		if (r->id.family != ADDR_V4 || r->forward == 0)
			continue;
		if (!planner_has_room(r, out)) {
			out->n_left_out++;
			continue;
		}
		out->routers[out->n_routers++] = (struct plan_router){
			.service = service,
			.id = r->id,
			.address = r->address,
			.forward = r->forward,
			.ret = r->ret,
		};
	}
}

/* The first of the service's routers that agreed on this method, among those from `first`
 * on; the plan's number of routers: none. */
static unsigned planner_router_by(const struct plan *plan, unsigned first, uint32_t method)
{
	while (first < plan->n_routers && !(plan->routers[first].forward & method))
		first++;
	return first;
}

static void planner_add_source(struct plan *out, const struct plan_source *source)
{
	if (source->router < out->n_routers && out->n_sources < PLAN_MAX_SOURCES)
		out->sources[out->n_sources++] = *source;
}

/* Before a router has agreed on anything, there is nothing to accept. */
static void planner_add_sources(const struct conf_service *conf, unsigned first,
				struct plan *out)
{
	struct plan_source gre = {
		.router = planner_router_by(out, first, WCCP_METHOD_GRE),
	};
	struct plan_source l2 = {
		.router = planner_router_by(out, first, WCCP_METHOD_L2),
		.by_mac = true,
	};

	for (unsigned i = 0; i < conf->n_gre_sources; i++) {
		gre.addr = conf->gre_sources[i];
		planner_add_source(out, &gre);
	}
	for (unsigned i = 0; i < conf->n_l2_sources; i++) {
		memcpy(l2.mac, conf->l2_sources[i], sizeof(l2.mac));
		planner_add_source(out, &l2);
	}
}

/* We exchange no packets with strangers, whatever they say. */
static void planner_add_other_caches(const struct cache_conf *conf,
				     const struct cache_status *status,
				     struct plan *out)
{
	for (unsigned i = 0; i < status->n_caches; i++) {
		const struct addr *a = &status->caches[i].addr;

		if (addr_equal(a, &out->self) || !cache_conf_allows(conf, a) ||
		    addr_find(out->other_caches, out->n_other_caches, a) >= 0 ||
		    out->n_other_caches == WCCP_MAX_CACHES)
			continue;
		out->other_caches[out->n_other_caches++] = *a;
	}
}

void planner_add_service(const struct conf_service *conf,
			 const struct cache_status *status, struct plan *out)
{
	struct plan_service *s = &out->services[out->n_services];
	unsigned first_router = out->n_routers;

	s->service = conf->group.service;
	snprintf(s->name, sizeof(s->name), "%s", conf->name);
	/* Services of a plan are in the order of the configuration. */
	s->mate = conf->pair;
	s->pool = conf->pool;
	s->drop_when_down = conf->drop_when_down;
	s->by_mask = status->by_mask;
	s->mask = status->mask;
	s->n_slots = status->n_slots;
	s->my_slots = status->my_slots;
	memcpy(s->handover, status->handover, sizeof(s->handover));
	/* The protocol does not tell which buckets are hot; all web-caches of a
	 * group are configured alike. */
	s->hot = conf->group.alt_buckets;
	if (conf->group.n_routers > 0)
		s->proof_source = conf->group.routers[0];
	planner_add_routers(out->n_services, status, out);
	planner_add_sources(conf, first_router, out);
	planner_add_other_caches(&conf->group, status, out);
	out->n_services++;
}
