/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every transition of an instance's health, and the weight of a pool. */
#include "wccpd/pool/health.h"
#include "suite.h"

#include <stdlib.h>

static const struct health_conf conf = { .rise = 2, .fall = 3, .grace_ms = 5000 };

static struct mono at(int64_t ms)
{
	return (struct mono){ ms * 1000000 };
}

/* One in the wanted state, reached the way it is reached in life. */
static struct health in_state(enum health_state s)
{
	struct health h;

	health_init(&h, at(0));
	if (s != HEALTH_ABSENT)
		health_step(&h, &conf, HEALTH_EV_LISTENING, at(0));
	if (s == HEALTH_UP || s == HEALTH_DRAINING) {
		health_step(&h, &conf, HEALTH_EV_CHECK_OK, at(0));
		health_step(&h, &conf, HEALTH_EV_CHECK_OK, at(0));
	}
	if (s == HEALTH_DRAINING)
		health_step(&h, &conf, HEALTH_EV_DEAF, at(0));
	if (s == HEALTH_DOWN)
		health_step(&h, &conf, HEALTH_EV_CHECK_FAILED, at(0));
	ck_assert_int_eq(h.state, s);
	return h;
}

/* What one event does in each state; the counted ones have tests of their own. */
static const struct {
	enum health_state from;
	enum health_event ev;
	enum health_state to;
} transitions[] = {
	{ HEALTH_ABSENT, HEALTH_EV_CHECK_OK, HEALTH_ABSENT },
	{ HEALTH_ABSENT, HEALTH_EV_CHECK_FAILED, HEALTH_ABSENT },
	{ HEALTH_ABSENT, HEALTH_EV_LISTENING, HEALTH_STARTING },
	{ HEALTH_ABSENT, HEALTH_EV_DEAF, HEALTH_ABSENT },
	{ HEALTH_ABSENT, HEALTH_EV_EXITED, HEALTH_ABSENT },
	{ HEALTH_ABSENT, HEALTH_EV_TICK, HEALTH_ABSENT },
	{ HEALTH_STARTING, HEALTH_EV_CHECK_OK, HEALTH_STARTING },
	{ HEALTH_STARTING, HEALTH_EV_CHECK_FAILED, HEALTH_DOWN },
	{ HEALTH_STARTING, HEALTH_EV_LISTENING, HEALTH_STARTING },
	{ HEALTH_STARTING, HEALTH_EV_DEAF, HEALTH_DRAINING },
	{ HEALTH_STARTING, HEALTH_EV_EXITED, HEALTH_ABSENT },
	{ HEALTH_STARTING, HEALTH_EV_TICK, HEALTH_STARTING },
	{ HEALTH_UP, HEALTH_EV_CHECK_OK, HEALTH_UP },
	{ HEALTH_UP, HEALTH_EV_CHECK_FAILED, HEALTH_UP },
	{ HEALTH_UP, HEALTH_EV_LISTENING, HEALTH_UP },
	{ HEALTH_UP, HEALTH_EV_DEAF, HEALTH_DRAINING },
	{ HEALTH_UP, HEALTH_EV_EXITED, HEALTH_ABSENT },
	{ HEALTH_UP, HEALTH_EV_TICK, HEALTH_UP },
	{ HEALTH_DRAINING, HEALTH_EV_CHECK_OK, HEALTH_DRAINING },
	{ HEALTH_DRAINING, HEALTH_EV_CHECK_FAILED, HEALTH_DRAINING },
	{ HEALTH_DRAINING, HEALTH_EV_LISTENING, HEALTH_UP },
	{ HEALTH_DRAINING, HEALTH_EV_DEAF, HEALTH_DRAINING },
	{ HEALTH_DRAINING, HEALTH_EV_EXITED, HEALTH_ABSENT },
	{ HEALTH_DRAINING, HEALTH_EV_TICK, HEALTH_DRAINING },
	{ HEALTH_DOWN, HEALTH_EV_CHECK_OK, HEALTH_DOWN },
	{ HEALTH_DOWN, HEALTH_EV_CHECK_FAILED, HEALTH_DOWN },
	{ HEALTH_DOWN, HEALTH_EV_LISTENING, HEALTH_DOWN },
	{ HEALTH_DOWN, HEALTH_EV_DEAF, HEALTH_DRAINING },
	{ HEALTH_DOWN, HEALTH_EV_EXITED, HEALTH_ABSENT },
	{ HEALTH_DOWN, HEALTH_EV_TICK, HEALTH_DOWN },
};

