/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccprouter/forward/forward_earlier.h"

#include <string.h>

enum {
	FORWARD_EARLIER_TIMES = 3, /* T: a web-cache that is silent for longer is lost */
	FORWARD_EARLIER_T_MS = 10000, /* while it is not known */
};

/* -- what is saved ------------------------------------------------------------------- */

static void forward_saved_note_service(struct forward_saved_service *s,
				       const struct router_conf *conf,
				       const struct router_status *status)
{
	memset(s, 0, sizeof(*s));
	s->type = conf->service_type;
	s->id = conf->service_id;
	s->assigned = status->assigned;
	s->transmit_t_ms = status->transmit_t_ms;
	for (unsigned i = 0; i < status->n_caches; i++)
		if (status->caches[i].usable)
			s->caches[s->n_caches++] = status->caches[i].addr;
}

void forward_saved_note(struct forward_saved *saved, const struct routerd_conf *conf,
			const struct router_status *status)
{
	saved->n_services = conf->n_services;
	for (unsigned i = 0; i < conf->n_services; i++)
		forward_saved_note_service(&saved->services[i], &conf->services[i].router,
					   &status[i]);
}

bool forward_saved_fits(const struct forward_saved *saved, const struct routerd_conf *conf)
{
	if (saved->n_services != conf->n_services ||
	    saved->n_hooks > ROUTERD_ALL_INTERFACES)
		return false;
	for (unsigned i = 0; i < conf->n_services; i++)
		if (saved->services[i].type != conf->services[i].router.service_type ||
		    saved->services[i].id != conf->services[i].router.service_id)
			return false;
	return true;
}

/* -- waiting ------------------------------------------------------------------------- */

static int64_t forward_earlier_timeout_ms(const struct forward_earlier *e,
					  const struct routerd_conf *conf)
{
	int64_t longest = 0;

	for (unsigned i = 0; i < conf->n_services; i++)
		if (e->services[i].n_caches && e->services[i].transmit_t_ms > longest)
			longest = e->services[i].transmit_t_ms;
	return FORWARD_EARLIER_TIMES * (longest ? longest : FORWARD_EARLIER_T_MS);
}

void forward_earlier_begin(struct forward_earlier *e, const struct forward_saved *saved,
			   const struct routerd_conf *conf, struct mono now)
{
	*e = (struct forward_earlier){ .waits = true };
	for (unsigned i = 0; i < conf->n_services; i++) {
		if (saved)
			e->services[i] = saved->services[i];
		else
			e->services[i].assigned = true;
	}
	e->until = mono_add_ms(now, forward_earlier_timeout_ms(e, conf));
}

static bool forward_earlier_has(const struct router_status *st, const struct addr *cache)
{
	for (unsigned i = 0; i < st->n_caches; i++)
		if (st->caches[i].usable && addr_equal(&st->caches[i].addr, cache))
			return true;
	return false;
}

static bool forward_earlier_has_all(const struct forward_saved_service *was,
				    const struct router_status *st)
{
	for (unsigned i = 0; i < was->n_caches; i++)
		if (!forward_earlier_has(st, &was->caches[i]))
			return false;
	return true;
}

bool forward_earlier_waits(struct forward_earlier *e, const struct routerd_conf *conf,
			   const struct router_status *status, struct mono now)
{
	bool all = true, assigned = true;

	for (unsigned i = 0; i < conf->n_services && e->waits; i++) {
		all = all && forward_earlier_has_all(&e->services[i], &status[i]);
		assigned = assigned && (!e->services[i].assigned || status[i].assigned);
	}
	/* The designated one of them needs its time, too. */
	if (all && !e->rejoined)
		e->until = mono_add_ms(now, forward_earlier_timeout_ms(e, conf));
	e->rejoined = all;
	e->waits = e->waits && !(all && assigned) && !mono_due(e->until, now);
	return e->waits;
}
