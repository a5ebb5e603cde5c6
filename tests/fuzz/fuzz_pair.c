/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing a service and its mirror: the input says who comes, goes, and falls silent, in
 * one service or in both, and which datagrams get lost or are changed.  One key must
 * never mean two tables (the world looks after that in every step), and the three share
 * one table in the end.
 */
#include "../unit/pair_world.h"
#include "fuzz.h"

static const uint8_t *at, *end;

static unsigned next(void)
{
	return at < end ? *at++ : 0;
}

static void health(unsigned who, unsigned bits)
{
	unsigned i = who % CACHES, k = bits & 1;

	if (!W.groups[i][0])
		pair_start_cache(i);
	pair_health(i, k, bits & 2, (uint16_t)(bits >> 2));
}

static void crash(unsigned i)
{
	if (W.groups[i][0])
		pair_crash(i);
}

static void turn_router(unsigned j, unsigned k)
{
	if (W.routers[j][k])
		pair_stop_router(j, k);
	else
		pair_start_router(j, k);
}

static void event(void)
{
	unsigned what = next(), who = next();

	switch (what % 8) {
	case 0:
	case 1:
		pair_run((int64_t)who * T_MS / 64);
		break;
	case 2:
		pair_up(who % CACHES);
		break;
	case 3:
		if (W.groups[who % CACHES][0])
			pair_down(who % CACHES);
		break;
	case 4:
		crash(who % CACHES);
		break;
	case 5:
		turn_router(who % ROUTERS, who >> 4 & 1);
		break;
	case 6:
		health(who, next());
		break;
	case 7:
		W.random = next();
		W.loss_percent = who % 8 ? 0 : what;
		W.bend_percent = who % 16 == 1 ? what : 0;
		W.bent |= W.bend_percent > 0;
		break;
	}
}

/* Whatever has happened, all is well in the end. */
static void recover(void)
{
	W.loss_percent = W.bend_percent = 0;
	for (unsigned j = 0; j < ROUTERS; j++)
		for (unsigned k = 0; k < SERVICES; k++)
			if (!W.routers[j][k])
				pair_start_router(j, k);
	for (unsigned i = 0; i < CACHES; i++)
		pair_up(i);
	pair_run((W.bent ? 20 : 9) * T_MS);
	pair_expect(true, true, true);
}

int fuzz_pair(const uint8_t *octets, size_t len)
{
	unsigned bits;

	at = octets;
	end = octets + len;
	bits = next();
	pair_begin(true, bits % 8 == 1); /* by mask it takes far longer */
	for (unsigned n = 0; n < 40 && at < end; n++)
		event();
	recover();
	pair_end();
	return 0;
}
