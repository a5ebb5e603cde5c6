/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/delivery/delivery_watch.h"

#include "clock.h"
#include "kernel/syn_ack_tap.h"
#include "log.h"
#include "wccpd/delivery/delivery_lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DELIVERY_ROUND_MS = 2000,  /* from one round to the next, all well */
	DELIVERY_AGAIN_MS = 500,   /* while something fails */
	DELIVERY_URGENT_MS = 50,   /* after a first failure */
	DELIVERY_TRAVEL_MS = 20,   /* given to a batch of proofs to arrive */
};

struct delivery_watch {
	struct dp *dp;
	const struct plan *plan;
	struct event *timer;
	void (*changed)(void *arg);
	void *arg;
	bool in_round, is_travelling;
	bool told_why; /* that there are no proofs to be had */
	struct syn_ack_tap tap; /* awake while any service is in doubt */
	struct delivery_lists lists;
};

const struct delivery *delivery_watch_of(struct delivery_watch *w,
					 const struct wccp_service *id)
{
	return &delivery_lists_service(&w->lists, id)->delivery;
}

bool delivery_watch_holds_router(const struct delivery_watch *w,
				 const struct wccp_service *s, const struct addr *router)
{
	return delivery_lists_holds_router(&w->lists, s, router);
}

void delivery_watch_mark(const struct delivery_watch *w, struct plan *plan)
{
	for (unsigned i = 0; i < plan->n_routers; i++) {
		struct plan_router *r = &plan->routers[i];

		r->held = delivery_lists_holds(&w->lists,
					       &plan->services[r->service].service, &r->id);
	}
}

static void delivery_watch_in(struct delivery_watch *w, int64_t ms)
{
	struct timeval later = clock_ms(ms);

	evtimer_add(w->timer, &later);
}

/* -- telling --------------------------------------------------------------------------- */

static void delivery_watch_tell(const struct delivery_service *s, enum delivery_state was)
{
	struct log_about about = { .service = s->name };
	const struct delivery *d = &s->delivery;

	switch (d->state) {
	case DELIVERY_GOOD:
		log_state(was == DELIVERY_DOUBTFUL ? NOTE_DEBUG : NOTE_INFO, "delivery",
			  about, "packets are delivered (%s before)",
			  delivery_state_name(was));
		break;
	case DELIVERY_FAILING:
		log_state(NOTE_WARNING, "delivery-fails", about,
			  "new connections are given back to the routers: %s", d->reason);
		break;
	case DELIVERY_WITHDRAWN:
		log_state(NOTE_WARNING, "delivery-fails", about, "withdrawing: %s",
			  d->reason);
		break;
	case DELIVERY_UNPROVEN:
	case DELIVERY_DOUBTFUL:
		break;
	}
}

static bool delivery_watch_entered(struct delivery_service *s, enum delivery_state was,
				   bool changed)
{
	if (changed)
		delivery_watch_tell(s, was);
	changed &= s->delivery.state != DELIVERY_DOUBTFUL;
	s->clients.has_counts &= !changed; /* what came again until now says nothing */
	return changed;
}

/* -- rounds ---------------------------------------------------------------------------- */

static void delivery_watch_begin(struct delivery_watch *w)
{
	for (unsigned i = 0; i < w->lists.n_services; i++) {
		struct delivery_service *s = &w->lists.services[i];

		s->n_sent = s->n_lost = s->n_routers = s->n_routers_lost = 0;
		s->reason[0] = '\0';
	}
	for (unsigned i = 0; i < w->lists.n_routers; i++)
		w->lists.routers[i].lost = false;
	dp_prove_begin(w->dp);
	w->in_round = true;
}

static void delivery_watch_note_loss(struct delivery_watch *w, struct delivery_service *s,
				     const struct proof_target *t,
				     enum proof_outcome outcome)
{
	struct err why = { "" };

	if (s->reason[0])
		return;
	dp_explain_loss(w->dp, w->plan, t, outcome, &why);
	snprintf(s->reason, sizeof(s->reason), "%s", why.text);
}

static void delivery_watch_found(void *arg, const struct proof_target *t,
				 enum proof_outcome outcome)
{
	struct delivery_watch *w = arg;
	struct delivery_service *s =
		delivery_lists_service(&w->lists, &w->plan->services[t->service].service);
	struct delivery_router *r;
	bool lost = outcome != PROOF_ARRIVED;

