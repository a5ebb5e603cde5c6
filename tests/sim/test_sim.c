/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Up to 32 web-caches and 32 routers, for many seeds: first everything goes wrong on a
 * bad network, then only the network stays bad, then it is good, too.
 *
 *   test_sim                 SIM_RUNS seeds (environment, default 200) from SIM_FIRST
 *                            (default 1) on
 *   test_sim SEED            that one, told step by step
 *   test_sim -a SEED         that one, attacked by somebody who replays
 */
#include "sim.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEFAULT_RUNS = 200,
	/* In RB.  Statistical: with 20 % lost, a view that is whole everywhere is a
	 * matter of luck, but not of very much. */
	LOSSY_RB = 120,
	/* In T.  An attacker can make HERE_I_AMs void, while a router and a web-cache do
	 * not know each other yet, and each costs T.  By multicast he can also have routers
	 * listed for a while that are not there, and an assignment waits for each. */
	ATTACKED_T = 3,
	ATTACKED_MULTICAST_T = 40,
};

static struct {
	unsigned runs, full, pairs;
	uint64_t steps, sent, strikes, assignments, moves_judged;
	size_t largest;		/* datagram */
	double worst_share;	/* of the bound ... */
	uint64_t worst_seed;	/* ... by this one */
	int64_t worst_lossy_ms; /* until the end state was seen despite losses */
} summary;

/* Look ever so often until it has been as it should be for `lasting` ms, at most for
 * `ms`.  Returns when it last was not, in ms from the start. */
static int64_t watch(struct sim *sim, int64_t ms, int64_t lasting)
{
	struct mono start = sim->now;
	int64_t look = sim->plan.t_ms / 10, bad_since = 0, bad_until = 0;
	/* An attacker may change something, but for no longer than T. */
	int64_t tolerated = sim->attacked ? sim->plan.t_ms + look : -1;

	for (int64_t t = 0; t <= ms && !sim->failed; t += look) {
		world_run(sim, mono_add_ms(start, t));
		if (!goal_missed(sim))
			bad_since = t + look;
		else if (t - bad_since > tolerated || !bad_until)
			bad_until = t + look;
		if (t >= bad_until + lasting)
			break;
	}
	return bad_until;
}

static int64_t attack_allowance_ms(const struct sim *sim)
{
	if (!sim->attacked)
		return 0;
	return sim->plan.t_ms *
	       (sim->plan.multicast ? ATTACKED_MULTICAST_T : ATTACKED_T);
}

/* They must get there while packets are still lost ... */
static void settle_despite_losses(struct sim *sim)
{
	int64_t most = LOSSY_RB * sim->plan.rb_ms, took = watch(sim, most, 0);

	if (took > most)
		sim_fail(sim, "never settled on a bad network: %s", goal_missed(sim));
	else if (took > summary.worst_lossy_ms)
		summary.worst_lossy_ms = took;
	sim_trace(sim, "settled once after %.1f s", (double)took / 1000);
}

/* ... and on a good network within the bound, and stay there: longer than after which
 * a silent member is removed or a table without a fresh assignment is flushed. */
static void settle_for_good(struct sim *sim)
{
	int64_t allowance = attack_allowance_ms(sim);
	int64_t bound = goal_bound_ms(sim) + allowance, took;
	int64_t lasting = 3 * sim->plan.tb_ms + 5 * sim->plan.rb_ms;
	double share;

	sim_trace(sim, "no more losses");
	sim->net.bad = false;
	took = watch(sim, bound + lasting, lasting);
	if (sim->failed)
		return;
	if (took > bound)
		sim_fail(sim, "not settled after %.1f s of a good network: %s",
			 (double)bound / 1000,
			 goal_missed(sim) ? goal_missed(sim) : "it took longer");
	share = (double)took / (double)bound;
	if (share > summary.worst_share) {
		summary.worst_share = share;
		summary.worst_seed = sim->seed;
	}
	sim_trace(sim, "settled after %.1f s, bound %.1f s", (double)took / 1000,
		  (double)bound / 1000);
}

static struct sim sim;

static void summarise(void)
{
	summary.runs++;
	summary.full +=
		sim.plan.n_caches == SIM_CACHES && sim.plan.n_routers == SIM_ROUTERS;
	summary.pairs += sim.plan.n_services > 1;
	summary.steps += sim.steps;
	summary.sent += sim.net.sent;
	summary.strikes += sim.strikes;
	summary.assignments += sim.assignments;
	summary.moves_judged += sim.moves_judged;
	if (sim.net.largest > summary.largest)
		summary.largest = sim.net.largest;
}

