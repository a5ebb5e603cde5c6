/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router side: assignments.
 */
#include "router_bench.h"
#include "suite.h"

#include <string.h>

static struct fake both[2]; /* usable, and both know the newest numbers */

static void setup_conf(const struct router_conf *conf)
{
	bench_start(conf, 5000);
	both[0] = bench_cache(1);
	both[1] = bench_cache(2);
	bench_join(&both[0]);
	bench_join(&both[1]);
	bench_greet(&both[0]);
}

static void setup_echo(bool echo)
{
	struct router_conf conf = bench_conf();

	conf.echo_assignment = echo;
	setup_conf(&conf);
}

static void setup(void)
{
	setup_echo(false);
}

static void assign_half_and_half(uint32_t key)
{
	bench_assign(&both[0], key, both, 2);
	bench_deliver(&both[0].source);
}

/* Deliver what lies in bench.msg; it must have no effect but a count. */
static void expect_ignored(const uint64_t *counter, const char *event)
{
	struct wccp_hash_table before;
	bool assigned;
	uint64_t count;

	bench_status();
	count = *counter;
	before = bench.status.table;
	assigned = bench.status.assigned;
	bench_deliver(&both[0].source);
	bench_status();
	ck_assert_uint_eq(*counter, count + 1);
	ck_assert_ptr_nonnull(bench_note(event));
	ck_assert(!bench_changed());
	ck_assert_int_eq(bench.status.assigned, assigned);
	ck_assert_mem_eq(bench.status.table.buckets, before.buckets, WCCP_BUCKETS);
}

CASE(assignment, .setup = setup, .teardown = bench_stop)

TEST(accepted_and_echoed)
{
	const struct wccp_cache_id *id;

	ck_assert(!bench_status()->assigned);
	assign_half_and_half(42);
	ck_assert_uint_eq(bench_sends(), 0);
	ck_assert(bench_changed());
	ck_assert_str_eq(bench_note("assignment"),
			 "Service web-cache: 256 of 256 buckets assigned to 2 "
			 "web-caches by 10.0.0.1, key 42");
	ck_assert(bench_status()->assigned);
	ck_assert_uint_eq(bench_status()->caches[0].buckets, 128);
	ck_assert(wccp_vector_has(&bench_status()->caches[1].vector, 1));
	bench_greet(&both[1]);
	ck_assert_uint_eq(bench.seen.router_view.key.change_number, 42);
	ck_assert(addr_equal(&bench.seen.router_view.key.cache, &both[0].addr));
	id = bench_in_view(&both[1]);
	ck_assert(!id->unassigned);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		ck_assert_int_eq(wccp_vector_has(&id->buckets, b), b % 2);
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ASSIGNMENT));
}

TEST(component_13_is_as_good_as_6)
{
	bench_assign(&both[0], 42, both, 2);
	bench.msg.present &= ~(1u << WCCP_C_ASSIGNMENT);
	bench.msg.present |= 1u << WCCP_C_ALT_ASSIGNMENT;
	bench_deliver(&both[0].source);
	ck_assert(bench_status()->assigned);
	ck_assert_uint_eq(bench_status()->key.change_number, 42);
}

TEST(view_says_what_is_in_force_not_what_is_claimed)
{
	const struct wccp_cache_id *id;

	memset(&both[1].vector, 0xff, sizeof(both[1].vector));
	both[1].weight = 33;
	bench_greet(&both[1]);
	/* Nothing assigned: its own history, marked so. */
	id = bench_in_view(&both[1]);
	ck_assert(id->unassigned);
	ck_assert(wccp_vector_has(&id->buckets, 200));
	ck_assert_uint_eq(id->weight, 33);
	ck_assert_uint_eq(id->status, 7);
	bench_greet(&both[0]);
	bench_assign(&both[0], 1, both, 1); /* all to the first */
	bench_deliver(&both[0].source);
	bench_greet(&both[1]);
	ck_assert(bench_in_view(&both[1])->unassigned);
	ck_assert(!bench_in_view(&both[0])->unassigned);
	bench_greet(&both[0]);
	assign_half_and_half(2);
	bench_greet(&both[1]);
	id = bench_in_view(&both[1]);
	ck_assert(!id->unassigned);
	ck_assert(!wccp_vector_has(&id->buckets, 200));
	ck_assert(wccp_vector_has(&id->buckets, 201));
}

