/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: when the next I_SEE_YOU goes to the group's multicast address: every 0.9 T,
 * give or take 10 % of it, so that many routers do not answer in step (2.01 section
 * 3.1).
 */
#include "core/router/router_impl.h"

enum {
	PERCENT_OF_T = 90,
	JITTER_PERCENT = 10,
};

/* splitmix64: good from any seed, and keeps the core free of other sources of
 * chance. */
static uint64_t router_schedule_random(struct router_schedule *schedule)
{
	uint64_t z = schedule->random += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* The seed includes the id, so that routers started together do not stay in step. */
void router_schedule_init(struct router *r)
{
	const struct addr *ids[] = { &r->conf.id, &r->conf.id6 };
	uint64_t seed = r->receive_id;

	for (unsigned i = 0; i < 2; i++)
		for (size_t k = 0; k < addr_len(ids[i]); k++)
			seed = seed * 31 + ids[i]->octets[k];
	r->schedule.random = seed;
	r->schedule.next = MONO_NEVER;
}

static int64_t router_schedule_period_ms(const struct router *r)
{
	int64_t ms = (int64_t)r->agreed.transmit_t_ms * PERCENT_OF_T / 100;

	return ms ? ms : 1; /* time must advance, even with a T of 1 ms */
}

static int64_t router_schedule_jitter_ms(struct router *r, int64_t most)
{
	return (int64_t)(router_schedule_random(&r->schedule) % (uint64_t)(most + 1));
}

/* From one message to the next. */
static int64_t router_schedule_interval_ms(struct router *r)
{
	int64_t jitter = router_schedule_period_ms(r) * JITTER_PERCENT / 100;

	return router_schedule_period_ms(r) - jitter +
	       router_schedule_jitter_ms(r, 2 * jitter);
}

/* If there was no answer for a while, there is no interval to keep, but routers must
 * not all speak at the same moment. */
void router_schedule_arm(struct router_call *c)
{
	struct router_schedule *schedule = &c->r->schedule;
	struct mono at;

	if (!mono_is_never(schedule->next))
		return;
	at = mono_add_ms(c->now, router_schedule_jitter_ms(
					 c->r, router_schedule_period_ms(c->r) *
						       JITTER_PERCENT / 100));
	schedule->next = mono_before(at, schedule->earliest) ? schedule->earliest : at;
}

void router_schedule_retime(struct router_call *c)
{
	struct router_schedule *schedule = &c->r->schedule;
	struct mono at = mono_add_ms(c->now, router_schedule_interval_ms(c->r));

	schedule->earliest = mono_min(schedule->earliest, at);
	if (!mono_is_never(schedule->next))
		schedule->next = mono_min(schedule->next, at);
}

struct mono router_schedule_deadline(const struct router *r)
{
	return r->schedule.next;
}

void router_schedule_sent(struct router_call *c, bool again)
{
	struct router_schedule *schedule = &c->r->schedule;

	schedule->earliest = mono_add_ms(c->now, router_schedule_interval_ms(c->r));
	schedule->next = again ? schedule->earliest : MONO_NEVER;
}