static void run(uint64_t seed, bool trace, bool attacked)
{
	world_start(&sim, seed, trace, attacked);
	world_run(&sim, mono_add_ms(sim.now, sim.plan.trouble_ms));
	if (!sim.failed)
		trouble_end(&sim);
	if (!sim.failed && sim.plan.settles_despite_losses)
		settle_despite_losses(&sim);
	if (!sim.failed)
		settle_for_good(&sim);
	summarise();
	world_stop(&sim);
}

static int setting(const char *name, int otherwise)
{
	const char *text = getenv(name);
	int n = text ? atoi(text) : 0;

	return n > 0 ? n : otherwise;
}

START_TEST(settles)
{
	uint64_t seed = (uint64_t)(setting("SIM_FIRST", 1) + _i);

	run(seed, false, false);
	ck_assert_msg(!sim.failed, "seed %" PRIu64 ", %.3f s: %s", seed,
		      (double)sim.now.ns / 1e9, sim.why);
}
END_TEST

/* Who records everything, and replays it to anybody from anywhere, changes nothing for
 * longer than T. */
START_TEST(replays_change_nothing)
{
	uint64_t seed = (uint64_t)(setting("SIM_FIRST", 1) + _i);

	run(seed, false, true);
	ck_assert_msg(!sim.failed, "attacked, seed %" PRIu64 ", %.3f s: %s", seed,
		      (double)sim.now.ns / 1e9, sim.why);
	if (sim.net.sent > 100) /* it may be that nobody ever comes */
		ck_assert_uint_gt(sim.replayed, 100);
}
END_TEST

/* Seeds of the classic kind: 8 web-caches and 4 routers. */
START_TEST(same_seed_same_run)
{
	uint64_t hash, sent;

	run(1, false, false);
	hash = sim.hash;
	sent = sim.net.sent;
	run(1, false, false);
	ck_assert_uint_eq(sim.hash, hash);
	ck_assert_uint_eq(sim.net.sent, sent);
	run(6, false, false);
	ck_assert_uint_ne(sim.hash, hash);
}
END_TEST

/* A test that sees nothing happen proves nothing. */
START_TEST(much_happens)
{
	run(1, false, false);
	ck_assert(sim.plan.classic);
	ck_assert_uint_eq(sim.plan.n_caches, 8);
	ck_assert_uint_eq(sim.plan.n_routers, 4);
	ck_assert_uint_eq(sim.plan.loss, 20);
	ck_assert_uint_gt(sim.net.sent, 2000);
	ck_assert_uint_gt(sim.net.lost, sim.net.sent / 10);
	ck_assert_uint_gt(sim.net.doubled, sim.net.sent / 30);
	ck_assert_uint_gt(sim.strikes, 20);
	ck_assert_uint_gt(sim.moves_judged, sim.assignments / 3);
}
END_TEST

static int tell(const char *text, bool attacked)
{
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	run(strtoull(text, NULL, 10), true, attacked);
	/* Of all octets sent: two builds that print the same have said the same. */
	printf("%" PRIu64 " steps, %" PRIu64 " datagrams, hash %016" PRIx64 "\n", sim.steps,
	       sim.net.sent, sim.hash);
	return sim.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void print_summary(void)
{
	printf("%u runs (%u of 32 web-caches and 32 routers, %u of a pair), %" PRIu64
	       " steps, %" PRIu64 " datagrams of up to %zu octets, %" PRIu64
	       " disturbances\n",
	       summary.runs, summary.full, summary.pairs, summary.steps, summary.sent,
	       summary.largest, summary.strikes);
	printf("%" PRIu64 " assignments, the moves of %" PRIu64
	       " judged; settled within %.0f %% of the bound (seed %" PRIu64
	       "), on the bad network once within %.1f s\n",
	       summary.assignments, summary.moves_judged, 100 * summary.worst_share,
	       summary.worst_seed, (double)summary.worst_lossy_ms / 1000);
}

int main(int argc, char **argv)
{
	Suite *s;
	TCase *tc;
	SRunner *sr;
	int failed;

	if (argc > 2 && strcmp(argv[1], "-a") == 0)
		return tell(argv[2], true);
	if (argc > 1)
		return tell(argv[1], false);
	s = suite_create("sim");
	tc = tcase_create("sim");
	sr = srunner_create(s);
	tcase_add_test(tc, same_seed_same_run);
	tcase_add_test(tc, much_happens);
	tcase_add_loop_test(tc, settles, 0, setting("SIM_RUNS", DEFAULT_RUNS));
	tcase_add_loop_test(tc, replays_change_nothing, 0,
			    setting("SIM_ATTACKED", DEFAULT_RUNS));
	suite_add_tcase(s, tc);
	/* One process: the summary is of all runs. */
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	print_summary();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