TEST_LOOP(one_event, 0, (int)(sizeof(transitions) / sizeof(transitions[0])))
{
	struct health h = in_state(transitions[_i].from);
	struct mono since = h.since;
	bool changed = health_step(&h, &conf, transitions[_i].ev, at(100));

	ck_assert_int_eq(h.state, transitions[_i].to);
	ck_assert_int_eq(changed, transitions[_i].from != transitions[_i].to);
	ck_assert_int_eq(h.since.ns, changed ? at(100).ns : since.ns);
	ck_assert_ptr_nonnull(h.reason);
}

TEST(rises_after_good_checks_in_a_row)
{
	struct health h = in_state(HEALTH_DOWN);

	ck_assert(!health_step(&h, &conf, HEALTH_EV_CHECK_OK, at(1)));
	ck_assert(!health_step(&h, &conf, HEALTH_EV_CHECK_FAILED, at(2)));
	ck_assert(!health_step(&h, &conf, HEALTH_EV_CHECK_OK, at(3)));
	ck_assert(!health_takes(&h));
	ck_assert(health_step(&h, &conf, HEALTH_EV_CHECK_OK, at(4)));
	ck_assert_int_eq(h.state, HEALTH_UP);
	ck_assert(health_takes(&h));
	ck_assert(health_counts(&h, at(4)));
}

TEST(falls_after_bad_checks_in_a_row)
{
	struct health h = in_state(HEALTH_UP);

	health_step(&h, &conf, HEALTH_EV_CHECK_FAILED, at(1));
	health_step(&h, &conf, HEALTH_EV_CHECK_FAILED, at(2));
	health_step(&h, &conf, HEALTH_EV_CHECK_OK, at(3));
	health_step(&h, &conf, HEALTH_EV_CHECK_FAILED, at(4));
	ck_assert(!health_step(&h, &conf, HEALTH_EV_CHECK_FAILED, at(5)));
	ck_assert_int_eq(h.state, HEALTH_UP);
	ck_assert(health_step(&h, &conf, HEALTH_EV_CHECK_FAILED, at(6)));
	ck_assert_int_eq(h.state, HEALTH_DOWN);
	ck_assert(!health_takes(&h));
	ck_assert(!health_counts(&h, at(6)));
}

TEST(one_check_is_enough_with_rise_and_fall_of_one)
{
	struct health_conf eager = { .rise = 1, .fall = 1, .grace_ms = 0 };
	struct health h = in_state(HEALTH_STARTING);

	ck_assert(health_step(&h, &eager, HEALTH_EV_CHECK_OK, at(1)));
	ck_assert_int_eq(h.state, HEALTH_UP);
	ck_assert(health_step(&h, &eager, HEALTH_EV_CHECK_FAILED, at(2)));
	ck_assert_int_eq(h.state, HEALTH_DOWN);
}

/* squid -k reconfigure: ports close and open again a moment later. */
TEST(reconfigure_gap_does_not_change_what_counts)
{
	struct health h = in_state(HEALTH_UP);

	health_step(&h, &conf, HEALTH_EV_DEAF, at(1000));
	ck_assert_int_eq(h.deadline.ns, at(6000).ns);
	ck_assert(!health_takes(&h));
	ck_assert(health_counts(&h, at(1000)));
	/* The checked port is closed as well; that is no news. */
	for (int i = 0; i < 10; i++)
		ck_assert(!health_step(&h, &conf, HEALTH_EV_CHECK_FAILED, at(1100)));
	ck_assert(!health_step(&h, &conf, HEALTH_EV_TICK, at(5999)));
	ck_assert(health_counts(&h, at(5999)));
	ck_assert(health_step(&h, &conf, HEALTH_EV_LISTENING, at(5999)));
	ck_assert_int_eq(h.state, HEALTH_UP);
	ck_assert(health_takes(&h));
	ck_assert(health_counts(&h, at(5999)));
	ck_assert(mono_is_never(h.deadline));
}

