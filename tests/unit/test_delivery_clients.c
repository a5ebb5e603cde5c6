/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When is silence towards clients this box's fault? */
#include "wccpd/delivery/delivery_clients.h"
#include "suite.h"

#include <stdlib.h>

static enum delivery_clients_verdict look(struct delivery_clients *c, uint64_t new_flows,
					  uint64_t completed, bool answered)
{
	struct delivery_clients_counts counts = { new_flows, completed, 0, 0 };

	return delivery_clients_look(c, &counts, answered);
}

TEST(clients_that_are_served_are_fine)
{
	struct delivery_clients c = { 0 };

	ck_assert_int_eq(look(&c, 100, 100, false), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look(&c, 200, 101, false), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look(&c, 202, 101, false), DELIVERY_CLIENTS_FINE); /* few */
	ck_assert_int_eq(look(&c, 202, 101, false), DELIVERY_CLIENTS_FINE);
}

TEST(clients_that_get_no_answer_are_noticed_at_the_second_look)
{
	struct delivery_clients c = { 0 };

	look(&c, 100, 100, false);
	ck_assert_int_eq(look(&c, 103, 100, false), DELIVERY_CLIENTS_DOUBT);
	ck_assert_int_eq(look(&c, 103, 100, false), DELIVERY_CLIENTS_DOUBT);
	ck_assert_int_eq(look(&c, 104, 100, false), DELIVERY_CLIENTS_UNANSWERED);
}

TEST(clients_that_only_send_syns_are_not)
{
	struct delivery_clients c = { 0 };

	look(&c, 100, 100, false);
	ck_assert_int_eq(look(&c, 5000, 100, false), DELIVERY_CLIENTS_DOUBT);
	ck_assert_int_eq(look(&c, 9000, 100, true), DELIVERY_CLIENTS_FINE);
}

TEST(clients_that_are_few_add_up)
{
	struct delivery_clients c = { 0 };

	look(&c, 100, 100, false);
	ck_assert_int_eq(look(&c, 101, 100, false), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look(&c, 102, 100, false), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look(&c, 103, 100, false), DELIVERY_CLIENTS_DOUBT);
	ck_assert_int_eq(look(&c, 104, 100, false), DELIVERY_CLIENTS_UNANSWERED);
}

TEST(clients_that_do_not_come_back_leave_no_doubt)
{
	struct delivery_clients c = { 0 };

	look(&c, 100, 100, false);
	for (int i = 0; i < DELIVERY_CLIENTS_LOOKS; i++)
		ck_assert_int_eq(look(&c, 103, 100, false), DELIVERY_CLIENTS_DOUBT);
	ck_assert_int_eq(look(&c, 103, 100, false), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look(&c, 104, 100, false), DELIVERY_CLIENTS_FINE);
}

TEST(clients_one_handshake_is_enough)
{
	struct delivery_clients c = { 0 };

	look(&c, 100, 100, false);
	ck_assert_int_eq(look(&c, 110, 100, false), DELIVERY_CLIENTS_DOUBT);
	ck_assert_int_eq(look(&c, 120, 101, false), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look(&c, 122, 101, false), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look(&c, 130, 101, false), DELIVERY_CLIENTS_DOUBT);
}

/* The first look, and counters that began anew. */
TEST(clients_need_something_to_compare_with)
{
	struct delivery_clients c = { 0 };

	ck_assert_int_eq(look(&c, 1000, 0, false), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look(&c, 10, 0, false), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look(&c, 20, 0, false), DELIVERY_CLIENTS_DOUBT);
}

static enum delivery_clients_verdict look_on(struct delivery_clients *c, uint64_t n,
					     uint64_t stuck, uint64_t confirmed)
{
	struct delivery_clients_counts counts = { n, n, stuck, confirmed };

	return delivery_clients_look(c, &counts, false);
}

/* Handshakes look complete from outside, and nothing comes of them. */
TEST(clients_that_get_no_further_than_the_handshake)
{
	struct delivery_clients c = { 0 };

	look_on(&c, 10, 0, 40);
	ck_assert_int_eq(look_on(&c, 20, 2, 40), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look_on(&c, 30, 3, 40), DELIVERY_CLIENTS_STUCK);
	ck_assert_int_eq(look_on(&c, 40, 5, 40), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look_on(&c, 50, 6, 40), DELIVERY_CLIENTS_STUCK);
}

/* Some are stuck, by a fault of their own or of what is between us and them. */
TEST(clients_of_which_one_gets_on)
{
	struct delivery_clients c = { 0 };

	look_on(&c, 10, 0, 40);
	ck_assert_int_eq(look_on(&c, 20, 50, 41), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look_on(&c, 30, 52, 41), DELIVERY_CLIENTS_FINE);
	/* Counters that began anew. */
	ck_assert_int_eq(look_on(&c, 40, 1, 41), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look_on(&c, 50, 3, 41), DELIVERY_CLIENTS_FINE);
	ck_assert_int_eq(look_on(&c, 60, 4, 41), DELIVERY_CLIENTS_STUCK);
}

static struct mono at(int64_t ms)
{
	return (struct mono){ ms * 1000000 };
}

TEST(silence_is_told_once_when_nothing_has_come_since_there_are_slots)
{
	struct delivery_silence s = { 0 };

	ck_assert(!delivery_silence_look(&s, 0, 7, at(0)));
	ck_assert(!delivery_silence_look(&s, 256, 7, at(1000)));
	ck_assert(!delivery_silence_look(&s, 256, 7, at(DELIVERY_SILENCE_MS + 999)));
	ck_assert(delivery_silence_look(&s, 256, 7, at(DELIVERY_SILENCE_MS + 1000)));
	ck_assert(!delivery_silence_look(&s, 256, 7, at(3 * DELIVERY_SILENCE_MS)));
	/* Slots anew: it begins anew. */
	delivery_silence_look(&s, 0, 7, at(3 * DELIVERY_SILENCE_MS));
	delivery_silence_look(&s, 1, 7, at(3 * DELIVERY_SILENCE_MS));
	ck_assert(delivery_silence_look(&s, 1, 7, at(4 * DELIVERY_SILENCE_MS)));
}

TEST(silence_after_packets_is_a_quiet_night)
{
	struct delivery_silence s = { 0 };

	delivery_silence_look(&s, 256, 0, at(1));
	delivery_silence_look(&s, 256, 1, at(2));
	ck_assert(!delivery_silence_look(&s, 256, 1, at(10 * DELIVERY_SILENCE_MS)));
}