TEST(alternate_flag_is_kept)
{
	bench_assign(&both[0], 1, both, 2);
	bench.msg.assignment.hash.buckets[3] = WCCP_BUCKET_ALT | 1;
	bench.msg.assignment.hash.buckets[5] = WCCP_BUCKET_NONE;
	bench_deliver(&both[0].source);
	ck_assert_uint_eq(bench_status()->table.buckets[3], WCCP_BUCKET_ALT | 1);
	ck_assert_uint_eq(bench_status()->caches[1].buckets, 127);
	/* The first leaves: the other moves to index 0, its flag stays. */
	bench_shutdown(&both[0]);
	bench_deliver(&both[0].source);
	ck_assert_uint_eq(bench_status()->table.buckets[3], WCCP_BUCKET_ALT);
	ck_assert_uint_eq(bench_status()->table.buckets[4], WCCP_BUCKET_NONE);
	ck_assert_uint_eq(bench_status()->table.buckets[5], WCCP_BUCKET_NONE);
	ck_assert_uint_eq(bench_status()->table.buckets[7], 0);
	ck_assert(addr_equal(&bench_status()->table.caches[0], &both[1].addr));
}

TEST(info_component_when_wanted)
{
	const struct wccp_msg *m;

	bench_stop();
	setup_echo(true);
	ck_assert(!wccp_has(&bench.seen, WCCP_C_ASSIGNMENT));
	assign_half_and_half(9);
	m = bench_greet(&both[0]);
	ck_assert(wccp_has(m, WCCP_C_ASSIGNMENT));
	ck_assert_uint_eq(m->assignment.key.change_number, 9);
	ck_assert_uint_eq(m->assignment.hash.n_caches, 2);
	ck_assert_uint_eq(m->assignment.hash.buckets[7], 1);
}

TEST(sent_again_changes_nothing)
{
	assign_half_and_half(1);
	assign_half_and_half(1);
	ck_assert(!bench_changed());
	ck_assert_ptr_null(bench_note("assignment"));
	ck_assert_uint_eq(bench_counters()->assignments, 2);
	assign_half_and_half(2); /* same table, new key */
	ck_assert(!bench_changed());
	ck_assert_uint_eq(bench_status()->key.change_number, 2);
}

TEST(stale_receive_id)
{
	assign_half_and_half(1);
	bench_assign(&both[0], 2, both, 1);
	bench.msg.assignment.routers[0].receive_id--;
	expect_ignored(&bench.status.counters.bad_receive_id, "bad-receive-id");
	/* The other one's last id is not the sender's. */
	bench_assign(&both[0], 2, both, 1);
	bench.msg.assignment.routers[0].receive_id = both[1].receive_id;
	expect_ignored(&bench.status.counters.bad_receive_id, "bad-receive-id");
	ck_assert_uint_eq(bench_status()->key.change_number, 1);
}

TEST(stale_change_number)
{
	struct fake c = bench_cache(3);

	assign_half_and_half(1);
	bench_join(&c);
	bench_assign(&both[0], 2, both, 1);
	expect_ignored(&bench.status.counters.bad_change_number, "bad-change-number");
}

TEST(from_a_stranger)
{
	struct fake c = bench_cache(3);
	struct addr source = c.source;

	assign_half_and_half(1);
	bench_greet(&c); /* answered, but not usable */
	bench_assign(&c, 0xffffffff, both, 1);
	bench_deliver(&source);
	ck_assert_uint_eq(bench_counters()->not_member, 1);
	ck_assert_ptr_nonnull(bench_note("not-member"));
	/* The other way round: in the name of a member ... */
	bench_assign(&both[0], 2, both, 1);
	bench_deliver(&source);
	ck_assert_uint_eq(bench_counters()->not_member, 2);
	/* ... and a member in the name of a stranger. */
	bench_assign(&both[0], 2, both, 1);
	bench.msg.assignment.key.cache = c.addr;
	expect_ignored(&bench.status.counters.not_member, "not-member");
}

