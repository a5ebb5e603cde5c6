/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/delivery/delivery_fsm.h"

#include <stdio.h>
#include <string.h>

static bool delivery_enter(struct delivery *d, enum delivery_state state,
			   struct mono now)
{
	if (d->state == state)
		return false;
	d->state = state;
	d->since = now;
	d->hold_until = MONO_NEVER;
	if (state == DELIVERY_FAILING)
		d->hold_until = mono_add_ms(now, DELIVERY_HOLD_MS);
	if (state == DELIVERY_GOOD) {
		d->reason[0] = '\0';
		d->by_clients = false;
		d->retry_at = MONO_NEVER;
	}
	return true;
}

static void delivery_set_reason(struct delivery *d, const char *reason)
{
	snprintf(d->reason, sizeof(d->reason), "%s", reason);
}

void delivery_init(struct delivery *d, struct mono now)
{
	*d = (struct delivery){
		.state = DELIVERY_UNPROVEN,
		.since = now,
		.hold_until = MONO_NEVER,
		.retry_at = MONO_NEVER,
		.pause_ms = DELIVERY_PAUSE_MS,
	};
	delivery_set_reason(d, "delivery is not proven yet");
}

bool delivery_proven(struct delivery *d, struct mono now)
{
	switch (d->state) {
	case DELIVERY_GOOD:
		return false;
	case DELIVERY_UNPROVEN:
	case DELIVERY_DOUBTFUL:
		return delivery_enter(d, DELIVERY_GOOD, now);
	case DELIVERY_FAILING:
	case DELIVERY_WITHDRAWN:
		/* While clients failed, proofs were arriving all the time. */
		if (d->by_clients)
			return false;
		return delivery_enter(d, DELIVERY_GOOD, now);
	}
	return false;
}

bool delivery_refuted(struct delivery *d, const char *reason, struct mono now)
{
	if (d->state == DELIVERY_GOOD)
		return delivery_enter(d, DELIVERY_DOUBTFUL, now);
	delivery_set_reason(d, reason);
	/* From now on only a proof ends this state, whatever clients did before. */
	d->by_clients = false;
	d->retry_at = MONO_NEVER;
	if (d->state == DELIVERY_DOUBTFUL)
		return delivery_enter(d, DELIVERY_FAILING, now);
	return false;
}

bool delivery_clients_fail(struct delivery *d, const char *reason, struct mono now)
{
	if (d->state != DELIVERY_GOOD && d->state != DELIVERY_DOUBTFUL)
		return false;
	if (mono_due(mono_add_ms(d->since, DELIVERY_CALM_MS), now))
		d->pause_ms = DELIVERY_PAUSE_MS;
	delivery_enter(d, DELIVERY_FAILING, now);
	delivery_set_reason(d, reason);
	d->by_clients = true;
	d->retry_at = mono_add_ms(now, d->pause_ms);
	d->pause_ms = d->pause_ms < DELIVERY_PAUSE_MAX_MS / 2 ? 2 * d->pause_ms
							      : DELIVERY_PAUSE_MAX_MS;
	return true;
}

void delivery_retry(struct delivery *d, struct mono now)
{
	if (d->by_clients && mono_before(now, d->retry_at))
		d->retry_at = now;
}

bool delivery_tick(struct delivery *d, struct mono now)
{
	if (d->by_clients && mono_due(d->retry_at, now))
		return delivery_enter(d, DELIVERY_GOOD, now);
	if (d->state == DELIVERY_FAILING && mono_due(d->hold_until, now))
		return delivery_enter(d, DELIVERY_WITHDRAWN, now);
	return false;
}

struct mono delivery_deadline(const struct delivery *d)
{
	return mono_min(d->hold_until, d->retry_at);
}

bool delivery_may_announce(const struct delivery *d)
{
	return d->state == DELIVERY_GOOD || d->state == DELIVERY_DOUBTFUL ||
	       d->state == DELIVERY_FAILING;
}

bool delivery_holds(const struct delivery *d)
{
	return d->state == DELIVERY_FAILING || d->state == DELIVERY_WITHDRAWN;
}

bool delivery_is_urgent(const struct delivery *d)
{
	return d->state == DELIVERY_UNPROVEN || d->state == DELIVERY_DOUBTFUL;
}

const char *delivery_state_name(enum delivery_state s)
{
	switch (s) {
	case DELIVERY_UNPROVEN:
		return "unproven";
	case DELIVERY_GOOD:
		return "good";
	case DELIVERY_DOUBTFUL:
		return "doubtful";
	case DELIVERY_FAILING:
		return "delivery fails";
	case DELIVERY_WITHDRAWN:
		return "delivery fails, withdrawn";
	}
	return "?";
}
