/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The states of a service at one router.  Whatever happens is an event, and
 * peer_event() is the only place that writes the state: what follows from a transition
 * (timers, SHUTDOWNs) is up to the caller that reported the event.
 *
 * doc/architecture.md has the same table, with the test that shows each transition.
 */
#include "core/cache/cache_impl.h"

static const struct {
	const char *name, *event;
} states[PEER_STATES] = {
	[PEER_IDLE] = { "idle", "idle" },
	[PEER_WAITING] = { "waiting for first answer", "waiting" },
	[PEER_NEGOTIATING] = { "negotiating", "negotiating" },
	[PEER_JOINED] = { "joined", "joined" },
	[PEER_ASSIGNED] = { "assigned", "assigned" },
	[PEER_DRAINING] = { "draining", "draining" },
	[PEER_WITHDRAWN] = { "withdrawn", "withdrawn" },
	[PEER_LOST] = { "lost", "lost" },
	[PEER_MISMATCH] = { "capability mismatch", "mismatch" },
	[PEER_AUTH_FAILED] = { "authentication failed", "auth-failed" },
};

/* `reason` applies unless the caller gives one; `member_reason` if the router listed us
 * before. */
static const struct {
	const char *name, *reason, *member_reason;
} events[PEER_EVENTS] = {
	[PEER_EV_START] = { .name = "start", .reason = "announced" },
	[PEER_EV_UNSPEAKABLE] = { .name = "unspeakable",
				  .reason = "needs another version" },
	[PEER_EV_BAD_DIGEST] = { .name = "bad-digest",
				 .reason = "does not authenticate" },
	[PEER_EV_NOTHING_FITS] = { .name = "nothing-fits",
				   .reason = "offers nothing that we accept" },
	[PEER_EV_UNLISTED] = { .name = "unlisted",
			       .reason = "it answers",
			       .member_reason = "no longer in its view" },
	[PEER_EV_LISTED] = { .name = "listed",
			     .reason = "in its view without buckets" },
	[PEER_EV_HAS_SLOTS] = { .name = "has-slots",
				.reason = "in its view with buckets" },
	[PEER_EV_SILENT] = { .name = "silent",
			     .reason = "no longer answers",
			     .member_reason = "silent for longer than its time-out" },
	[PEER_EV_DROP] = { .name = "drop", .reason = "not wanted" },
	[PEER_EV_LEAVE] = { .name = "leave", .reason = "not wanted" },
	[PEER_EV_ACKNOWLEDGED] = { .name = "acknowledged",
				   .reason = "SHUTDOWN acknowledged" },
	[PEER_EV_GIVEN_UP] = { .name = "given-up",
			       .reason = "SHUTDOWN not acknowledged" },
};

#define IN(state) (1u << PEER_##state)

