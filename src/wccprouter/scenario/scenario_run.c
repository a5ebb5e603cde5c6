/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a scenario on a running router. */
#include "wccprouter/scenario/scenario_run.h"

#include "clock.h"
#include "wccprouter/control/routerd_commands.h"
#include "wccprouter/service/routerd_services.h"

#include <stdlib.h>

struct scenario_run {
	struct event_base *base;
	struct routerd_commands *commands;
	const struct scenario *s;
	FILE *out;
	struct event *timer;
	unsigned n_services;
	struct scenario_service services[ROUTERD_MAX_SERVICES];
	struct mono begun;
	bool running;

	unsigned next;		  /* the step at work */
	unsigned failed;	  /* steps so far */
	struct mono since, until; /* of that step */
	/* During it: it was seen, it was not so. */
	bool hit, broken;
};

enum verdict { PENDING, MET, FAILED };

/* -- lines ------------------------------------------------------------------------- */

static void scenario_run_report(const struct scenario_run *r, const char *what,
				const char *why, struct mono now)
{
	const struct scenario_step *step = &r->s->steps[r->next];
	long long ms = mono_ms_between(r->since, now);

	fprintf(r->out, "%s:%u: %s: %s (%lld.%lld s)%s%s\n", r->s->path, step->line,
		what, step->text, ms / 1000, ms / 100 % 10, *why ? ": " : "", why);
	fflush(r->out);
}

/* -- one step ---------------------------------------------------------------------- */

static void scenario_run_begin_step(struct scenario_run *r, struct mono now)
{
	const struct scenario_step *step;

	r->since = r->until = now;
	r->hit = r->broken = false;
	if (r->next == r->s->n_steps)
		return;
	step = &r->s->steps[r->next];
	if (step->kind == SCENARIO_WAIT)
		r->until = mono_add_ms(now, step->ms);
	else if (step->kind == SCENARIO_AT)
		r->until = mono_add_ms(r->begun, step->ms);
	else
		r->until = mono_add_ms(now, step->expect.ms);
}

static bool scenario_run_is_expected(const struct scenario_step *step)
{
	return step->kind == SCENARIO_EXPECT || step->kind == SCENARIO_REQUIRE;
}

/* One moment breaks an expectation that must last, and meets any other. */
static void scenario_run_look_at(struct scenario_run *r)
{
	const struct scenario_expect *x = &r->s->steps[r->next].expect;

	if (x->what == SCENARIO_MESSAGE)
		return;
	if (scenario_holds(x, r->services, r->n_services))
		r->hit = true;
	else
		r->broken = true;
}

static enum verdict scenario_run_judge(const struct scenario_run *r, struct mono now)
{
	const struct scenario_expect *x = &r->s->steps[r->next].expect;

	if (x->lasts)
		return r->broken ? FAILED : mono_due(r->until, now) ? MET : PENDING;
	return r->hit ? MET : mono_due(r->until, now) ? FAILED : PENDING;
}

static enum verdict scenario_run_expect(struct scenario_run *r, struct mono now)
{
	const struct scenario_expect *x = &r->s->steps[r->next].expect;
	enum verdict v;
	char why[512] = "";

	scenario_run_look_at(r);
	v = scenario_run_judge(r, now);
	if (v == FAILED)
		scenario_explain(x, r->services, r->n_services, why, sizeof(why));
	if (v != PENDING)
		scenario_run_report(r, v == MET ? "ok" : "FAILED", why, now);
	return v;
}

static enum verdict scenario_run_command(struct scenario_run *r, struct mono now)
{
	json_t *answer = routerd_commands_run(r->commands, r->s->steps[r->next].text);
	const char *error = json_string_value(json_object_get(answer, "error"));
	enum verdict v = answer && !error ? MET : FAILED;

	if (v == MET)
		scenario_run_report(r, "done", "", now);
	else
		scenario_run_report(r, "FAILED", error ? error : "no answer", now);
	json_decref(answer);
	return v;
}

static enum verdict scenario_run_pass_time(const struct scenario_run *r,
					   struct mono now)
{
	if (!mono_due(r->until, now))
		return PENDING;
	scenario_run_report(r, "done", "", now);
	return MET;
}

