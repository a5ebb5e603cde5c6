/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core: how fast the protocol core is, and how large.  One line of JSON.
 *
 *   core [-r rounds]     each figure is the best of so many measurements
 *
 *   i_see_you      I_SEE_YOUs with 32 web-caches decoded and taken in, a second: by a
 *                  group with one router, and by one with 32
 *   assign_us      the 256 buckets of 32 web-caches of all weights computed anew,
 *                  from a table that has to move, in microseconds
 *   many           64 groups with 32 routers and 32 web-caches each, all joined: the
 *                  process's memory in KiB, and the share of one processor that an hour
 *                  of virtual time takes, with every HERE_I_AM sent and answered
 *
 * What is heard does not change, as in all but a few moments of a group's life: the
 * routers' receive ids go up, and that is all.
 */
#include "assign.h"
#include "codec.h"
#include "cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { ROUTERS = 32, CACHES = 32, GROUPS = 64, SELF = 7 };

/* The I_SEE_YOUs of all routers of a service differ in a few octets. */
struct see_you {
	uint8_t octets[4096];
	size_t len, receive_id, router_id;
};

static struct wccp_msg scratch;
static struct actions actions;
static uint32_t receive_id;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "core: %s\n", what);
	exit(1);
}

/* Seconds of processor time. */
static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct addr cache_addr(unsigned i)
{
	return addr_v4(0x0a010001 + i);
}

static struct addr router_addr(unsigned i)
{
	return addr_v4(0x0a020001 + i);
}

/* -- the routers -------------------------------------------------------------------- */

static void fill_view(struct wccp_router_view *v)
{
	v->change_number = 77;
	v->key = (struct wccp_key){ .cache = cache_addr(0), .change_number = 5 };
	v->n_routers = ROUTERS;
	for (unsigned i = 0; i < ROUTERS; i++)
		v->routers[i] = router_addr(i);
	v->n_caches = CACHES;
	for (unsigned i = 0; i < CACHES; i++) {
		v->caches[i] = (struct wccp_cache_id){
			.addr = cache_addr(i),
			.kind = WCCP_DATA_HASH,
			.weight = 100,
		};
		for (unsigned b = i * 8; b < i * 8 + 8; b++)
			wccp_vector_add(&v->caches[i].buckets, b);
	}
}

static size_t encode(const struct wccp_service *service, uint32_t router, uint32_t id,
		     uint8_t *octets, size_t size)
{
	static const struct codec_password none;
	struct err err = { "" };
	int len;

	codec_begin(&scratch, WCCP_I_SEE_YOU);
	scratch.present = 1u << WCCP_C_SERVICE | 1u << WCCP_C_ROUTER_ID |
			  1u << WCCP_C_ROUTER_VIEW | 1u << WCCP_C_CAPABILITIES;
	scratch.service = *service;
	scratch.router_identity = (struct wccp_router_identity){
		.self = { .id = addr_v4(router), .receive_id = id },
		.sent_to = router_addr(0),
		.n_from = 1,
		.from = { cache_addr(SELF) },
	};
	fill_view(&scratch.router_view);
	scratch.capabilities = (struct wccp_capabilities){
		.present = 1u << WCCP_CAP_FORWARD | 1u << WCCP_CAP_ASSIGN |
			   1u << WCCP_CAP_RETURN,
		.forward = WCCP_METHOD_GRE,
		.assign = WCCP_ASSIGN_HASH,
		.ret = WCCP_METHOD_GRE,
	};
	len = codec_encode(&scratch, &none, octets, size, &err);
	if (len < 0)
		die(err.text);
	return (size_t)len;
}

/* Where a number is in a message: the only place where its octets are. */
static size_t find(const struct see_you *l, uint32_t number)
{
	const uint8_t octets[] = { number >> 24, number >> 16 & 255, number >> 8 & 255,
				   number & 255 };

	for (size_t at = 0; at + 4 <= l->len; at++)
		if (memcmp(l->octets + at, octets, 4) == 0)
			return at;
	die("a number is not in the message");
}