/* squid -k shutdown: the ports stay closed. */
TEST(grace_ends)
{
	struct health h = in_state(HEALTH_UP);

	health_step(&h, &conf, HEALTH_EV_DEAF, at(1000));
	ck_assert(!health_counts(&h, at(6000)));
	ck_assert(health_step(&h, &conf, HEALTH_EV_TICK, at(6000)));
	ck_assert_int_eq(h.state, HEALTH_DRAINING);
	ck_assert(!health_counts(&h, at(6000)));
	ck_assert(mono_is_never(h.deadline));
	ck_assert(!health_step(&h, &conf, HEALTH_EV_TICK, at(7000)));
	ck_assert(health_step(&h, &conf, HEALTH_EV_LISTENING, at(8000)));
	ck_assert_int_eq(h.state, HEALTH_STARTING);
}

TEST(late_listener_starts_anew_even_before_the_tick)
{
	struct health h = in_state(HEALTH_UP);

	health_step(&h, &conf, HEALTH_EV_DEAF, at(1000));
	health_step(&h, &conf, HEALTH_EV_LISTENING, at(6000));
	ck_assert_int_eq(h.state, HEALTH_STARTING);
}

TEST(no_grace_for_one_that_did_not_count)
{
	struct health h = in_state(HEALTH_DOWN);

	health_step(&h, &conf, HEALTH_EV_DEAF, at(1));
	ck_assert_int_eq(h.state, HEALTH_DRAINING);
	ck_assert(!health_counts(&h, at(1)));
	health_step(&h, &conf, HEALTH_EV_LISTENING, at(2));
	ck_assert_int_eq(h.state, HEALTH_STARTING);
}

/* SIGKILL: no hysteresis, no grace; the next process has to prove itself. */
TEST(death_counts_at_once)
{
	struct health h = in_state(HEALTH_UP);

	ck_assert(health_step(&h, &conf, HEALTH_EV_EXITED, at(1)));
	ck_assert_int_eq(h.state, HEALTH_ABSENT);
	ck_assert(!health_takes(&h));
	ck_assert(!health_counts(&h, at(1)));
	health_step(&h, &conf, HEALTH_EV_LISTENING, at(2));
	health_step(&h, &conf, HEALTH_EV_CHECK_OK, at(3));
	ck_assert(!health_takes(&h));
	health_step(&h, &conf, HEALTH_EV_CHECK_OK, at(4));
	ck_assert(health_takes(&h));
}

TEST(checks_before_a_death_are_forgotten)
{
	struct health h = in_state(HEALTH_STARTING);

	health_step(&h, &conf, HEALTH_EV_CHECK_OK, at(1));
	health_step(&h, &conf, HEALTH_EV_EXITED, at(2));
	health_step(&h, &conf, HEALTH_EV_LISTENING, at(3));
	ck_assert(!health_step(&h, &conf, HEALTH_EV_CHECK_OK, at(4)));
	ck_assert_int_eq(h.state, HEALTH_STARTING);
}

TEST(every_state_has_a_name)
{
	for (int i = 0; i < HEALTH_STATES; i++)
		ck_assert_str_ne(health_state_name(i), "unknown");
	ck_assert_str_eq(health_state_name(HEALTH_STATES), "unknown");
}

TEST(pool_weight_follows_the_healthy)
{
	ck_assert_uint_eq(health_pool_weight(100, 4, 1, 4, 4), 100);
	ck_assert_uint_eq(health_pool_weight(100, 3, 1, 3, 4), 75);
	ck_assert_uint_eq(health_pool_weight(100, 1, 1, 1, 3), 33);
	ck_assert_uint_eq(health_pool_weight(100, 2, 1, 2, 3), 67);
	ck_assert_uint_eq(health_pool_weight(65535, 1, 1, UINT32_MAX - 1, UINT32_MAX),
			  65535);
}

TEST(pool_weight_is_never_zero_while_up)
{
	ck_assert_uint_eq(health_pool_weight(1, 1, 1, 1, 1000), 1);
	ck_assert_uint_eq(health_pool_weight(10, 1, 1, 0, 0), 10);
}

TEST(pool_weight_is_zero_if_that_is_wanted)
{
	ck_assert_uint_eq(health_pool_weight(0, 1, 1, 1, 1), 0);
	ck_assert_uint_eq(health_pool_weight(0, 1, 1, 1, 4), 0);
}

TEST(pool_withdraws_below_its_minimum)
{
	ck_assert_uint_eq(health_pool_weight(100, 1, 2, 1, 4), 0);
	ck_assert_uint_eq(health_pool_weight(100, 2, 2, 2, 4), 50);
	ck_assert_uint_eq(health_pool_weight(100, 0, 0, 0, 4), 0);
	ck_assert_uint_eq(health_pool_weight(100, 0, 1, 0, 4), 0);
}
