/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares what a scenario expects with the actual state. */
#include "wccprouter/scenario/scenario.h"

#include "codec.h"

#include <stdarg.h>
#include <string.h>

int scenario_check(const struct scenario *s, const struct scenario_service *list,
		   unsigned n, struct err *err)
{
	unsigned i, k;

	for (i = 0; i < s->n_steps; i++) {
		const struct scenario_step *step = &s->steps[i];

		for (k = 0; k < n && strcmp(list[k].name, step->expect.service) != 0;
		     k++)
			;
		if (step->expect.service[0] && k == n)
			return err_set(err, "%s:%u: no service \"%s\" is configured",
				       s->path, step->line, step->expect.service);
	}
	return 0;
}

static const struct router_cache_status *
scenario_find_cache(const struct router_status *st, const struct addr *a)
{
	unsigned i;

	for (i = 0; i < st->n_caches; i++)
		if (addr_equal(&st->caches[i].addr, a))
			return &st->caches[i];
	return NULL;
}

static unsigned scenario_count_usable(const struct router_status *st)
{
	unsigned i, n = 0;

	for (i = 0; i < st->n_caches; i++)
		n += st->caches[i].usable;
	return n;
}

/* What the expectation counts in one service. */
static unsigned scenario_count(const struct scenario_expect *x,
			       const struct router_status *st)
{
	const struct router_cache_status *c = scenario_find_cache(st, &x->peer);

	switch (x->what) {
	case SCENARIO_CLIENT:
		return c && (x->heard || c->usable);
	case SCENARIO_CLIENTS:
		return scenario_count_usable(st);
	case SCENARIO_BUCKETS:
		return c ? c->buckets : 0;
	case SCENARIO_VALUES:
		return c ? c->values : 0;
	case SCENARIO_ASSIGNED:
		return st->assigned;
	case SCENARIO_MESSAGE:
		break;
	}
	return 0;
}

static bool scenario_is_about(const struct scenario_expect *x,
			      const struct scenario_service *s)
{
	return !x->service[0] || strcmp(x->service, s->name) == 0;
}

bool scenario_holds(const struct scenario_expect *x,
		    const struct scenario_service *list, unsigned n)
{
	bool yes_or_no = x->what == SCENARIO_CLIENT || x->what == SCENARIO_ASSIGNED;
	unsigned wanted = yes_or_no ? 1 : x->n, i;
	bool found = false;

	for (i = 0; i < n; i++)
		if (scenario_is_about(x, &list[i]) &&
		    scenario_count(x, list[i].status) == wanted)
			found = true;
	return x->what != SCENARIO_MESSAGE && found != x->negated;
}

bool scenario_matches(const struct scenario_expect *x, const struct trace_message *m)
{
	if (x->what != SCENARIO_MESSAGE || x->way != m->way ||
	    !addr_equal(&x->peer, m->peer))
		return false;
	if (x->service[0] && (!m->service || strcmp(x->service, m->service) != 0))
		return false;
	return m->datagram->refusal == CODEC_OK && m->datagram->type == x->type;
}

/* -- in words ---------------------------------------------------------------------- */

struct text {
	char *at;
	size_t size, len;
};

static void scenario_say(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void scenario_say(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	if (t->len + 1 >= t->size)
		return;
	va_start(ap, format);
	n = vsnprintf(t->at + t->len, t->size - t->len, format, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
}

static void scenario_say_client(struct text *t, const struct scenario_expect *x,
				const struct router_cache_status *c)
{
	scenario_say(t, " %s %s", ADDR_TEXT(&c->addr), c->usable ? "usable" : "heard");
	if (x->what == SCENARIO_BUCKETS)
		scenario_say(t, " with %u buckets", c->buckets);
	else if (x->what == SCENARIO_VALUES)
		scenario_say(t, " with %u values", c->values);
}

static void scenario_say_service(struct text *t, const struct scenario_expect *x,
				 const struct scenario_service *s)
{
	unsigned i;

	scenario_say(t, "%sservice %s is %sassigned and has", t->len ? "; " : "",
		     s->name, s->status->assigned ? "" : "not ");
	for (i = 0; i < s->status->n_caches; i++) {
		scenario_say(t, "%s", i ? "," : "");
		scenario_say_client(t, x, &s->status->caches[i]);
	}
	if (!s->status->n_caches)
		scenario_say(t, " no clients");
}

void scenario_explain(const struct scenario_expect *x,
		      const struct scenario_service *list, unsigned n, char *out,
		      size_t size)
{
	struct text t = { .at = out, .size = size };
	unsigned i;

	if (x->what == SCENARIO_MESSAGE) {
		scenario_say(&t, x->negated ? "there was one" : "there was none");
		return;
	}
	for (i = 0; i < n; i++)
		if (scenario_is_about(x, &list[i]))
			scenario_say_service(&t, x, &list[i]);
}
