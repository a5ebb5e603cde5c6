/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The desired state of the kernel.  Pure: everything comes in as arguments. */
#include "wccpd/planner/planner.h"

#include <string.h>

void planner_begin(const struct conf *conf, struct plan *out)
{
	/* Nothing is redirected to pools that only listen. */
	out->any_interface = conf->any_interface && conf->n_services;
	out->n_interfaces = conf->n_services ? conf->n_interfaces : 0;
	memcpy(out->interfaces, conf->interfaces, sizeof(out->interfaces));
	out->self = conf->address;
	out->mark = conf->mark;
	out->mark_mask = conf->mark_mask;
	memcpy(out->delivery_interface, conf->delivery_interface,
	       sizeof(out->delivery_interface));
	out->table = conf->table;
	out->rule_priority = conf->rule_priority;
	out->tc_priority = conf->tc_priority;
	out->bypass = conf->bypass;
	out->n_services = out->n_pools = out->n_routers = out->n_other_caches = 0;
	out->n_addresses = out->n_left_out = out->n_sources = 0;
	out->n_listens = conf->n_listens;
	memcpy(out->listens, conf->listens, sizeof(out->listens));
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

		if (r->id.family != out->self.family || r->forward == 0)
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

/* -- what the process before knew ----------------------------------------------------- */

static const struct plan_service *planner_find_service(const struct plan *earlier,
						       const struct wccp_service *id)
{
	for (unsigned i = 0; earlier && i < earlier->n_services; i++)
		if (wccp_same_group(&earlier->services[i].service, id))
			return &earlier->services[i];
	return NULL;
}

static bool planner_has_heard(const struct cache_status *status,
			      const struct plan_router *r)
{
	for (unsigned i = 0; i < status->n_routers; i++)
		if (status->routers[i].forward != 0 &&
		    (addr_equal(&status->routers[i].address, &r->address) ||
		     addr_equal(&status->routers[i].id, &r->id)))
			return true;
	return false;
}

static bool planner_has_heard_any(const struct cache_status *status)
{
	for (unsigned i = 0; i < status->n_routers; i++)
		if (status->routers[i].forward != 0)
			return true;
	return false;
}

static bool planner_may_be_router(const struct cache_conf *conf, const struct addr *a)
{
	return (addr_is_set(&conf->multicast) && conf->n_routers == 0) ||
	       addr_find(conf->routers, conf->n_routers, a) >= 0;
}

static void planner_keep_routers(const struct conf_service *conf,
				 const struct cache_status *status,
				 const struct plan *earlier,
				 const struct plan_service *was, struct plan *out)
{
	for (unsigned i = 0; i < earlier->n_routers; i++) {
		const struct plan_router *r = &earlier->routers[i];
		const struct cache_router_status as = { .id = r->id,
							.address = r->address };

		if (&earlier->services[r->service] != was || r->guessed ||
		    planner_has_heard(status, r) ||
		    !planner_may_be_router(&conf->group, &r->address) ||
		    !planner_has_room(&as, out))
			continue;
		out->routers[out->n_routers] = *r;
		out->routers[out->n_routers].held = false;
		out->routers[out->n_routers++].service = out->n_services;
	}
}

static void planner_keep_slots(const struct plan_service *was, struct plan_service *s)
{
	s->by_mask = was->by_mask;
	s->mask = was->mask;
	s->n_slots = was->n_slots;
	s->my_slots = was->my_slots;
	memcpy(s->handover, was->handover, sizeof(s->handover));
}

/* A group that has just started does not know who had a slot before. */
static void planner_keep_handover(const struct plan_service *was,
				  const struct cache_status *status,
				  struct plan_service *s)
{
	if (was->n_slots != s->n_slots || was->by_mask != s->by_mask)
		return;
	for (unsigned i = 0; i < s->n_slots; i++)
		for (unsigned k = 0; k < status->n_caches && !addr_is_set(&s->handover[i]);
		     k++)
			if (addr_equal(&status->caches[k].addr, &was->handover[i]))
				s->handover[i] = was->handover[i];
}

/* As a member of the service that is being added. */
static void planner_add_other_cache(const struct cache_conf *conf, const struct addr *a,
				    struct plan *out)
{
	int at = addr_find(out->other_caches, out->n_other_caches, a);

	if (addr_equal(a, &out->self) || !cache_conf_allows(conf, a) ||
	    (at < 0 && out->n_other_caches == WCCP_MAX_CACHES))
		return;
	if (at < 0) {
		at = (int)out->n_other_caches++;
		out->other_caches[at] = *a;
	}
	out->services[out->n_services].members |= 1u << at;
}

static void planner_keep_earlier(const struct conf_service *conf,
				 const struct cache_status *status,
				 const struct plan *earlier, struct plan *out)
{
	struct plan_service *s = &out->services[out->n_services];
	const struct plan_service *was =
		planner_find_service(earlier, &conf->group.service);

	if (!was)
		return;
	planner_keep_routers(conf, status, earlier, was, out);
	if (planner_has_heard_any(status)) {
		planner_keep_handover(was, status, s);
		return;
	}
	planner_keep_slots(was, s);
	for (unsigned i = 0; i < earlier->n_other_caches; i++)
		planner_add_other_cache(&conf->group, &earlier->other_caches[i], out);
}

static const struct plan_pool *planner_find_pool(const struct plan *earlier,
						 const char *name)
{
	for (unsigned i = 0; earlier && i < earlier->n_pools; i++)
		if (strcmp(earlier->pools[i].name, name) == 0)
			return &earlier->pools[i];
	return NULL;
}

static bool planner_took(const struct plan_pool *was, const char *instance, uint64_t inode)
{
	for (unsigned i = 0; i < was->n_listeners; i++) {
		const struct plan_instance *in = &was->instances[was->listeners[i].instance];

		if (was->listeners[i].inode == inode && in->takes &&
		    strcmp(in->name, instance) == 0)
			return true;
	}
	return false;
}

void planner_keep_instance(const struct plan *earlier, unsigned instance,
			   struct plan_pool *pool)
{
	const struct plan_pool *was = planner_find_pool(earlier, pool->name);
	struct plan_instance *in = &pool->instances[instance];

	for (unsigned i = 0; was && i < pool->n_listeners; i++)
		if (pool->listeners[i].instance == instance)
			in->takes |= planner_took(was, in->name, pool->listeners[i].inode);
}

/* -- services -------------------------------------------------------------------------- */

static bool planner_has_router(const struct plan *plan, unsigned service,
			       const struct addr *address)
{
	for (unsigned i = 0; i < plan->n_routers; i++)
		if (plan->routers[i].service == service &&
		    addr_equal(&plan->routers[i].address, address))
			return true;
	return false;
}

static bool planner_accepts(const struct cache_preference *p, uint32_t method)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->methods[i] == method)
			return true;
	return false;
}

