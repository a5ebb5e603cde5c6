/* SPDX-License-Identifier: GPL-2.0-or-later */
/* States of delivery: every state meets every event, and the times between. */
#include "wccpd/delivery/delivery_fsm.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

enum event { PROVEN, REFUTED, CLIENTS_FAIL };

static struct mono at(int64_t ms)
{
	return (struct mono){ ms * 1000000 };
}

static bool feed(struct delivery *d, enum event e, struct mono now)
{
	switch (e) {
	case PROVEN:
		return delivery_proven(d, now);
	case REFUTED:
		return delivery_refuted(d, "refuted", now);
	case CLIENTS_FAIL:
		return delivery_clients_fail(d, "clients", now);
	}
	return false;
}

/* In a state, reached by proofs only, at 0. */
static struct delivery in_state(enum delivery_state state)
{
	struct delivery d;

	delivery_init(&d, at(0));
	if (state == DELIVERY_UNPROVEN)
		return d;
	delivery_proven(&d, at(0));
	if (state >= DELIVERY_DOUBTFUL)
		delivery_refuted(&d, "refuted", at(0));
	if (state >= DELIVERY_FAILING)
		delivery_refuted(&d, "refuted", at(0));
	if (state >= DELIVERY_WITHDRAWN)
		delivery_tick(&d, at(DELIVERY_HOLD_MS));
	ck_assert_int_eq(d.state, state);
	return d;
}

static const struct {
	enum delivery_state from;
	enum event event;
	enum delivery_state to;
} transitions[] = {
	{ DELIVERY_UNPROVEN, PROVEN, DELIVERY_GOOD },
	{ DELIVERY_UNPROVEN, REFUTED, DELIVERY_UNPROVEN },
	{ DELIVERY_UNPROVEN, CLIENTS_FAIL, DELIVERY_UNPROVEN },
	{ DELIVERY_GOOD, PROVEN, DELIVERY_GOOD },
	{ DELIVERY_GOOD, REFUTED, DELIVERY_DOUBTFUL },
	{ DELIVERY_GOOD, CLIENTS_FAIL, DELIVERY_FAILING },
	{ DELIVERY_DOUBTFUL, PROVEN, DELIVERY_GOOD },
	{ DELIVERY_DOUBTFUL, REFUTED, DELIVERY_FAILING },
	{ DELIVERY_DOUBTFUL, CLIENTS_FAIL, DELIVERY_FAILING },
	{ DELIVERY_FAILING, PROVEN, DELIVERY_GOOD },
	{ DELIVERY_FAILING, REFUTED, DELIVERY_FAILING },
	{ DELIVERY_FAILING, CLIENTS_FAIL, DELIVERY_FAILING },
	{ DELIVERY_WITHDRAWN, PROVEN, DELIVERY_GOOD },
	{ DELIVERY_WITHDRAWN, REFUTED, DELIVERY_WITHDRAWN },
	{ DELIVERY_WITHDRAWN, CLIENTS_FAIL, DELIVERY_WITHDRAWN },
};

TEST_LOOP(delivery_follows_its_table, 0,
	  (int)(sizeof(transitions) / sizeof(transitions[0])))
{
	struct delivery d = in_state(transitions[_i].from);
	bool changed = feed(&d, transitions[_i].event, at(5000));

	ck_assert_int_eq(d.state, transitions[_i].to);
	ck_assert_int_eq(changed, transitions[_i].from != transitions[_i].to);
	if (changed)
		ck_assert_int_eq(d.since.ns, at(5000).ns);
}

TEST(delivery_is_announced_after_a_proof_only)
{
	struct delivery d;

	delivery_init(&d, at(0));
	ck_assert(!delivery_may_announce(&d));
	ck_assert(!delivery_holds(&d));
	delivery_refuted(&d, "a rule in front", at(1));
	ck_assert(!delivery_may_announce(&d));
	ck_assert_str_eq(d.reason, "a rule in front");
	delivery_proven(&d, at(2));
	ck_assert(delivery_may_announce(&d));
	ck_assert_str_eq(d.reason, "");
}

TEST(delivery_gives_back_first_and_withdraws_after_the_hold)
{
	struct delivery d = in_state(DELIVERY_GOOD);

	delivery_refuted(&d, "x", at(100));
	ck_assert(!delivery_holds(&d));
	ck_assert(delivery_is_urgent(&d));
	delivery_refuted(&d, "x", at(150));
	ck_assert(delivery_holds(&d) && delivery_may_announce(&d));
	ck_assert_int_eq(delivery_deadline(&d).ns, at(150 + DELIVERY_HOLD_MS).ns);
	ck_assert(!delivery_tick(&d, at(149 + DELIVERY_HOLD_MS)));
	ck_assert(delivery_tick(&d, at(150 + DELIVERY_HOLD_MS)));
	ck_assert(delivery_holds(&d) && !delivery_may_announce(&d));
	ck_assert(mono_is_never(delivery_deadline(&d)));
	ck_assert(delivery_proven(&d, at(9000)));
	ck_assert(!delivery_holds(&d) && delivery_may_announce(&d));
}

/* Proofs that arrive say nothing for clients that do not; only time does. */
TEST(delivery_tries_clients_again_after_pauses_that_double)
{
	struct delivery d = in_state(DELIVERY_GOOD);
	int64_t now = 1000, pause = DELIVERY_PAUSE_MS;

	for (int i = 0; i < 8; i++) {
		ck_assert(delivery_clients_fail(&d, "clients", at(now)));
		delivery_proven(&d, at(now + 1));
		ck_assert(delivery_holds(&d));
		delivery_tick(&d, at(now + DELIVERY_HOLD_MS));
		ck_assert_int_eq(d.state, DELIVERY_WITHDRAWN);
		ck_assert(!delivery_tick(&d, at(now + pause - 1)));
		ck_assert(delivery_tick(&d, at(now + pause)));
		ck_assert_int_eq(d.state, DELIVERY_GOOD);
		now += pause + 10;
		pause = pause * 2 > DELIVERY_PAUSE_MAX_MS ? DELIVERY_PAUSE_MAX_MS : pause * 2;
	}
	/* Good for long enough: it begins anew. */
	now += DELIVERY_CALM_MS;
	delivery_clients_fail(&d, "clients", at(now));
	ck_assert(delivery_tick(&d, at(now + DELIVERY_PAUSE_MS)));
}

TEST(delivery_needs_a_proof_when_proofs_fail_as_well)
{
	struct delivery d = in_state(DELIVERY_GOOD);

	delivery_clients_fail(&d, "clients", at(0));
	delivery_refuted(&d, "a rule in front", at(1000));
	ck_assert_str_eq(d.reason, "a rule in front");
	delivery_tick(&d, at(3600000));
	ck_assert_int_eq(d.state, DELIVERY_WITHDRAWN);
	ck_assert(delivery_proven(&d, at(3600001)));
}

TEST(delivery_tries_clients_at_once_when_something_has_changed)
{
	struct delivery d = in_state(DELIVERY_GOOD);

	delivery_clients_fail(&d, "clients", at(0));
	delivery_retry(&d, at(500));
	ck_assert(delivery_tick(&d, at(500)));
	ck_assert_int_eq(d.state, DELIVERY_GOOD);
	/* Where a proof failed, it takes a proof. */
	d = in_state(DELIVERY_FAILING);
	delivery_retry(&d, at(600));
	ck_assert(!delivery_tick(&d, at(600)));
}
