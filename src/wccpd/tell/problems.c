/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/tell/problems.h"

#include <stdarg.h>
#include <stdio.h>

/* How long it may take, in intervals of HERE_I_AMs, until a router lists us, and until
 * we have slots. */
enum { PROBLEMS_UNLISTED_TS = 4, PROBLEMS_IDLE_TS = 6 };

void problems_add(json_t *list, const struct problem *p, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	json_array_append_new(
		list, json_pack("{s:s, s:s?, s:s?, s:o, s:s}", "kind", p->kind, "service",
				p->service, "about", p->about, "since_s",
				p->since_ms < 0 ? json_null()
						: json_integer(p->since_ms / 1000),
				"text", text));
}

/* -- delivery ------------------------------------------------------------------------ */

const char *problems_delivery_text(const struct delivery *d)
{
	switch (d->state) {
	case DELIVERY_UNPROVEN:
		return "not announced";
	case DELIVERY_GOOD:
	case DELIVERY_DOUBTFUL: /* for less than a second */
		return NULL;
	case DELIVERY_FAILING:
		return "delivery fails, new connections are given back";
	case DELIVERY_WITHDRAWN:
		return "delivery fails, withdrawn";
	}
	return NULL;
}

void problems_add_delivery(json_t *list, const char *service, const struct delivery *d,
			   struct mono now)
{
	const struct problem p = {
		.kind = "delivery",
		.service = service,
		.since_ms = mono_ms_between(d->since, now),
	};

	if (problems_delivery_text(d))
		problems_add(list, &p, "%s: %s", problems_delivery_text(d), d->reason);
}

/* -- routers ------------------------------------------------------------------------- */

static bool problems_router_is_bad(const struct cache_router_status *r, int64_t lasted_ms)
{
	switch (r->state) {
	case PEER_WAITING:
		return r->outstanding > 3;
	case PEER_NEGOTIATING:
		return lasted_ms > PROBLEMS_UNLISTED_TS * (int64_t)r->transmit_t_ms;
	case PEER_JOINED:
		return lasted_ms > PROBLEMS_IDLE_TS * (int64_t)r->transmit_t_ms;
	case PEER_LOST:
	case PEER_MISMATCH:
	case PEER_AUTH_FAILED:
		return true;
	case PEER_IDLE:
	case PEER_ASSIGNED:
	case PEER_DRAINING:
	case PEER_WITHDRAWN:
	case PEER_STATES:
		break;
	}
	return false;
}

void problems_add_routers(json_t *list, const char *service,
			  const struct cache_status *st, struct mono now)
{
	for (unsigned i = 0; i < st->n_routers; i++) {
		const struct cache_router_status *r = &st->routers[i];
		struct addr_text address;
		const struct problem p = {
			.kind = "router",
			.service = service,
			.about = addr_text(&r->address, &address),
			.since_ms = mono_ms_between(r->since, now),
		};

		if (problems_router_is_bad(r, p.since_ms))
			problems_add(list, &p, "%s%s%s", peer_state_name(r->state),
				     r->reason ? ": " : "", r->reason ? r->reason : "");
	}
}

/* -- pools --------------------------------------------------------------------------- */

static void problems_add_instance(json_t *list, const struct pool *pool,
				  const struct instance *in, struct mono now)
{
	const struct health *h = &in->health;
	const char *failure = h->state == HEALTH_DOWN || h->state == HEALTH_STARTING
				      ? in->failure
				      : NULL;
	char name[2 * sizeof(pool->conf->name)];
	const struct problem p = {
		.kind = "instance",
		.about = name,
		.since_ms = mono_ms_between(h->since, now),
	};

	if (health_counts(h, now) || in->wanted == INSTANCE_IN_MAINTENANCE)
		return;
	snprintf(name, sizeof(name), "%s/%s", pool->conf->name, in->conf->name);
	problems_add(list, &p, "%s, port %u%s%s%s%s", health_state_name(h->state),
		     in->conf->port, h->reason ? ": " : "", h->reason ? h->reason : "",
		     failure ? "; last check: " : "", failure ? failure : "");
}

void problems_add_pool(json_t *list, const struct pool *p, struct mono now)
{
	struct pools_strength k = pools_strength(p);
	const struct problem pool = {
		.kind = "pool",
		.about = p->conf->name,
		.since_ms = -1,
	};

	if (k.up == 0 || k.up < p->conf->min_instances)
		problems_add(list, &pool, "down: %u of %u instances count, %u needed",
			     k.up, k.all,
			     p->conf->min_instances ? p->conf->min_instances : 1);
	for (unsigned i = 0; i < p->n_instances; i++)
		problems_add_instance(list, p, p->instances[i], now);
}
