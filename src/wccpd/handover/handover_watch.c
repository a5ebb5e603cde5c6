/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/handover/handover_watch.h"

#include "clock.h"
#include "common/kept_sockets.h"
#include "dp/gre/gre_question.h"
#include "wccpd/handover/other_caches.h"

#include <stdlib.h>
#include <string.h>

enum {
	HANDOVER_ASK_MS = 1000, /* from one question to the next ... */
	HANDOVER_ASK_NEW_MS = 100, /* ... while a web-cache is new */
};

/* How long the others are asked for flows of a service. */
struct handover_service {
	struct wccp_service id;
	struct mono until;
	uint64_t table;	      /* a sum that changes with the table */
	uint64_t handed_over; /* packets */
};

struct handover_watch {
	struct dp *dp;
	int raw; /* not owned; -1: none */
	struct event *timer;
	bool hurries; /* its next question comes after the shorter time */
	void (*changed)(void *arg);
	void *arg;
	struct other_caches others;
	unsigned n_services;
	struct handover_service services[PLAN_MAX_SERVICES];
	/* As in the last plan. */
	struct addr self;
	bool any;
	struct wccp_service service; /* to ask with */
	uint64_t serving, answering; /* of others.list, in its order */
};

/* -- how long ------------------------------------------------------------------------- */

static struct handover_service *handover_watch_service(struct handover_watch *w,
						       const struct wccp_service *id)
{
	for (unsigned i = 0; i < w->n_services; i++)
		if (wccp_same_group(&w->services[i].id, id))
			return &w->services[i];
	if (w->n_services == PLAN_MAX_SERVICES)
		w->n_services--;
	w->services[w->n_services] = (struct handover_service){ .id = *id };
	return &w->services[w->n_services++];
}

/* FNV-1a, over who had and who has the slots. */
static uint64_t handover_watch_sum(const struct plan_service *s)
{
	uint64_t sum = 14695981039346656037ULL ^ s->my_slots;

	for (unsigned i = 0; i < s->n_slots && i < ASSIGN_SLOTS_MAX; i++)
		for (unsigned k = 0; k < sizeof(s->handover[i].octets); k++)
			sum = (sum ^ s->handover[i].octets[k]) * 1099511628211ULL;
	return sum;
}

/* Flows can be with others for as long as ones live that began before the last change;
 * and for longer if some are seen to. */
static bool handover_watch_lasts(struct handover_watch *w, const struct plan *plan,
				 unsigned position, int64_t memory_ms, struct mono now)
{
	const struct plan_service *s = &plan->services[position];
	struct handover_service *h = handover_watch_service(w, &s->service);
	struct dp_counters c = { 0 };
	uint64_t sum = handover_watch_sum(s);

	dp_get_counters(w->dp, position, &c);
	if (h->until.ns == 0 || sum != h->table || c.handed_over != h->handed_over)
		h->until = mono_add_ms(now, memory_ms);
	h->table = sum;
	h->handed_over = c.handed_over;
	return !mono_due(h->until, now);
}

/* -- whom ----------------------------------------------------------------------------- */

static void handover_watch_see(struct handover_watch *w, const struct plan *plan,
			       int64_t memory_ms, struct mono now)
{
	other_caches_begin(&w->others);
	for (unsigned i = 0; i < plan->n_other_caches; i++)
		other_caches_see(&w->others, &plan->other_caches[i], now);
	other_caches_forget(&w->others, memory_ms, now);
}

/* Those that left the view: they may hand over to us, and we to them. */
static void handover_watch_add_gone(const struct handover_watch *w, struct plan *plan)
{
	for (unsigned i = 0; i < w->others.n; i++)
		if (!w->others.list[i].in_view && plan->n_other_caches < WCCP_MAX_CACHES)
			plan->other_caches[plan->n_other_caches++] = w->others.list[i].addr;
}

static bool handover_watch_serves(const struct handover_watch *w, const struct addr *cache,
				  struct mono now)
{
	const struct other_cache *c = other_caches_find(&w->others, cache);

	return c && other_cache_serves(c, now);
}

/* Members of another service only are not asked for flows of this one. */
static uint32_t handover_watch_asked(const struct handover_watch *w,
				     const struct plan *plan, const struct plan_service *s,
				     struct mono now)
{
	uint32_t asked = 0;

	for (unsigned i = 0; i < plan->n_other_caches; i++) {
		const struct other_cache *c =
			other_caches_find(&w->others, &plan->other_caches[i]);

		if (c && other_cache_answers(c, now) &&
		    (!c->in_view || s->members >> i & 1))
			asked |= 1u << i;
	}
	return asked;
}

/* What a silent one was handed would be lost. */
static void handover_watch_skip_silent(const struct handover_watch *w,
				       struct plan_service *s, struct mono now)
{
	const struct addr *last = NULL;
	bool serves = false;

