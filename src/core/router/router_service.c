/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: which traffic the service group is for.  A well-known service is known
 * beforehand; a dynamic one is described by its first web-cache, and the description is
 * dropped with the last one (2.0 section 4.2).
 */
#include "core/router/router_impl.h"

#include <netinet/in.h>
#include <stdio.h>

static const struct wccp_service web_cache = {
	.type = WCCP_SERVICE_STANDARD,
	.id = WCCP_WEB_CACHE_ID,
	.priority = WCCP_WEB_CACHE_PRIORITY,
	.protocol = IPPROTO_TCP,
	.flags = WCCP_F_DST_IP_HASH | WCCP_F_PORTS_DEFINED,
	.ports = { 80 },
};

static bool router_service_is_web_cache(const struct router *r)
{
	return r->conf.service_type == WCCP_SERVICE_STANDARD &&
	       r->conf.service_id == WCCP_WEB_CACHE_ID;
}

void router_service_init(struct router *r)
{
	if (router_service_is_web_cache(r))
		snprintf(r->name, sizeof(r->name), "web-cache");
	else
		snprintf(r->name, sizeof(r->name), "%u", r->conf.service_id);
	router_service_forget(r);
}

void router_service_forget(struct router *r)
{
	r->described = router_service_is_web_cache(r);
	if (r->described)
		r->service = web_cache;
	else
		r->service = (struct wccp_service){ .type = r->conf.service_type,
						    .id = r->conf.service_id };
}

/* Clear fields that have no meaning, so that they make no difference: ports count only
 * with their flag, and only up to the first zero. */
static struct wccp_service router_service_normalize(const struct wccp_service *s)
{
	struct wccp_service out = *s;
	unsigned i = 0;

	if (s->flags & WCCP_F_PORTS_DEFINED)
		while (i < WCCP_MAX_PORTS && s->ports[i])
			i++;
	for (; i < WCCP_MAX_PORTS; i++)
		out.ports[i] = 0;
	return out;
}

static bool router_service_equal(const struct wccp_service *a,
				 const struct wccp_service *b)
{
	for (unsigned i = 0; i < WCCP_MAX_PORTS; i++)
		if (a->ports[i] != b->ports[i])
			return false;
	return a->priority == b->priority && a->protocol == b->protocol &&
	       a->flags == b->flags;
}

bool router_service_accepts(const struct router *r, const struct wccp_service *s)
{
	struct wccp_service theirs;

	/* A well-known service has no description; its fields should be zero and are
	 * ignored.  There is only one such service. */
	if (r->conf.service_type == WCCP_SERVICE_STANDARD)
		return r->described;
	if (!r->described)
		return true;
	theirs = router_service_normalize(s);
	return router_service_equal(&r->service, &theirs);
}

void router_service_learn(struct router *r, const struct wccp_service *s)
{
	if (r->described)
		return;
	r->service = router_service_normalize(s);
	r->described = true;
}

struct wccp_service router_service_stated(const struct router *r,
					  const struct wccp_service *theirs)
{
	if (r->conf.service_type == WCCP_SERVICE_STANDARD)
		return (struct wccp_service){ .type = r->conf.service_type,
					      .id = r->conf.service_id };
	return r->described || !theirs ? r->service : *theirs;
}
