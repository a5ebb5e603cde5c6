/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other web-caches that may have flows: for how long, and whether they still serve. */
#include "wccpd/handover/other_caches.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

enum { MEMORY = 3600000 };

static struct other_caches o;

static struct mono at(int64_t ms)
{
	return (struct mono){ ms * 1000000 };
}

static struct addr cache(unsigned n)
{
	return addr_v4(0x0a000000 + n);
}

static void see(unsigned n, int64_t ms)
{
	struct addr a = cache(n);

	other_caches_see(&o, &a, at(ms));
}

static void answer(unsigned n, int64_t ms)
{
	struct addr a = cache(n);

	other_caches_answer(&o, &a, at(ms));
}

static bool serves(unsigned n, int64_t ms)
{
	struct addr a = cache(n);
	const struct other_cache *c = other_caches_find(&o, &a);

	return c && other_cache_serves(c, at(ms));
}

static void reset(void)
{
	memset(&o, 0, sizeof(o));
}

CASE(other_caches, .setup = reset)

/* Another implementation is believed while routers list it. */
TEST(one_that_never_answers_serves_while_it_is_a_member)
{
	see(1, 0);
	ck_assert(serves(1, 1000000));
	other_caches_begin(&o);
	ck_assert(!serves(1, 1000001));
	see(1, 2000000);
	ck_assert(serves(1, 2000000));
}

TEST(one_that_answers_serves_for_as_long_as_it_does)
{
	see(1, 0);
	answer(1, 1000);
	other_caches_begin(&o); /* gone from the views */
	ck_assert(serves(1, 1000 + OTHER_CACHES_SILENT_MS - 1));
	ck_assert(!serves(1, 1000 + OTHER_CACHES_SILENT_MS));
	answer(1, 9000);
	ck_assert(serves(1, 9001));
	/* Still listed, but it does not answer any more. */
	see(1, 20000);
	ck_assert(!serves(1, 20000));
}

TEST(an_older_answer_takes_nothing_back)
{
	answer(1, 9000);
	answer(1, 1000);
	ck_assert(serves(1, 9001));
}

static bool answers(unsigned n, int64_t ms)
{
	struct addr a = cache(n);

	return other_cache_answers(other_caches_find(&o, &a), at(ms));
}

/* It is not asked for flows that it never had before it has shown what it does with them. */
TEST(a_new_one_is_asked_when_it_has_answered)
{
	see(1, 0);
	ck_assert(serves(1, 1) && !answers(1, 1));
	ck_assert(other_caches_have_new(&o, at(OTHER_CACHES_NEW_MS - 1)));
	see(1, OTHER_CACHES_NEW_MS); /* a view again does not make it new again */
	ck_assert(!other_caches_have_new(&o, at(OTHER_CACHES_NEW_MS)));
	answer(1, 9000);
	ck_assert(answers(1, 9001));
	ck_assert(!answers(1, 9000 + OTHER_CACHES_SILENT_MS));
}

TEST(those_that_are_gone_are_remembered_for_a_while)
{
	see(1, 0);
	see(2, 0);
	other_caches_begin(&o);
	see(2, 1000);
	answer(1, 5000);
	other_caches_forget(&o, MEMORY, at(5000 + MEMORY - 1));
	ck_assert_uint_eq(o.n, 2);
	other_caches_forget(&o, MEMORY, at(5000 + MEMORY));
	ck_assert_uint_eq(o.n, 1);
	ck_assert(addr_equal(&o.list[0].addr, &(struct addr[]){ cache(2) }[0]));
}

/* As after a restart: the kernel has noted its answers. */
TEST(only_known_from_its_answers)
{
	answer(7, 100);
	ck_assert(serves(7, 200));
	other_caches_forget(&o, MEMORY, at(99 + MEMORY));
	ck_assert_uint_eq(o.n, 1);
	other_caches_forget(&o, MEMORY, at(100 + MEMORY));
	ck_assert_uint_eq(o.n, 0);
}

TEST(a_full_list_loses_the_longest_unheard)
{
	for (unsigned i = 0; i < OTHER_CACHES_MAX; i++)
		see(i, 1000 + i);
	see(500, 9000); /* all are members: no room */
	ck_assert(!serves(500, 9000));
	other_caches_begin(&o);
	see(0, 9000);
	see(500, 9001);
	ck_assert(serves(500, 9001));
	ck_assert(serves(0, 9001));
	ck_assert_ptr_null(other_caches_find(&o, &(struct addr[]){ cache(1) }[0]));
	ck_assert_ptr_nonnull(other_caches_find(&o, &(struct addr[]){ cache(2) }[0]));
}