	if (lost)
		delivery_watch_note_loss(w, s, t, outcome);
	if (t->router < 0) {
		s->n_sent++;
		s->n_lost += lost;
		return;
	}
	s->n_routers++;
	s->n_routers_lost += lost;
	r = delivery_lists_router(
		&w->lists, &w->plan->services[t->service].service,
		&w->plan->routers[t->router].id, lost);
	if (r)
		r->lost |= lost;
}

/* A router whose proofs are lost while others arrive. */
static bool delivery_watch_judge_router(struct delivery_watch *w, struct delivery_router *r)
{
	const struct delivery_service *s = delivery_lists_find(&w->lists, &r->service);
	bool held = r->failed > 1;

	r->failed = r->lost ? r->failed + 1 : 0;
	if (!s || held == (r->failed > 1))
		return false;
	if (held)
		log_state(NOTE_INFO, "delivery",
			  (struct log_about){ .service = s->name, .peer = ADDR_TEXT(&r->id) },
			  "what this router redirects is delivered again");
	else
		log_state(NOTE_WARNING, "delivery-fails",
			  (struct log_about){ .service = s->name, .peer = ADDR_TEXT(&r->id) },
			  "new connections are given back to this router: %s", s->reason);
	return true;
}

/* Log why a service is not announced yet, once for each reason. */
static void delivery_watch_tell_unproven(struct delivery_service *s)
{
	if (s->delivery.state != DELIVERY_UNPROVEN || !strcmp(s->told, s->reason))
		return;
	snprintf(s->told, sizeof(s->told), "%s", s->reason);
	log_state(NOTE_WARNING, "delivery-fails", (struct log_about){ .service = s->name },
		  "not announced: %s", s->reason);
}

/* Judge a service by the proofs it had in the round. */
static bool delivery_watch_judge(struct delivery_service *s, struct mono now)
{
	bool all_routers = s->n_routers && s->n_routers == s->n_routers_lost;
	enum delivery_state was = s->delivery.state;
	bool changed;

	if (s->n_lost || all_routers)
		changed = delivery_refuted(&s->delivery, s->reason, now);
	else
		changed = delivery_proven(&s->delivery, now);
	delivery_watch_tell_unproven(s);
	return delivery_watch_entered(s, was, changed);
}

/* A service without ports to connect to follows its mate, whose mirror it is; without a
 * mate there is nothing to prove. */
static bool delivery_watch_follow(struct delivery_watch *w, const struct plan_service *p,
				  struct delivery_service *s, struct mono now)
{
	enum delivery_state was = s->delivery.state;

	if (p->mate >= 0)
		s->delivery = *delivery_watch_of(w, &w->plan->services[p->mate].service);
	else
		delivery_proven(&s->delivery, now);
	return was != s->delivery.state;
}

/* An obstacle that the data plane finds is in the way of all destinations, or of some
 * that no proof goes to. */
static void delivery_watch_note_obstacle(struct delivery_watch *w)
{
	const char *obstacle = dp_obstacle(w->dp);

	for (unsigned i = 0; obstacle[0] && i < w->lists.n_services; i++) {
		struct delivery_service *s = &w->lists.services[i];

		s->n_lost += s->n_sent;
		snprintf(s->reason, sizeof(s->reason), "%s", obstacle);
	}
}

void delivery_watch_trust(struct delivery_watch *w)
{
	w->lists.trusts = true;
}

static bool delivery_watch_judge_all(struct delivery_watch *w, struct mono now)
{
	bool changed = false;

	w->lists.trusts = false;
	for (unsigned i = 0; i < w->plan->n_services; i++) {
		struct delivery_service *s =
			delivery_lists_service(&w->lists, &w->plan->services[i].service);

		if (s->n_sent)
			changed |= delivery_watch_judge(s, now);
	}
	for (unsigned i = 0; i < w->plan->n_services; i++) {
		const struct plan_service *p = &w->plan->services[i];
		struct delivery_service *s = delivery_lists_service(&w->lists, &p->service);

		if (!s->n_sent)
			changed |= delivery_watch_follow(w, p, s, now);
	}
	for (unsigned i = 0; i < w->lists.n_routers; i++)
		changed |= delivery_watch_judge_router(w, &w->lists.routers[i]);
	return changed;
}

/* -- clients --------------------------------------------------------------------------- */

