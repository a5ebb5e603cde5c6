/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/delivery/delivery_lists.h"

#include "clock.h"

struct delivery_service *delivery_lists_find(struct delivery_lists *l,
					     const struct wccp_service *id)
{
	for (unsigned i = 0; i < l->n_services; i++)
		if (wccp_same_group(&l->services[i].id, id))
			return &l->services[i];
	return NULL;
}

/* There are as many places as services in a plan; one that is no longer planned
 * makes room. */
static struct delivery_service *delivery_lists_make_room(struct delivery_lists *l)
{
	if (l->n_services < PLAN_MAX_SERVICES)
		return &l->services[l->n_services++];
	for (unsigned i = 0; i < l->n_services; i++)
		if (!l->services[i].planned)
			return &l->services[i];
	return &l->services[0];
}

struct delivery_service *delivery_lists_service(struct delivery_lists *l,
						const struct wccp_service *id)
{
	struct delivery_service *s = delivery_lists_find(l, id);

	if (s)
		return s;
	s = delivery_lists_make_room(l);
	*s = (struct delivery_service){ .id = *id };
	delivery_init(&s->delivery, clock_now());
	if (l->trusts)
		delivery_proven(&s->delivery, clock_now());
	return s;
}

struct delivery_router *delivery_lists_router(struct delivery_lists *l,
					      const struct wccp_service *service,
					      const struct addr *id, bool add)
{
	for (unsigned i = 0; i < l->n_routers; i++)
		if (addr_equal(&l->routers[i].id, id) &&
		    wccp_same_group(&l->routers[i].service, service))
			return &l->routers[i];
	if (!add || l->n_routers == PLAN_MAX_ADDRESSES)
		return NULL;
	l->routers[l->n_routers] =
		(struct delivery_router){ .service = *service, .id = *id };
	return &l->routers[l->n_routers++];
}

bool delivery_lists_holds_router(const struct delivery_lists *l,
				 const struct wccp_service *service,
				 const struct addr *router)
{
	for (unsigned i = 0; i < l->n_routers; i++)
		if (l->routers[i].failed > 1 && addr_equal(&l->routers[i].id, router) &&
		    wccp_same_group(&l->routers[i].service, service))
			return true;
	return false;
}

bool delivery_lists_holds(const struct delivery_lists *l, const struct wccp_service *service,
			  const struct addr *router)
{
	for (unsigned i = 0; i < l->n_services; i++)
		if (wccp_same_group(&l->services[i].id, service) &&
		    delivery_holds(&l->services[i].delivery))
			return true;
	return delivery_lists_holds_router(l, service, router);
}
