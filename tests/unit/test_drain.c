/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Draining a service: when it ends, and when new connections go back. */
#include "wccpd/drain/drain_fsm.h"
#include "wccpd/drain/slow_start.h"
#include "suite.h"

#include <stdlib.h>

static struct drain d;
static struct drain_facts f;

static struct mono at(int64_t ms)
{
	return (struct mono){ ms * 1000000 };
}

static void reset(void)
{
	drain_init(&d, at(0));
	f = (struct drain_facts){
		.why = "stop",
		.announced = true,
		.may_return = true,
		.others = true,
		.flows = 5,
		.time_ms = 60000,
		.move_ms = 20000,
	};
}

static enum drain_state step(int64_t ms)
{
	f.returning = d.returns; /* a plan has been in force since */
	drain_step(&d, &f, at(ms));
	return d.state;
}

CASE(drain, .setup = reset)

TEST(flows_are_waited_for)
{
	ck_assert_int_eq(step(1), DRAIN_DRAINING);
	ck_assert(!d.returns);
	ck_assert_uint_eq(d.flows, 5);
	ck_assert_int_eq(drain_left_ms(&d, at(1)), 60000);
	f.moved = true;
	ck_assert_int_eq(step(15000), DRAIN_DRAINING);
	ck_assert(!d.returns);
	ck_assert_int_eq(step(15000 + DRAIN_SETTLE_MS), DRAIN_DRAINING);
	ck_assert(d.returns);
	f.flows = 0;
	ck_assert_int_eq(step(17000), DRAIN_LEFT);
	ck_assert_int_eq(step(18000), DRAIN_LEFT);
}

/* The count may be older than the last connection: it counts when new ones go back. */
TEST(without_flows_it_takes_two_looks)
{
	f.others = false;
	f.flows = 0;
	ck_assert_int_eq(step(1), DRAIN_DRAINING);
	ck_assert(d.returns);
	f.flows = 1;
	ck_assert_int_eq(step(2), DRAIN_DRAINING);
	f.flows = 0;
	ck_assert_int_eq(step(3), DRAIN_LEFT);
}

/* Until a new table is made, nobody would get the packets of our slots. */
TEST(without_flows_slots_move_first)
{
	f.flows = 0;
	ck_assert_int_eq(step(1), DRAIN_DRAINING);
	ck_assert(!d.returns);
	f.moved = true;
	ck_assert_int_eq(step(5000), DRAIN_DRAINING);
	ck_assert_int_eq(step(5000 + DRAIN_SETTLE_MS), DRAIN_DRAINING);
	ck_assert(d.returns);
	ck_assert_int_eq(step(6001), DRAIN_LEFT);
	/* They never move: it does not wait for ever. */
	reset();
	f.flows = 0;
	step(1);
	ck_assert_int_eq(step(f.move_ms), DRAIN_DRAINING);
	step(1 + f.move_ms);
	ck_assert_int_eq(step(2 + f.move_ms), DRAIN_LEFT);
}

TEST(time_is_limited)
{
	step(0);
	ck_assert_int_eq(step(59999), DRAIN_DRAINING);
	ck_assert_int_eq(step(60000), DRAIN_LEFT);
	/* A later reason does not prolong it, a shorter time counts. */
	reset();
	step(0);
	f.why = "another";
	ck_assert_int_eq(step(30000), DRAIN_DRAINING);
	f.time_ms = 5000;
	step(31000);
	ck_assert_int_eq(drain_left_ms(&d, at(31000)), 5000);
	ck_assert_int_eq(step(36000), DRAIN_LEFT);
}

TEST(nobody_takes_over)
{
	f.others = false;
	step(0);
	ck_assert(d.returns);
	ck_assert_int_eq(step(1000), DRAIN_DRAINING);
	f.others = true; /* one has come */
	step(2000);
	ck_assert(!d.returns);
	step(20000); /* and never got our slots */
	ck_assert(d.returns);
}

TEST(moved_before_it_began_is_not_believed)
{
	f.moved = true;
	step(0);
	f.moved = false;
	step(100);
	step(2000);
	ck_assert(!d.returns);
}

/* A closed service: new connections are served, and the first moment without any
 * is the end. */
TEST(new_ones_may_not_pass)
{
	f.may_return = f.others = false;
	ck_assert_int_eq(step(0), DRAIN_DRAINING);
	ck_assert(!d.returns);
	step(30000);
	ck_assert(!d.returns);
	f.flows = 0;
	ck_assert_int_eq(step(31000), DRAIN_LEFT);
}

TEST(nothing_to_wait_for)
{
	f.gone = true;
	ck_assert_int_eq(step(0), DRAIN_LEFT);
	reset();
	f.announced = false;
	ck_assert_int_eq(step(0), DRAIN_LEFT);
	reset();
	step(0);
	f.at_once = true;
	ck_assert_int_eq(step(1), DRAIN_LEFT);
}

TEST(and_back)
{
	step(0);
	f.why = NULL;
	ck_assert_int_eq(step(1), DRAIN_OFF);
	ck_assert(!d.returns);
	f.why = "again";
	f.flows = 0;
	f.others = false;
	step(2);
	ck_assert_int_eq(step(3), DRAIN_LEFT);
	f.why = NULL;
	ck_assert_int_eq(step(4), DRAIN_OFF);
	ck_assert(!drain_step(&d, &f, at(5)));
}

/* weight = 0 in the configuration. */
TEST(it_stays)
{
	f.stays = true;
	f.flows = 0;
	step(0);
	ck_assert_int_eq(step(1000000), DRAIN_DRAINING);
	ck_assert_int_eq(drain_left_ms(&d, at(0)), -1);
	f.others = false;
	step(1000001);
	ck_assert(d.returns);
	/* A stop ends that, too. */
	f.stays = false;
	ck_assert_int_eq(step(1000002), DRAIN_LEFT);
	f.stays = true;
	ck_assert_int_eq(step(1000003), DRAIN_DRAINING);
}

TEST(every_state_has_a_name)
{
	ck_assert_str_eq(drain_state_name(DRAIN_OFF), "off");
	ck_assert_str_eq(drain_state_name(DRAIN_DRAINING), "draining");
	ck_assert_str_eq(drain_state_name(DRAIN_LEFT), "left");
}

TEST(a_share_grows_in_steps)
{
	uint16_t last = 0;
	unsigned steps = 0;

	ck_assert_uint_eq(slow_start_weight(100, 0, 20000), 25);
	ck_assert_uint_eq(slow_start_weight(100, 4999, 20000), 25);
	ck_assert_uint_eq(slow_start_weight(100, 5000, 20000), 50);
	ck_assert_uint_eq(slow_start_weight(100, 15000, 20000), 100);
	for (int64_t t = 0; t < 30000; t += 10) {
		uint16_t weight = slow_start_weight(65535, t, 20000);

		ck_assert_uint_ge(weight, last);
		steps += weight != last;
		last = weight;
	}
	ck_assert_uint_eq(steps, SLOW_START_STEPS);
	ck_assert_uint_eq(last, 65535);
	ck_assert_uint_eq(slow_start_weight(1, 0, 20000), 1);
	ck_assert_uint_eq(slow_start_weight(0, 0, 20000), 0);
	ck_assert_uint_eq(slow_start_weight(100, 0, 0), 100);
}