/* Did a SYN-ACK leave, since the last look, from a port that connections of the service go
 * to? */
static bool delivery_watch_answers(const struct delivery_watch *w,
				   const struct plan_service *p)
{
	for (unsigned i = 0; i < w->tap.n_ports; i++)
		if (proof_round_serves(p, w->tap.ports[i]))
			return true;
	return false;
}

/* Some are not served, others are: those are given back one by one. */
static void delivery_watch_tell_unanswered(struct delivery_watch *w,
					   struct delivery_service *s,
					   const struct dp_counters *c, struct mono now)
{
	struct err why = { "" };

	if (c->unanswered > s->unanswered) {
		dp_explain_silence(w->dp, w->plan, &c->lost_client, &c->lost_server,
				   "packets get lost on the way to a listener", &why);
		log_complain("unanswered", NULL, s->name, now,
			     "connections were not answered and have been given back, the "
			     "last from %s to %s: %s",
			     ADDR_TEXT(&c->lost_client), ADDR_TEXT(&c->lost_server),
			     why.text);
	}
	s->unanswered = c->unanswered;
}

static bool delivery_watch_look(struct delivery_watch *w, unsigned i,
				struct delivery_service *s, struct mono now)
{
	const struct plan_service *p = &w->plan->services[i];
	struct delivery_clients_counts counts;
	enum delivery_state was = s->delivery.state;
	struct dp_counters c;
	const char *what = "connections of clients are delivered and not answered";
	struct err why = { "" };
	bool answered;

	if (dp_get_counters(w->dp, i, &c) < 0)
		return false;
	if (delivery_silence_look(&s->silence, p->my_slots, c.redirected, now))
		log_state(NOTE_WARNING, "no-packets", (struct log_about){ .service = s->name },
			  "routers have given us %u slots and sent nothing for %d s: packets may "
			  "arrive by another interface than %s%s or from other addresses than "
			  "the routers' (wccpctl show), or no client has connected",
			  p->my_slots, DELIVERY_SILENCE_MS / 1000, w->plan->n_interfaces ? w->plan->interfaces[0] : "any",
			  w->plan->n_interfaces > 1 ? ", ..." : "");
	delivery_watch_tell_unanswered(w, s, &c, now);
	counts = (struct delivery_clients_counts){ c.new_flows, c.completed, c.stuck,
						   c.confirmed };
	answered = s->in_doubt && delivery_watch_answers(w, p);
	s->in_doubt = false;
	switch (delivery_clients_look(&s->clients, &counts, answered)) {
	case DELIVERY_CLIENTS_FINE:
		return false;
	case DELIVERY_CLIENTS_DOUBT:
		s->in_doubt = true;
		return false;
	case DELIVERY_CLIENTS_STUCK:
		what = "connections of clients are answered and then get no further";
		break;
	case DELIVERY_CLIENTS_UNANSWERED:
		break;
	}
	dp_explain_silence(w->dp, w->plan, &c.client, &c.server, what, &why);
	return delivery_watch_entered(s, was,
				      delivery_clients_fail(&s->delivery, why.text, now));
}

static bool delivery_watch_clients(struct delivery_watch *w, struct mono now)
{
	bool changed = false, in_doubt = false;

	syn_ack_tap_read(&w->tap, &w->plan->self);
	for (unsigned i = 0; i < w->plan->n_services; i++) {
		struct delivery_service *s =
			delivery_lists_service(&w->lists, &w->plan->services[i].service);
		enum delivery_state was = s->delivery.state;

		changed |= delivery_watch_entered(s, was, delivery_tick(&s->delivery, now));
		changed |= delivery_watch_look(w, i, s, now);
		in_doubt |= s->in_doubt;
	}
	if (in_doubt)
		syn_ack_tap_wake(&w->tap);
	else
		syn_ack_tap_park(&w->tap);
	return changed;
}

/* -- time ------------------------------------------------------------------------------ */