static void see_you_make(struct see_you *l, const struct wccp_service *service)
{
	l->len = encode(service, 0x7b7c7d7e, 0x6b6c6d6e, l->octets, sizeof(l->octets));
	l->router_id = find(l, 0x7b7c7d7e);
	l->receive_id = find(l, 0x6b6c6d6e);
}

static void put(uint8_t *at, uint32_t number)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (uint8_t)(number >> shift);
}

static void hear(struct cache *g, struct see_you *l, unsigned router, struct mono now)
{
	struct codec_datagram datagram;
	struct cache_event ev = { .type = CACHE_EV_RX, .now = now };

	put(l->octets + l->router_id, addr_to_v4(&(struct addr){ 0 }) + 0x0a020001 + router);
	put(l->octets + l->receive_id, ++receive_id);
	ev.u.rx.from = router_addr(router);
	codec_open(l->octets, l->len, &datagram);
	ev.u.rx.datagram = &datagram;
	actions_reset(&actions);
	cache_step(g, &ev, &scratch, &actions);
}

/* -- groups ------------------------------------------------------------------------- */

static struct cache *join(const struct wccp_service *service, unsigned n_routers,
			  struct see_you *l)
{
	struct cache_conf conf = {
		.service = *service,
		.self = cache_addr(SELF),
		.n_routers = n_routers,
		.forward = { 1, { WCCP_METHOD_GRE } },
		.ret = { 1, { WCCP_METHOD_GRE } },
		.assign = { 1, { WCCP_ASSIGN_HASH } },
	};
	struct cache_event up = { .type = CACHE_EV_HEALTH,
				  .u.health = { .up = true, .weight = 100 } };
	struct mono now = { 1 };
	static struct cache_status status;
	struct cache *g;

	for (unsigned i = 0; i < n_routers; i++)
		conf.routers[i] = router_addr(i);
	g = cache_new(&conf, now);
	if (!g)
		die("out of memory");
	up.now = now;
	actions_reset(&actions);
	cache_step(g, &up, &scratch, &actions);
	for (unsigned i = 0; i < n_routers; i++)
		hear(g, l, i, now);
	cache_get_status(g, &status);
	for (unsigned i = 0; i < n_routers; i++)
		if (status.routers[i].state != PEER_ASSIGNED)
			die("the group does not form");
	return g;
}

/* -- the measurements --------------------------------------------------------------- */

static const struct wccp_service web = { .type = WCCP_SERVICE_STANDARD };

static double i_see_you_rate(unsigned n_routers)
{
	enum { TIMES = 40000 };
	struct see_you l;
	struct cache *g;
	double t;

	see_you_make(&l, &web);
	g = join(&web, n_routers, &l);
	t = cpu_seconds();
	for (unsigned i = 0; i < TIMES; i++)
		hear(g, &l, i % n_routers, (struct mono){ 2 + (int64_t)i * 1000 });
	t = cpu_seconds() - t;
	cache_free(g);
	return TIMES / t;
}

/* The same one again and again: a flood of recordings. */
static double replayed_rate(void)
{
	enum { TIMES = 40000 };
	struct see_you l;
	struct cache *g;
	double t;

	see_you_make(&l, &web);
	g = join(&web, 1, &l);
	t = cpu_seconds();
	for (unsigned i = 0; i < TIMES; i++) {
		receive_id--;
		hear(g, &l, 0, (struct mono){ 2 + (int64_t)i * 1000 });
	}
	t = cpu_seconds() - t;
	cache_free(g);
	return TIMES / t;
}

