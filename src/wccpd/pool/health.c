/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The health of one local instance: one state x event switch. */
#include "wccpd/pool/health.h"

void health_init(struct health *h, struct mono now)
{
	*h = (struct health){
		.state = HEALTH_ABSENT,
		.since = now,
		.deadline = MONO_NEVER,
		.reason = "not looked at yet",
	};
}

static bool health_enter(struct health *h, enum health_state state, const char *reason,
			 struct mono now)
{
	h->state = state;
	h->streak = 0;
	h->since = now;
	h->deadline = MONO_NEVER;
	h->reason = reason;
	return true;
}

/* Count a check that speaks against the present state; is it enough to leave that? */
static bool health_streak_reaches(struct health *h, unsigned enough)
{
	return ++h->streak >= enough;
}

static bool health_streak_broken(struct health *h)
{
	h->streak = 0;
	return false;
}

static bool health_step_absent(struct health *h, enum health_event ev, struct mono now)
{
	if (ev == HEALTH_EV_LISTENING)
		return health_enter(h, HEALTH_STARTING, "listener found", now);
	return false;
}

/* Starting and down differ only in their history: both wait for good checks. */
static bool health_step_not_up(struct health *h, const struct health_conf *conf,
			       enum health_event ev, struct mono now)
{
	switch (ev) {
	case HEALTH_EV_CHECK_OK:
		if (!health_streak_reaches(h, conf->rise))
			return false;
		return health_enter(h, HEALTH_UP, "checks passed", now);
	case HEALTH_EV_CHECK_FAILED:
		if (h->state == HEALTH_DOWN)
			return health_streak_broken(h);
		return health_enter(h, HEALTH_DOWN, "check failed before it was up",
				    now);
	case HEALTH_EV_DEAF:
		/* It did not count before, so it gets no grace. */
		return health_enter(h, HEALTH_DRAINING, "listener closed", now);
	case HEALTH_EV_EXITED:
		return health_enter(h, HEALTH_ABSENT, "process exited", now);
	case HEALTH_EV_LISTENING:
	case HEALTH_EV_TICK:
		break;
	}
	return false;
}

static bool health_step_up(struct health *h, const struct health_conf *conf,
			   enum health_event ev, struct mono now)
{
	switch (ev) {
	case HEALTH_EV_CHECK_OK:
		return health_streak_broken(h);
	case HEALTH_EV_CHECK_FAILED:
		if (!health_streak_reaches(h, conf->fall))
			return false;
		return health_enter(h, HEALTH_DOWN, "checks failed", now);
	case HEALTH_EV_DEAF:
		health_enter(h, HEALTH_DRAINING, "listener closed", now);
		h->deadline = mono_add_ms(now, conf->grace_ms);
		return true;
	case HEALTH_EV_EXITED:
		return health_enter(h, HEALTH_ABSENT, "process exited", now);
	case HEALTH_EV_LISTENING:
	case HEALTH_EV_TICK:
		break;
	}
	return false;
}

/* Checks mean nothing here: a reconfiguring Squid also closes the checked port. */
static bool health_step_draining(struct health *h, enum health_event ev,
				 struct mono now)
{
	switch (ev) {
	case HEALTH_EV_LISTENING:
		if (health_counts(h, now))
			return health_enter(h, HEALTH_UP, "listening again", now);
		return health_enter(h, HEALTH_STARTING, "listening again", now);
	case HEALTH_EV_EXITED:
		return health_enter(h, HEALTH_ABSENT, "process exited", now);
	case HEALTH_EV_TICK:
		if (mono_is_never(h->deadline) || !mono_due(h->deadline, now))
			return false;
		return health_enter(h, HEALTH_DRAINING, "listener closed for good",
				    now);
	case HEALTH_EV_CHECK_OK:
	case HEALTH_EV_CHECK_FAILED:
	case HEALTH_EV_DEAF:
		break;
	}
	return false;
}

bool health_step(struct health *h, const struct health_conf *conf, enum health_event ev,
		 struct mono now)
{
	switch (h->state) {
	case HEALTH_ABSENT:
		return health_step_absent(h, ev, now);
	case HEALTH_STARTING:
	case HEALTH_DOWN:
		return health_step_not_up(h, conf, ev, now);
	case HEALTH_UP:
		return health_step_up(h, conf, ev, now);
	case HEALTH_DRAINING:
		return health_step_draining(h, ev, now);
	case HEALTH_STATES:
		break;
	}
	return false;
}

bool health_counts(const struct health *h, struct mono now)
{
	if (h->state == HEALTH_DRAINING)
		return !mono_is_never(h->deadline) && !mono_due(h->deadline, now);
	return h->state == HEALTH_UP;
}

bool health_takes(const struct health *h)
{
	return h->state == HEALTH_UP;
}

const char *health_state_name(enum health_state s)
{
	static const char *const names[HEALTH_STATES] = {
		[HEALTH_ABSENT] = "absent", [HEALTH_STARTING] = "starting",
		[HEALTH_UP] = "up",	    [HEALTH_DRAINING] = "draining",
		[HEALTH_DOWN] = "down",
	};

	return (unsigned)s < HEALTH_STATES ? names[s] : "unknown";
}

uint16_t health_pool_weight(uint16_t configured, unsigned up, unsigned min,
			    uint32_t up_weight, uint32_t all_weight)
{
	uint64_t scaled;

	if (up == 0 || up < min || configured == 0)
		return 0;
	if (all_weight == 0 || up_weight >= all_weight)
		return configured;
	scaled = ((uint64_t)configured * up_weight + all_weight / 2) / all_weight;
	return scaled ? (uint16_t)scaled : 1;
}