TEST(for_a_stranger)
{
	struct fake three[3] = { both[0], both[1], bench_cache(3) };

	assign_half_and_half(1);
	bench_greet(&three[2]);
	bench_assign(&both[0], 2, three, 3);
	expect_ignored(&bench.status.counters.not_member, "not-member");
}

TEST(mask_sets_are_not_for_us)
{
	assign_half_and_half(1);
	bench_assign(&both[0], 2, both, 1);
	bench.msg.present &= ~(1u << WCCP_C_ASSIGNMENT);
	bench.msg.present |= 1u << WCCP_C_ALT_ASSIGNMENT;
	bench.msg.assignment.type = WCCP_AT_MASK;
	bench.msg.assignment.sets = (struct wccp_set_list){ 0, 0, false };
	expect_ignored(&bench.status.counters.bad_method, "bad-method");
}

/* It has no receive id of ours: it may be old, or meant for others. */
TEST(not_listed_changes_nothing)
{
	struct router_conf conf = bench_conf();

	ck_assert_int_eq(codec_password("secret", &conf.password, NULL), 0);
	bench_stop();
	setup_conf(&conf);
	assign_half_and_half(1);
	bench_assign(&both[0], 2, both, 2);
	bench.msg.assignment.routers[0].id = addr_v4(0x0a0000fd);
	expect_ignored(&bench.status.counters.not_listed, "not-listed");
}

TEST(not_listed_changes_nothing_without_a_password)
{
	assign_half_and_half(1);
	bench_assign(&both[0], 2, both, 2);
	bench.msg.assignment.routers[0].id = addr_v4(0x0a0000fd);
	expect_ignored(&bench.status.counters.not_listed, "not-listed");
}

/* Two before the next I_SEE_YOU have the same receive id; replayed, the first of them
 * comes last. */
TEST(an_older_key_does_not_come_back)
{
	assign_half_and_half(7);
	bench_assign(&both[0], 8, both, 1);
	bench_deliver(&both[0].source);
	ck_assert_uint_eq(bench_status()->key.change_number, 8);
	bench_assign(&both[0], 7, both, 2);
	expect_ignored(&bench.status.counters.bad_receive_id, "bad-receive-id");
	ck_assert_uint_eq(bench_status()->key.change_number, 8);
	/* The greatest number there is is no reason to refuse what follows. */
	bench_assign(&both[0], UINT32_MAX, both, 2);
	expect_ignored(&bench.status.counters.bad_receive_id, "bad-receive-id");
	bench_greet(&both[0]);
	bench_assign(&both[0], UINT32_MAX, both, 2);
	bench_deliver(&both[0].source);
	bench_greet(&both[0]);
	bench_assign(&both[0], 1, both, 2);
	bench_deliver(&both[0].source);
	ck_assert_uint_eq(bench_status()->key.change_number, 1);
}

/* A member assigns under its own key. */
TEST(under_the_key_of_another)
{
	assign_half_and_half(1);
	bench_assign(&both[0], 2, both, 1);
	bench.msg.assignment.key.cache = both[1].addr;
	expect_ignored(&bench.status.counters.not_member, "not-member");
}

TEST(not_listed_is_silent_in_2_01)
{
	assign_half_and_half(1);
	bench_assign(&both[0], 2, both, 1);
	bench.msg.minor = 1;
	bench.msg.assignment.routers[0].id = addr_v4(0x0a0000fd);
	expect_ignored(&bench.status.counters.not_listed, "not-listed");
}

TEST(last_one_takes_the_table_along)
{
	assign_half_and_half(1);
	for (unsigned i = 0; i < 2; i++) {
		bench_shutdown(&both[i]);
		bench_deliver(&both[i].source);
	}
	ck_assert(!bench_status()->assigned);
	ck_assert_uint_eq(bench_status()->n_caches, 0);
	ck_assert(mono_is_never(router_deadline(bench.r)));
}