/* Anything not listed here changes nothing. */
static const struct {
	enum peer_event event;
	unsigned from;
	enum peer_state to;
} transitions[] = {
	{ PEER_EV_START,
	  IN(IDLE) | IN(DRAINING) | IN(WITHDRAWN) | IN(MISMATCH) | IN(AUTH_FAILED),
	  PEER_WAITING },
	{ PEER_EV_UNSPEAKABLE,
	  IN(IDLE) | IN(WAITING) | IN(NEGOTIATING) | IN(JOINED) | IN(ASSIGNED) |
		  IN(DRAINING) | IN(WITHDRAWN) | IN(LOST) | IN(AUTH_FAILED),
	  PEER_MISMATCH },
	/* The source address of a datagram that does not authenticate may be forged: it
	 * must not make us give up a router that works. */
	{ PEER_EV_BAD_DIGEST, IN(WAITING) | IN(NEGOTIATING) | IN(LOST),
	  PEER_AUTH_FAILED },
	{ PEER_EV_NOTHING_FITS,
	  IN(WAITING) | IN(NEGOTIATING) | IN(JOINED) | IN(ASSIGNED) | IN(LOST) |
		  IN(AUTH_FAILED),
	  PEER_MISMATCH },
	{ PEER_EV_UNLISTED,
	  IN(WAITING) | IN(JOINED) | IN(ASSIGNED) | IN(LOST) | IN(MISMATCH) |
		  IN(AUTH_FAILED),
	  PEER_NEGOTIATING },
	{ PEER_EV_UNLISTED, IN(DRAINING), PEER_WITHDRAWN },
	{ PEER_EV_LISTED,
	  IN(WAITING) | IN(NEGOTIATING) | IN(ASSIGNED) | IN(LOST) | IN(MISMATCH) |
		  IN(AUTH_FAILED),
	  PEER_JOINED },
	{ PEER_EV_HAS_SLOTS,
	  IN(WAITING) | IN(NEGOTIATING) | IN(JOINED) | IN(LOST) | IN(MISMATCH) |
		  IN(AUTH_FAILED),
	  PEER_ASSIGNED },
	{ PEER_EV_SILENT, IN(JOINED) | IN(ASSIGNED), PEER_LOST },
	{ PEER_EV_SILENT, IN(NEGOTIATING) | IN(MISMATCH) | IN(AUTH_FAILED),
	  PEER_WAITING },
	{ PEER_EV_DROP, IN(WAITING) | IN(MISMATCH) | IN(AUTH_FAILED), PEER_IDLE },
	{ PEER_EV_LEAVE,
	  IN(NEGOTIATING) | IN(JOINED) | IN(ASSIGNED) | IN(LOST) | IN(AUTH_FAILED),
	  PEER_DRAINING },
	/* We are not a member there: nothing to withdraw. */
	{ PEER_EV_LEAVE, IN(MISMATCH), PEER_IDLE },
	{ PEER_EV_ACKNOWLEDGED, IN(DRAINING), PEER_WITHDRAWN },
	{ PEER_EV_GIVEN_UP, IN(DRAINING), PEER_WITHDRAWN },
};

#undef IN

const char *peer_state_name(enum peer_state state)
{
	return state < PEER_STATES ? states[state].name : "unknown";
}

const char *peer_state_event(enum peer_state state)
{
	return state < PEER_STATES ? states[state].event : "unknown";
}

const char *peer_event_name(enum peer_event event)
{
	return event < PEER_EVENTS ? events[event].name : "unknown";
}

enum peer_state peer_fsm_next(enum peer_state state, enum peer_event event)
{
	for (size_t i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++)
		if (transitions[i].event == event && transitions[i].from >> state & 1)
			return transitions[i].to;
	return state;
}

void peer_fsm_init(struct peer *p, struct mono now)
{
	p->state = PEER_IDLE;
	p->reason = "not announced";
	p->since = now;
}

static const char *peer_fsm_reason(const struct peer *p, enum peer_event event)
{
	bool was_member = peer_is_live(p) || p->state == PEER_DRAINING;

	if (was_member && events[event].member_reason)
		return events[event].member_reason;
	return events[event].reason;
}

void peer_explain(struct peer *p, const char *reason)
{
	p->reason = reason;
}

bool peer_event(struct cache *c, struct peer *p, enum peer_event event,
		const char *reason, struct step *s)
{
	enum peer_state was = p->state, state = peer_fsm_next(was, event);

	if (state == was)
		return false;
	p->reason = reason ? reason : peer_fsm_reason(p, event);
	p->state = state;
	p->since = s->now;
	c->counters.state_changes++;
	cache_mark(c, DIRTY_VIEW | DIRTY_STATUS);
	if (state != PEER_MISMATCH)
		actions_note(s->out, NOTE_INFO, peer_state_event(state), &p->address,
			     "router %s: %s (was %s): %s", ADDR_TEXT(&p->address),
			     peer_state_name(state), peer_state_name(was), p->reason);
	return true;
}
