/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The services of the router: events in, actions out, the data plane behind them. */
#include "wccprouter/service/routerd_services.h"

#include "clock.h"
#include "log.h"
#include "wccprouter/service/member_log.h"

#include <stdlib.h>
#include <string.h>

/* -- life -------------------------------------------------------------------------- */

static int routerd_services_open_one(struct routerd_services *s,
				     const struct routerd_conf_service *conf)
{
	struct routerd_service *one = &s->list[s->n];

	one->conf = conf;
	one->in_force = conf->router;
	one->router = router_new(&one->in_force, clock_numbers());
	if (!one->router)
		return -1;
	router_get_status(one->router, &s->status[s->n++]);
	return 0;
}

struct routerd_services *
routerd_services_new(const struct routerd_conf *conf,
		     const struct routerd_services_calls *calls)
{
	struct routerd_services *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->conf = conf;
	s->calls = *calls;
	for (unsigned i = 0; i < conf->n_services; i++)
		if (routerd_services_open_one(s, &conf->services[i]) < 0) {
			routerd_services_free(s);
			return NULL;
		}
	return s;
}

void routerd_services_free(struct routerd_services *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n; i++)
		router_free(s->list[i].router);
	free(s);
}

int routerd_services_find(const struct routerd_services *s, const char *name)
{
	for (unsigned i = 0; i < s->n; i++)
		if (strcmp(s->list[i].conf->name, name) == 0)
			return (int)i;
	return -1;
}

/* -- the data plane follows -------------------------------------------------------- */

void routerd_services_apply(struct routerd_services *s)
{
	struct err err;

	if (forward_apply(s->forward, s->status, &err) == 0) {
		if (s->stale)
			log_state(NOTE_INFO, "applied", (struct log_about){ 0 },
				  "the data plane follows again");
		s->stale = false;
		return;
	}
	if (!s->stale)
		log_state(NOTE_ERROR, "apply-failed", (struct log_about){ 0 },
			  "%s; trying again", err.text);
	s->stale = true; /* the owner's next refresh tries again */
}

/* -- events in, actions out -------------------------------------------------------- */

static void routerd_services_send(struct routerd_services *s,
				  const struct routerd_service *one,
				  const struct action *x,
				  const struct udp_arrival *arrival, struct mono now)
{
	struct udp_way way = { .to = x->peer };

	if (arrival && addr_equal(&x->peer, &arrival->from))
		way.local = arrival->local;
	else
		way.local = reply_source_find(one->sources, &x->peer);
	s->calls.send(s->calls.arg, one->conf, &way, action_octets(&s->actions, x),
		      x->len, now);
}

/* `one` is NULL if the actions belong to no service, `arrival` if no datagram caused
 * them. */
static void routerd_services_carry_out(struct routerd_services *s,
				       const struct routerd_service *one,
				       const struct udp_arrival *arrival,
				       struct mono now)
{
	for (unsigned i = 0; i < s->actions.n; i++) {
		const struct action *x = &s->actions.list[i];

		if (x->kind == ACTION_SEND)
			routerd_services_send(s, one, x, arrival, now);
		else if (x->kind == ACTION_NOTE)
			log_note(&s->actions, x, one->conf->name, now);
	}
	if (s->actions.dropped)
		log_state(NOTE_WARNING, "actions-full",
			  (struct log_about){ .service = one->conf->name },
			  "%u actions dropped", s->actions.dropped);
}

static bool routerd_services_asks_to_apply(const struct actions *a)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->list[i].kind == ACTION_CHANGED)
			return true;
	return false;
}

/* One step of service `i`.  The data plane follows before the answer goes out, so a
 * web-cache that learns of a change can rely on it. */