	for (unsigned i = 0; i < s->n_slots && i < ASSIGN_SLOTS_MAX; i++) {
		if (!addr_is_set(&s->handover[i]))
			continue;
		if (!last || !addr_equal(last, &s->handover[i]))
			serves = handover_watch_serves(w, &s->handover[i], now);
		last = &s->handover[i];
		if (!serves)
			s->handover[i] = (struct addr){ 0 };
	}
}

typedef bool handover_watch_is(const struct other_cache *c, struct mono now);

static uint64_t handover_watch_which(const struct handover_watch *w, handover_watch_is *is,
				     struct mono now)
{
	uint64_t which = 0;

	for (unsigned i = 0; i < w->others.n; i++)
		which |= (uint64_t)is(&w->others.list[i], now) << i;
	return which;
}

static void handover_watch_again(struct handover_watch *w, bool hurries)
{
	struct timeval later = clock_ms(hurries ? HANDOVER_ASK_NEW_MS : HANDOVER_ASK_MS);

	w->hurries = hurries;
	evtimer_add(w->timer, &later);
}

void handover_watch_mark(struct handover_watch *w, struct plan *plan, int64_t memory_ms)
{
	struct mono now = clock_now();

	w->self = plan->self;
	w->any = plan->n_services > 0 && plan->self.family == ADDR_V4;
	if (w->any)
		w->service = plan->services[0].service;
	handover_watch_see(w, plan, memory_ms, now);
	handover_watch_add_gone(w, plan);
	for (unsigned i = 0; i < plan->n_services; i++) {
		struct plan_service *s = &plan->services[i];
		bool lasts = handover_watch_lasts(w, plan, i, memory_ms, now);

		s->asked = lasts ? handover_watch_asked(w, plan, s, now) : 0;
		handover_watch_skip_silent(w, s, now);
	}
	w->serving = handover_watch_which(w, other_cache_serves, now);
	w->answering = handover_watch_which(w, other_cache_answers, now);
	if (!w->hurries && other_caches_have_new(&w->others, now))
		handover_watch_again(w, true);
}

/* -- questions and answers ------------------------------------------------------------ */

static void handover_watch_take_answers(struct handover_watch *w)
{
	struct dp_answer answers[DP_MAX_ANSWERS];
	unsigned n = dp_get_answers(w->dp, answers, DP_MAX_ANSWERS);

	for (unsigned i = 0; i < n; i++)
		other_caches_answer(&w->others, &answers[i].cache, answers[i].at);
}

/* Of the process before.  Who answered it to the last has been asked nothing since, and is
 * not silent: it gets as much time as if it had answered now. */
static void handover_watch_take_earlier_answers(struct handover_watch *w)
{
	struct dp_answer answers[DP_MAX_ANSWERS];
	unsigned n = dp_get_answers(w->dp, answers, DP_MAX_ANSWERS);
	struct mono last = { 0 }, now = clock_now();

	for (unsigned i = 0; i < n; i++)
		if (mono_before(last, answers[i].at))
			last = answers[i].at;
	for (unsigned i = 0; i < n; i++) {
		bool to_the_last = mono_before(
			last, mono_add_ms(answers[i].at, OTHER_CACHES_SILENT_MS));

		other_caches_answer(&w->others, &answers[i].cache,
				    to_the_last ? now : answers[i].at);
	}
}

static void handover_watch_ask(struct handover_watch *w)
{
	struct mono now = clock_now();

	handover_watch_take_answers(w);
	for (unsigned i = 0; w->raw >= 0 && i < w->others.n; i++)
		gre_question_ask(w->raw, &w->self, &w->others.list[i].addr, &w->service);
	if (handover_watch_which(w, other_cache_serves, now) != w->serving ||
	    handover_watch_which(w, other_cache_answers, now) != w->answering)
		w->changed(w->arg);
}

static void handover_watch_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct handover_watch *w = arg;

	(void)fd, (void)what;
	if (w->any)
		handover_watch_ask(w);
	handover_watch_again(w, other_caches_have_new(&w->others, clock_now()));
}

/* -- life ----------------------------------------------------------------------------- */

struct handover_watch *handover_watch_new(struct event_base *base, struct dp *dp,
					  void (*changed)(void *arg), void *arg)
{
	struct handover_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->dp = dp;
	w->changed = changed;
	w->arg = arg;
	w->raw = kept_socket(KEPT_GRE);
	handover_watch_take_earlier_answers(w);
	w->timer = evtimer_new(base, handover_watch_on_timer, w);
	if (!w->timer) {
		handover_watch_free(w);
		return NULL;
	}
	handover_watch_again(w, true);
	return w;
}

void handover_watch_free(struct handover_watch *w)
{
	if (!w)
		return;
	if (w->timer)
		event_free(w->timer);
	free(w);
}