static double assign_us(void)
{
	enum { TIMES = 20000 };
	struct assign_table t[2];
	uint16_t weights[2][CACHES];
	unsigned moved = 0;
	double s;

	for (unsigned i = 0; i < CACHES; i++) {
		weights[0][i] = (uint16_t)(1 + i * 37 % 101);
		weights[1][i] = (uint16_t)(1 + i * 61 % 103);
	}
	memset(&t[0], ASSIGN_NOBODY, sizeof(t[0]));
	s = cpu_seconds();
	for (unsigned i = 0; i < TIMES; i++)
		moved += assign_buckets(weights[i & 1], CACHES, &t[i & 1], &t[~i & 1]);
	s = cpu_seconds() - s;
	if (moved < TIMES)
		die("nothing moves");
	return s / TIMES * 1e6;
}

static long memory_kib(void)
{
	long pages = -1;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*d %ld", &pages) != 1)
		die("/proc/self/statm");
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The deadline has come: what is sent then is answered at once. */
static unsigned serve(struct cache *g, struct see_you *l, struct mono now)
{
	struct cache_event tick = { .type = CACHE_EV_TICK, .now = now };
	unsigned routers[ACTIONS_MAX], n = 0;

	actions_reset(&actions);
	cache_step(g, &tick, &scratch, &actions);
	for (unsigned i = 0; i < actions.n; i++)
		if (actions.list[i].kind == ACTION_SEND)
			routers[n++] = addr_to_v4(&actions.list[i].peer) - 0x0a020001;
	for (unsigned i = 0; i < n; i++)
		hear(g, l, routers[i], now);
	return n;
}

static void many(double *cpu_share, long *kib)
{
	enum { SECONDS = 600 };
	static struct cache *groups[GROUPS];
	static struct see_you see_yous[GROUPS];
	struct mono now = { 1 }, end = mono_add_ms(now, SECONDS * 1000);
	unsigned answers = 0;
	double t;

	for (unsigned i = 0; i < GROUPS; i++) {
		struct wccp_service s = { .type = WCCP_SERVICE_DYNAMIC,
					  .id = (uint8_t)i,
					  .protocol = 6,
					  .flags = WCCP_F_DST_IP_HASH };

		see_you_make(&see_yous[i], &s);
		groups[i] = join(&s, ROUTERS, &see_yous[i]);
	}
	*kib = memory_kib();
	t = cpu_seconds();
	while (mono_before(now, end)) {
		struct mono next = MONO_NEVER;

		for (unsigned i = 0; i < GROUPS; i++) {
			if (mono_due(cache_deadline(groups[i]), now))
				answers += serve(groups[i], &see_yous[i], now);
			next = mono_min(next, cache_deadline(groups[i]));
		}
		now = next;
	}
	*cpu_share = (cpu_seconds() - t) / SECONDS;
	/* Each router is asked once in ten seconds, by every group. */
	if (answers < GROUPS * ROUTERS * (SECONDS / 10 - 2))
		die("HERE_I_AMs are missing");
	for (unsigned i = 0; i < GROUPS; i++)
		cache_free(groups[i]);
}

static double larger(double a, double b)
{
	return a > b ? a : b;
}

int main(int argc, char **argv)
{
	double one = 0, all = 0, replayed = 0, us = 1e9, share;
	int rounds = 5, c;
	long kib;

	while ((c = getopt(argc, argv, "r:")) != -1) {
		if (c != 'r')
			return 2;
		rounds = atoi(optarg);
	}
	many(&share, &kib);
	for (int i = 0; i < rounds; i++) {
		one = larger(one, i_see_you_rate(1));
		all = larger(all, i_see_you_rate(ROUTERS));
		replayed = larger(replayed, replayed_rate());
		us = -larger(-us, -assign_us());
	}
	printf("{\"i_see_you\": {\"1\": %.0f, \"32\": %.0f, \"replayed\": %.0f}, "
	       "\"assign_us\": %.2f, \"many\": {\"kib\": %ld, \"cpu_share\": %.5f}}\n",
	       one, all, replayed, us, kib, share);
	return 0;
}