static void routerd_services_step(struct routerd_services *s, unsigned i,
				  const struct router_event *ev,
				  const struct udp_arrival *arrival)
{
	struct routerd_service *one = &s->list[i];
	bool changed;

	actions_reset(&s->actions);
	router_step(one->router, ev, &s->msg, &s->actions);
	router_get_status(one->router, &s->fresh);
	changed = member_log_compare(one->conf->name, &s->status[i], &s->fresh);
	s->status[i] = s->fresh;
	if (arrival)
		reply_source_remember(one->sources, &s->status[i], &arrival->from,
				      &arrival->local);
	if (changed || routerd_services_asks_to_apply(&s->actions))
		routerd_services_apply(s);
	routerd_services_carry_out(s, one, arrival, ev->now);
	s->calls.stepped(s->calls.arg, ev->now);
}

/* -- datagrams --------------------------------------------------------------------- */

int routerd_services_of(const struct routerd_services *s,
			const struct codec_datagram *datagram)
{
	if (datagram->refusal != CODEC_OK)
		return -1;
	for (unsigned i = 0; i < s->n; i++) {
		const struct router_conf *r = &s->list[i].conf->router;

		if (r->service_type == datagram->service_type &&
		    r->service_id == datagram->service_id)
			return s->list[i].shut ? -1 : (int)i;
	}
	return -1;
}

/* Not for any service of ours: a rate-limited line, and no answer. */
static void routerd_services_complain(struct routerd_services *s,
				      const struct addr *from,
				      const struct codec_datagram *datagram,
				      struct mono now)
{
	enum codec_refusal r = datagram->refusal;

	if (r != CODEC_OK) {
		s->refused[r]++;
		log_complain(codec_refusal_name(r), from, NULL, now,
			     "datagram of %zu octets refused", datagram->len);
		return;
	}
	s->unknown_service++;
	log_complain("unknown-service", from, NULL, now,
		     "%s service %u is not configured",
		     datagram->service_type == WCCP_SERVICE_STANDARD ? "well-known"
								     : "dynamic",
		     datagram->service_id);
}

void routerd_services_receive(struct routerd_services *s, int service,
			      const struct udp_arrival *arrival,
			      const struct codec_datagram *datagram, struct mono now)
{
	struct router_event ev = { .type = ROUTER_EV_RX, .now = now };

	if (service < 0) {
		routerd_services_complain(s, &arrival->from, datagram, now);
		return;
	}
	ev.rx.from = arrival->from;
	ev.rx.to = arrival->to;
	ev.rx.datagram = datagram;
	ev.rx.off_link = !forward_is_on_link(s->forward, &arrival->from);
	routerd_services_step(s, (unsigned)service, &ev, arrival);
}

/* -- time -------------------------------------------------------------------------- */

struct mono routerd_services_deadline(const struct routerd_services *s)
{
	struct mono next = MONO_NEVER;

	for (unsigned i = 0; i < s->n; i++)
		next = mono_min(next, router_deadline(s->list[i].router));
	return next;
}

void routerd_services_tick(struct routerd_services *s, struct mono now)
{
	struct router_event ev = { .type = ROUTER_EV_TICK, .now = now };

	for (unsigned i = 0; i < s->n; i++)
		if (mono_due(router_deadline(s->list[i].router), now))
			routerd_services_step(s, i, &ev, NULL);
}

int routerd_services_reset(struct routerd_services *s, unsigned i, struct mono now,
			   struct err *err)
{
	struct routerd_service *one = &s->list[i];
	struct router *r = router_new(&one->in_force, clock_numbers());

	if (!r)
		return err_set(err, "out of memory");
	router_free(one->router);
	one->router = r;
	router_get_status(r, &s->fresh);
	/* A closed service drops packets that no web-cache takes; a service that is
	 * shut does not. */
	s->fresh.described &= !one->shut;
	member_log_compare(one->conf->name, &s->status[i], &s->fresh);
	s->status[i] = s->fresh;
	routerd_services_apply(s);
	s->calls.stepped(s->calls.arg, now);
	return 0;
}
