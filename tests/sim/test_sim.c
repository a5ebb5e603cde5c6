/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Eight web-caches and four routers, for many seeds: first everything goes wrong
 * on a bad network, then nothing does but the network stays bad, then that is good.
 *
 *   test_sim                 seeds 1 to SIM_RUNS (environment, default 300)
 *   test_sim SEED            that one, told step by step
 */
#include "sim.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	TROUBLE_MS = 300 * 1000,
	/* Statistical: with 20 % lost, a view that is whole everywhere is a matter
	 * of luck, but not of very much. */
	LOSSY_MS = 900 * 1000,
	LOOK_MS = 500,
};

/* From the first second of a good network on (2.01 sections 2.1 and 3.7):
 * the silent are removed after 3 TB; others notice with their next HERE_I_AM, T;
 * the designated one waits at most 3 RB; a lost echo costs one more T. */
static int64_t bound_ms(const struct sim *sim)
{
	return 3 * world_tb_ms(sim) + 3 * world_rb_ms(sim) +
	       2 * sim->plan.transmit_t_ms + 2 * SIM_DELAY_MAX_MS;
}

static struct {
	unsigned runs, lossy;
	uint64_t steps, sent;
	double worst_share;	/* of the bound */
	int64_t worst_lossy_ms; /* until the end state was seen despite losses */
} summary;

/* Look every LOOK_MS until `ms` are over or `once` it is as it should be.  Returns
 * when it last was not, in ms from the start. */
static int64_t watch(struct sim *sim, int64_t ms, bool once)
{
	struct mono start = sim->now;
	int64_t bad_until = 0;

	for (int64_t t = 0; t <= ms && !sim->failed; t += LOOK_MS) {
		world_run(sim, mono_add_ms(start, t));
		if (judge_end_state(sim))
			bad_until = t + LOOK_MS;
		else if (once)
			break;
	}
	return bad_until;
}

/* They must get there while packets are still lost ... */
static void settle_despite_losses(struct sim *sim)
{
	int64_t took = watch(sim, LOSSY_MS, true);

	if (took > LOSSY_MS)
		sim_fail(sim, "never settled on a bad network: %s",
			 judge_end_state(sim));
	else if (took > summary.worst_lossy_ms)
		summary.worst_lossy_ms = took;
	sim_trace(sim, "settled once after %.1f s", (double)took / 1000);
}

/* ... and on a good network within the bound, and stay there. */
static void settle_for_good(struct sim *sim)
{
	int64_t bound = bound_ms(sim), took;
	double share;

	sim_trace(sim, "no more losses");
	sim->net.bad = false;
	took = watch(sim, 2 * bound, false);
	if (took > bound)
		sim_fail(sim, "not settled after %.1f s of a good network: %s",
			 (double)bound / 1000,
			 judge_end_state(sim) ? judge_end_state(sim)
					      : "it took longer");
	share = (double)took / (double)bound;
	if (share > summary.worst_share)
		summary.worst_share = share;
	sim_trace(sim, "settled after %.1f s, bound %.1f s", (double)took / 1000,
		  (double)bound / 1000);
}

static struct sim sim;

static void run(uint64_t seed, bool trace)
{
	world_start(&sim, seed, trace);
	world_run(&sim, mono_add_ms(sim.now, TROUBLE_MS));
	trouble_end(&sim);
	/* Every other seed: straight to the good network, out of any state. */
	if (seed % 2)
		settle_despite_losses(&sim);
	if (!sim.failed)
		settle_for_good(&sim);
	summary.runs++;
	summary.steps += sim.steps;
	summary.sent += sim.net.sent;
	world_stop(&sim);
}

START_TEST(settles)
{
	run((uint64_t)_i, false);
	ck_assert_msg(!sim.failed, "seed %d, %.3f s: %s", _i, (double)sim.now.ns / 1e9,
		      sim.why);
}
END_TEST

START_TEST(same_seed_same_run)
{
	uint64_t hash, sent;

	run(1, false);
	hash = sim.hash;
	sent = sim.net.sent;
	run(1, false);
	ck_assert_uint_eq(sim.hash, hash);
	ck_assert_uint_eq(sim.net.sent, sent);
	run(3, false);
	ck_assert_uint_ne(sim.hash, hash);
}
END_TEST

/* A test that sees nothing happen proves nothing. */
START_TEST(much_happens)
{
	run(1, false);
	ck_assert_uint_gt(sim.net.sent, 2000);
	ck_assert_uint_gt(sim.net.lost, sim.net.sent / 10);
	ck_assert_uint_gt(sim.net.doubled, sim.net.sent / 30);
}
END_TEST

static int replay(const char *text)
{
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	run(strtoull(text, NULL, 10), true);
	return sim.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int runs(void)
{
	const char *text = getenv("SIM_RUNS");
	int n = text ? atoi(text) : 0;

	return n > 0 ? n : 300;
}

int main(int argc, char **argv)
{
	Suite *s = suite_create("sim");
	TCase *tc = tcase_create("sim");
	SRunner *sr = srunner_create(s);
	int failed;

	if (argc > 1)
		return replay(argv[1]);
	tcase_add_test(tc, same_seed_same_run);
	tcase_add_test(tc, much_happens);
	tcase_add_loop_test(tc, settles, 1, runs() + 1);
	suite_add_tcase(s, tc);
	/* One process: the summary is of all runs. */
	srunner_set_fork_status(sr, CK_NOFORK);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	printf("%u runs, %" PRIu64 " steps, %" PRIu64
	       " datagrams; settled within %.0f %% "
	       "of the bound, on the bad network once within %.1f s\n",
	       summary.runs, summary.steps, summary.sent, 100 * summary.worst_share,
	       (double)summary.worst_lossy_ms / 1000);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
