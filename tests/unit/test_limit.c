/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The budget of log lines, in virtual time. */
#include "common/limit.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

static struct limit l;
static struct limit_summary summary;
static unsigned held;

static void begin(void)
{
	l = (struct limit){ .pending = 0 };
}

static struct mono at(int64_t ms)
{
	return (struct mono){ ms * 1000000 };
}

/* Line `text` about the peer 10.N.N.N. */
static bool pass(enum limit_class class, const char *event, unsigned peer,
		 const char *text, int64_t ms)
{
	struct addr a = addr_v4(0x0a000000 + peer);
	struct addr_text name;
	struct limit_line line = { class, NOTE_WARNING, event,
				   { .service = "80", .peer = addr_text(&a, &name) } };

	return limit_pass(&l, &line, text, at(ms), &held);
}

static unsigned complaints(unsigned peers, unsigned each, int64_t ms)
{
	unsigned n = 0;

	for (unsigned i = 0; i < peers * each; i++)
		n += pass(LIMIT_COMPLAINT, "auth-failed", i % peers, "refused", ms);
	return n;
}

CASE(limit, .setup = begin)

TEST(a_complaint_comes_once_a_minute)
{
	ck_assert_uint_eq(complaints(1, 60, 0), 1);
	ck_assert_uint_eq(complaints(1, 1, 59999), 0);
	ck_assert(pass(LIMIT_COMPLAINT, "auth-failed", 0, "refused", 60000));
	ck_assert_uint_eq(held, 60);
	ck_assert(!limit_is_pending(&l));
}

TEST(subjects_are_not_held_back_by_each_other)
{
	ck_assert_uint_eq(complaints(30, 5, 0), 30);
	ck_assert(pass(LIMIT_COMPLAINT, "truncated", 0, "refused", 0));
	ck_assert(!pass(LIMIT_COMPLAINT, "truncated", 0, "refused", 0));
}

TEST(the_quietest_subject_is_forgotten_first)
{
	for (unsigned i = 0; i < LIMIT_SLOTS; i++)
		ck_assert(pass(LIMIT_COMPLAINT, "e", i, "refused", i));
	ck_assert(pass(LIMIT_COMPLAINT, "e", 1000, "refused", 100));
	ck_assert(!pass(LIMIT_COMPLAINT, "e", 1, "refused", 101));
	ck_assert(pass(LIMIT_COMPLAINT, "e", 0, "refused", 102));
}

/* D6: with sources that are invented, too. */
TEST(all_complaints_together_have_a_budget)
{
	unsigned n = complaints(1000, 3, 0), lines = n;
	unsigned long said = 0;

	ck_assert_uint_eq(n, LIMIT_COMPLAINTS);
	for (int64_t s = 1; s <= 60; s++)
		lines += complaints(1000, 1, s * 1000);
	ck_assert_uint_le(lines, LIMIT_COMPLAINTS + 60000 / LIMIT_COMPLAINTS_MS + 1);
	ck_assert(limit_is_pending(&l));
	n = 0;
	while (limit_take(&l, at(200000), &summary)) {
		unsigned number = 0;

		ck_assert_str_eq(summary.event, "auth-failed");
		if (sscanf(summary.text, "%u more lines like this were not logged",
			   &number) == 1)
			said += number;
		n++;
	}
	ck_assert_uint_le(n, LIMIT_SLOTS + 1);
	ck_assert_uint_gt(said, 60000);
	ck_assert(!limit_is_pending(&l));
}

/* What others have used up does not hide that something else begins. */
TEST(the_first_of_each_kind_is_logged_whatever_else_is)
{
	complaints(1000, 1, 0);
	ck_assert(pass(LIMIT_COMPLAINT, "truncated", 5000, "refused", 0));
	ck_assert(!pass(LIMIT_COMPLAINT, "truncated", 5001, "refused", 0));
	ck_assert(pass(LIMIT_STATE, "joined", 5000, "usable", 0));
}

TEST(events_without_a_place_are_counted_together)
{
	static char names[2 * LIMIT_EVENTS][8];
	unsigned lines = 0;

	complaints(1000, 1, 0);
	for (unsigned i = 0; i < 2 * LIMIT_EVENTS; i++) {
		snprintf(names[i], sizeof(names[i]), "e%u", i);
		lines += pass(LIMIT_COMPLAINT, names[i], i, "refused", 0);
	}
	ck_assert_uint_le(lines, LIMIT_EVENTS);
}

TEST(states_that_change_at_a_sane_rate_are_all_logged)
{
	for (int64_t i = 0; i < 1000; i++)
		ck_assert(pass(LIMIT_STATE, i % 2 ? "joined" : "lost", 1, "it answers",
			       i * 3000));
}

TEST(of_a_state_that_flips_the_last_one_is_told)
{
	unsigned lines = 0;
	char text[32];

	for (unsigned i = 0; i < 1001; i++) {
		snprintf(text, sizeof(text), "turn %u", i);
		lines += pass(LIMIT_STATE, i % 2 ? "joined" : "lost", 1, text, i);
	}
	ck_assert_uint_eq(lines, LIMIT_STATE_BURST);
	ck_assert(!limit_take(&l, at(1000 + LIMIT_REST_MS - 1), &summary));
	ck_assert(limit_take(&l, at(1000 + LIMIT_REST_MS), &summary));
	ck_assert_str_eq(summary.event, "lost");
	ck_assert_str_eq(summary.about.peer, "10.0.0.1");
	ck_assert_str_eq(summary.about.service, "80");
	ck_assert_ptr_null(summary.about.instance);
	ck_assert_str_eq(summary.text, "turn 1000 (and 960 more like it)");
	ck_assert(!limit_is_pending(&l));
}

TEST(a_state_that_never_rests_is_summed_up_once_a_minute)
{
	unsigned summaries = 0;

	for (int64_t ms = 0; ms < 600000; ms += 10) {
		pass(LIMIT_STATE, "joined", 1, "flip", ms);
		summaries += limit_take(&l, at(ms), &summary);
	}
	ck_assert_uint_le(summaries, 10);
}

TEST(all_states_together_have_a_budget)
{
	unsigned lines = 0;

	for (unsigned i = 0; i < 100000; i++)
		lines += pass(LIMIT_STATE, "service-found", i % 2000, "new", 0);
	ck_assert_uint_eq(lines, LIMIT_STATES);
}

TEST(a_single_line_that_was_held_back_is_told_as_it_is)
{
	ck_assert(pass(LIMIT_COMPLAINT, "e", 1, "first", 0));
	ck_assert(!pass(LIMIT_COMPLAINT, "e", 1, "second", 0));
	ck_assert(limit_take(&l, at(60000), &summary));
	ck_assert_str_eq(summary.text, "second");
}
