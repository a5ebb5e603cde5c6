/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/drain/drain_fsm.h"

static void drain_enter(struct drain *d, enum drain_state state, struct mono now)
{
	d->state = state;
	d->since = now;
	d->until = d->moved_by = d->settled_at = MONO_NEVER;
	d->flows = 0;
	d->returns = false;
}

void drain_init(struct drain *d, struct mono now)
{
	d->why = 0;
	drain_enter(d, DRAIN_OFF, now);
}

/* Others have our slots, or should have them by now, or there is nobody to have them. */
static bool drain_has_moved(const struct drain *d, const struct drain_facts *f,
			    struct mono now)
{
	return !f->others || mono_due(mono_min(d->moved_by, d->settled_at), now);
}

/*
 * Before the slots have moved there is something to wait for even without a flow: until a
 * new table is made, a router sends the packets of slots whose web-cache has left past all
 * others, and flows end that we hand over to these.
 *
 * The last connection may have been made since flows were counted; only if new ones go
 * back already, none means none.  Where they may not go past the web-cache, this is as
 * good as it gets.
 */
static bool drain_is_empty(const struct drain *d, const struct drain_facts *f,
			   struct mono now)
{
	return f->flows == 0 && drain_has_moved(d, f, now) &&
	       (f->returning || !f->may_return);
}

static bool drain_is_over(const struct drain *d, const struct drain_facts *f,
			  struct mono now)
{
	if (f->stays)
		return false;
	return f->at_once || f->gone || !f->announced ||
	       drain_is_empty(d, f, now) || mono_due(d->until, now);
}

static bool drain_go_on(struct drain *d, const struct drain_facts *f, struct mono now)
{
	bool returned = d->returns;

	d->flows = f->flows;
	/* What was under way when the table changed is served. */
	if (!f->moved)
		d->settled_at = MONO_NEVER;
	else if (mono_is_never(d->settled_at))
		d->settled_at = mono_add_ms(now, DRAIN_SETTLE_MS);
	if (!f->stays)
		d->until = mono_min(d->until, mono_add_ms(now, f->time_ms));
	else
		d->until = MONO_NEVER;
	if (drain_is_over(d, f, now)) {
		drain_enter(d, DRAIN_LEFT, now);
		return true;
	}
	d->returns = f->may_return && drain_has_moved(d, f, now);
	return d->returns != returned;
}

static bool drain_begin(struct drain *d, const struct drain_facts *f, struct mono now)
{
	drain_enter(d, DRAIN_DRAINING, now);
	d->moved_by = mono_add_ms(now, f->move_ms);
	drain_go_on(d, f, now); /* which may be its end already */
	return true;
}

bool drain_step(struct drain *d, const struct drain_facts *f, struct mono now)
{
	enum drain_state was = d->state;

	d->why = f->why;
	if (!f->why) {
		if (was != DRAIN_OFF)
			drain_enter(d, DRAIN_OFF, now);
		return was != DRAIN_OFF;
	}
	switch (was) {
	case DRAIN_OFF:
		return drain_begin(d, f, now);
	case DRAIN_DRAINING:
		return drain_go_on(d, f, now);
	case DRAIN_LEFT:
		/* Its weight is to be 0, no more: announce it again. */
		return f->stays && drain_begin(d, f, now);
	}
	return false;
}

int64_t drain_left_ms(const struct drain *d, struct mono now)
{
	if (mono_is_never(d->until))
		return -1;
	return mono_due(d->until, now) ? 0 : mono_ms_between(now, d->until);
}

const char *drain_state_name(enum drain_state s)
{
	switch (s) {
	case DRAIN_OFF:
		return "off";
	case DRAIN_DRAINING:
		return "draining";
	case DRAIN_LEFT:
		return "left";
	}
	return "?";
}