void planner_add_guesses(const struct conf_service *conf, unsigned service,
			 struct plan *out)
{
	const struct cache_conf *group = &conf->group;

	if (!planner_accepts(&group->forward, WCCP_METHOD_GRE))
		return;
	for (unsigned i = 0; i < group->n_routers; i++) {
		const struct addr *a = &group->routers[i];
		const struct cache_router_status as = { .id = *a, .address = *a };

		if (a->family != out->self.family || planner_has_router(out, service, a) ||
		    !planner_has_room(&as, out))
			continue;
		out->routers[out->n_routers++] = (struct plan_router){
			.service = service,
			.id = *a,
			.address = *a,
			.forward = WCCP_METHOD_GRE,
			.ret = planner_accepts(&group->ret, WCCP_METHOD_GRE)
				       ? WCCP_METHOD_GRE
				       : WCCP_METHOD_L2,
			.guessed = true,
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
	for (unsigned i = 0; i < status->n_caches; i++)
		planner_add_other_cache(conf, &status->caches[i].addr, out);
}

void planner_add_service(const struct conf_service *conf,
			 const struct cache_status *status, const struct plan *earlier,
			 struct plan *out)
{
	struct plan_service *s = &out->services[out->n_services];
	unsigned first_router = out->n_routers;

	s->service = conf->group.service;
	snprintf(s->name, sizeof(s->name), "%s", conf->name);
	/* Services of a plan are in the order of the configuration. */
	s->mate = conf->pair;
	s->pool = conf->pool;
	memcpy(s->port_pools, conf->port_pools, sizeof(s->port_pools));
	s->drop_when_down = conf->drop_when_down;
	s->drop_udp = conf->drop_udp;
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
	s->members = s->asked = 0; /* asked: see handover_watch_mark() */
	planner_add_routers(out->n_services, status, out);
	planner_keep_earlier(conf, status, earlier, out);
	planner_add_sources(conf, first_router, out);
	planner_add_other_caches(&conf->group, status, out);
	out->n_services++;
}