static enum verdict scenario_run_try_step(struct scenario_run *r, struct mono now)
{
	const struct scenario_step *step = &r->s->steps[r->next];

	if (scenario_run_is_expected(step))
		return scenario_run_expect(r, now);
	if (step->kind == SCENARIO_COMMAND)
		return scenario_run_command(r, now);
	return scenario_run_pass_time(r, now);
}

/* -- all of them ------------------------------------------------------------------- */

static void scenario_run_stop(struct scenario_run *r)
{
	r->running = false;
	event_base_loopbreak(r->base);
}

static void scenario_run_arm(struct scenario_run *r, struct mono now)
{
	struct timeval tv = clock_until(r->until, now);

	evtimer_add(r->timer, &tv);
}

static void scenario_run_advance(struct scenario_run *r)
{
	struct mono now = clock_now();

	while (r->next < r->s->n_steps) {
		enum verdict v = scenario_run_try_step(r, now);
		bool ends =
			v == FAILED && r->s->steps[r->next].kind == SCENARIO_REQUIRE;

		if (v == PENDING) {
			scenario_run_arm(r, now);
			return;
		}
		r->failed += v == FAILED;
		r->next++;
		now = clock_now();
		scenario_run_begin_step(r, now);
		if (ends)
			break;
	}
	scenario_run_stop(r);
}

static void scenario_run_on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct scenario_run *r = arg;

	(void)fd, (void)what;
	if (!r->running) {
		r->running = true;
		r->begun = clock_now();
		scenario_run_begin_step(r, r->begun);
	}
	scenario_run_advance(r);
}

/* -- what the owner tells ---------------------------------------------------------- */

/* Let the timer judge the step, not a callback in the middle of the owner's work. */
static void scenario_run_wake(struct scenario_run *r)
{
	event_active(r->timer, EV_TIMEOUT, 0);
}

static const struct scenario_expect *
scenario_run_expected_now(const struct scenario_run *r)
{
	if (!r || !r->running || r->next == r->s->n_steps ||
	    !scenario_run_is_expected(&r->s->steps[r->next]))
		return NULL;
	return &r->s->steps[r->next].expect;
}

void scenario_run_see(struct scenario_run *r, const struct trace_message *m)
{
	const struct scenario_expect *x = scenario_run_expected_now(r);

	if (!x || !scenario_matches(x, m))
		return;
	if (x->negated)
		r->broken = true;
	else
		r->hit = true;
	scenario_run_wake(r);
}

void scenario_run_look(struct scenario_run *r)
{
	if (!scenario_run_expected_now(r))
		return;
	scenario_run_look_at(r);
	scenario_run_wake(r);
}

/* -- life -------------------------------------------------------------------------- */

static void scenario_run_list_services(struct scenario_run *r,
				       const struct routerd_services *services)
{
	for (unsigned i = 0; i < services->n; i++)
		r->services[r->n_services++] =
			(struct scenario_service){ services->list[i].conf->name,
						   &services->status[i] };
}

struct scenario_run *scenario_run_new(struct event_base *base,
				      struct routerd_commands *commands,
				      const struct scenario *s, FILE *out,
				      struct err *err)
{
	struct scenario_run *r = calloc(1, sizeof(*r));
	struct timeval now = { 0 };

	if (!r || !(r->timer = evtimer_new(base, scenario_run_on_timer, r))) {
		free(r);
		err_set(err, "out of memory");
		return NULL;
	}
	r->base = base;
	r->commands = commands;
	r->s = s;
	r->out = out;
	scenario_run_list_services(r, commands->services);
	if (scenario_check(s, r->services, r->n_services, err) < 0) {
		scenario_run_free(r);
		return NULL;
	}
	evtimer_add(r->timer, &now);
	return r;
}

bool scenario_run_end(struct scenario_run *r)
{
	unsigned left = r->s->n_steps - r->next;

	fprintf(r->out, "%s: %u steps, %u failed", r->s->path, r->s->n_steps,
		r->failed);
	if (left)
		fprintf(r->out, ", %u not carried out", left);
	fputc('\n', r->out);
	return fflush(r->out) == 0 && !r->failed && !left;
}

void scenario_run_free(struct scenario_run *r)
{
	if (!r)
		return;
	event_free(r->timer);
	free(r);
}