static int64_t delivery_watch_pause(const struct delivery_watch *w, struct mono now)
{
	int64_t pause = DELIVERY_ROUND_MS;

	for (unsigned i = 0; i < w->lists.n_services; i++) {
		const struct delivery *d = &w->lists.services[i].delivery;
		struct mono deadline = delivery_deadline(d);
		int64_t mine = DELIVERY_ROUND_MS;

		if (!w->lists.services[i].planned)
			continue;
		if (d->state == DELIVERY_DOUBTFUL)
			mine = DELIVERY_URGENT_MS;
		else if (d->state != DELIVERY_GOOD ||
			 w->lists.services[i].clients.in_doubt)
			mine = DELIVERY_AGAIN_MS;
		if (!mono_is_never(deadline) && mono_ms_between(now, deadline) < mine)
			mine = mono_ms_between(now, deadline) + 1;
		if (mine < pause)
			pause = mine;
	}
	return pause > 0 ? pause : 1;
}

static void delivery_watch_end(struct delivery_watch *w, bool proven)
{
	struct mono now = clock_now();
	bool changed = false;

	w->in_round = false;
	if (proven) {
		delivery_watch_note_obstacle(w);
		changed = delivery_watch_judge_all(w, now);
	}
	changed |= delivery_watch_clients(w, now);
	delivery_watch_in(w, delivery_watch_pause(w, now));
	if (changed)
		w->changed(w->arg);
}

/* Kernels before 5.18 cannot; then we only watch the connections of clients. */
static bool delivery_watch_can_prove(struct delivery_watch *w)
{
	const char *why_not;

	if (dp_can_prove(w->dp, &why_not))
		return true;
	if (!w->told_why)
		log_state(NOTE_WARNING, "delivery", (struct log_about){ 0 },
			  "delivery cannot be proven on this kernel (needs Linux 5.18), only "
			  "watched: %s",
			  why_not);
	w->told_why = true;
	for (unsigned i = 0; i < w->lists.n_services; i++)
		delivery_proven(&w->lists.services[i].delivery, clock_now());
	return false;
}

static void delivery_watch_send(struct delivery_watch *w)
{
	struct err err = { "" };
	int n = dp_prove_send(w->dp, w->plan, &err);

	if (n > 0) {
		w->is_travelling = true;
		delivery_watch_in(w, DELIVERY_TRAVEL_MS);
		return;
	}
	/* The interface is gone, say: treat what was sent as lost. */
	if (n < 0)
		for (unsigned i = 0; i < w->lists.n_services; i++) {
			w->lists.services[i].n_sent++;
			w->lists.services[i].n_lost++;
			snprintf(w->lists.services[i].reason, sizeof(w->lists.services[i].reason),
				 "%s", err.text);
		}
	delivery_watch_end(w, true);
}

static void delivery_watch_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct delivery_watch *w = arg;

	(void)fd, (void)what;
	if (!w->plan)
		return;
	if (!delivery_watch_can_prove(w)) {
		delivery_watch_end(w, false);
		return;
	}
	if (w->is_travelling)
		dp_prove_collect(w->dp, delivery_watch_found, w);
	w->is_travelling = false;
	if (!w->in_round)
		delivery_watch_begin(w);
	delivery_watch_send(w);
}

void delivery_watch_kernel_changed(struct delivery_watch *w)
{
	for (unsigned i = 0; i < w->lists.n_services; i++)
		delivery_retry(&w->lists.services[i].delivery, clock_now());
	if (!w->in_round)
		delivery_watch_in(w, DELIVERY_TRAVEL_MS);
}

void delivery_watch_planned(struct delivery_watch *w, const struct plan *plan)
{
	w->plan = plan;
	for (unsigned i = 0; i < w->lists.n_services; i++)
		w->lists.services[i].planned = false;
	for (unsigned i = 0; i < plan->n_services; i++) {
		struct delivery_service *s =
			delivery_lists_service(&w->lists, &plan->services[i].service);

		s->planned = true;
		snprintf(s->name, sizeof(s->name), "%s", plan->services[i].name);
	}
	/* The current batch belongs to the previous plan. */
	w->in_round = w->is_travelling = false;
	delivery_watch_in(w, 0);
}

/* -- life ------------------------------------------------------------------------------ */

struct delivery_watch *delivery_watch_new(struct event_base *base, struct dp *dp,
					  void (*changed)(void *arg), void *arg)
{
	struct delivery_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->dp = dp;
	w->changed = changed;
	w->arg = arg;
	w->timer = evtimer_new(base, delivery_watch_on_timer, w);
	if (!w->timer) {
		free(w);
		return NULL;
	}
	return w;
}

void delivery_watch_free(struct delivery_watch *w)
{
	if (!w)
		return;
	syn_ack_tap_free(&w->tap);
	event_free(w->timer);
	free(w);
}
