/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bench of the router tests.
 */
#include "router_bench.h"
#include "../datagram.h"

#include <stdlib.h>
#include <string.h>

struct bench bench;

struct fake bench_cache(unsigned n)
{
	struct fake f = { .addr = addr_v4(0x0a000000 + n), .weight = 100 };

	f.source = f.addr;
	return f;
}

struct fake bench_cache6(unsigned n)
{
	struct fake f = { .weight = 100, .minor = 1 };

	ck_assert_int_eq(addr_parse("2001:db8::", &f.addr), 0);
	f.addr.octets[15] = (uint8_t)n;
	f.source = f.addr;
	return f;
}

struct router_conf bench_conf(void)
{
	return (struct router_conf){
		.service_type = WCCP_SERVICE_STANDARD,
		.service_id = WCCP_WEB_CACHE_ID,
		.id = ROUTER_ID,
		.forward = WCCP_METHOD_GRE | WCCP_METHOD_L2,
		.ret = WCCP_METHOD_GRE | WCCP_METHOD_L2,
		.assign = WCCP_ASSIGN_HASH,
		.max_minor = 1,
	};
}

void bench_start(const struct router_conf *conf, int64_t start_ms)
{
	bench.conf = *conf;
	bench.now = (struct mono){ start_ms * 1000000 };
	bench.to = addr_v4(0x0a0001fe);
	bench.id = conf->id;
	bench.off_link = false;
	bench.r = router_new(conf, bench.now);
	ck_assert_ptr_nonnull(bench.r);
}

void bench_stop(void)
{
	router_free(bench.r);
	bench.r = NULL;
}

static void begin(const struct fake *f, enum wccp_type type)
{
	codec_begin(&bench.msg, type);
	bench.msg.minor = f->minor;
	bench.msg.table_family = f->addr.family == ADDR_V6 ? 2 : 0;
	bench.msg.present = 1u << WCCP_C_SECURITY | 1u << WCCP_C_SERVICE;
	bench.msg.service = (struct wccp_service){
		.type = bench.conf.service_type,
		.id = bench.conf.service_id,
	};
}

void bench_hello(const struct fake *f)
{
	struct wccp_cache_view *v = &bench.msg.cache_view;

	begin(f, WCCP_HERE_I_AM);
	bench.msg.present |= 1u << WCCP_C_CACHE_ID | 1u << WCCP_C_CACHE_VIEW;
	bench.msg.cache_identity = (struct wccp_cache_id){
		.addr = f->addr,
		.min_version = f->min_version,
		.kind = WCCP_DATA_HASH,
		.buckets = f->vector,
		.weight = f->weight,
		.status = 7,
	};
	v->change_number = 1;
	v->n_routers = v->n_caches = 0;
	if (f->receive_id)
		v->routers[v->n_routers++] =
			(struct wccp_router_id){ bench.id, f->receive_id };
	for (unsigned i = 0; i < f->n_others; i++)
		v->routers[v->n_routers++] = (struct wccp_router_id){ f->others[i], 9 };
	bench.msg.capabilities = f->capabilities;
	if (f->capabilities.present)
		bench.msg.present |= 1u << WCCP_C_CAPABILITIES;
}

void bench_shutdown(const struct fake *f)
{
	bench_hello(f);
	bench.msg.present |= 1u << WCCP_C_COMMAND;
	bench.msg.n_commands = 1;
	bench.msg.commands[0] = (struct wccp_command){ WCCP_CMD_SHUTDOWN, f->addr };
}

void bench_assign(const struct fake *f, uint32_t key, const struct fake *caches,
		  unsigned n)
{
	struct wccp_assignment *a = &bench.msg.assignment;

	begin(f, WCCP_REDIRECT_ASSIGN);
	bench.msg.present |= 1u << WCCP_C_ASSIGNMENT;
	a->type = WCCP_AT_HASH;
	a->key = (struct wccp_key){ f->addr, key };
	a->n_routers = 1;
	a->routers[0] = (struct wccp_router_assignment){ bench.id, f->receive_id,
							 f->change_number };
	a->hash.n_caches = n;
	for (unsigned i = 0; i < n; i++)
		a->hash.caches[i] = caches[i].addr;
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		a->hash.buckets[b] = n ? (uint8_t)(b % n) : WCCP_BUCKET_NONE;
}

void bench_octets(const struct addr *source, const void *octets, size_t len)
{
	struct codec_datagram datagram;
	struct router_event ev = {
		.type = ROUTER_EV_RX,
		.now = bench.now,
		.rx = { *source, bench.to, &datagram, bench.off_link },
	};

	codec_open(octets, len, &datagram);
	actions_reset(&bench.out);
	router_step(bench.r, &ev, &bench.scratch, &bench.out);
	ck_assert_uint_eq(bench.out.dropped, 0);
}

void bench_deliver(const struct addr *source)
{
	static uint8_t octets[WCCP_MAX_DATAGRAM];
	struct err err;
	int len = codec_encode(&bench.msg, &bench.conf.password, octets, sizeof(octets),
			       &err);

	ck_assert_msg(len > 0, "%s", err.text);
	bench_octets(source, octets, (size_t)len);
}

const struct wccp_msg *bench_sent_to(const struct addr *to)
{
	const struct action *found = NULL;
	const void *octets;
	struct err err;

	for (unsigned i = 0; i < bench.out.n; i++) {
		const struct action *x = &bench.out.list[i];

		if (x->kind != ACTION_SEND || !addr_equal(&x->peer, to))
			continue;
		ck_assert_ptr_null(found);
		found = x;
	}
	if (!found)
		return NULL;
	octets = action_octets(&bench.out, found);
	ck_assert_int_eq(
		datagram_authenticate(octets, found->len, &bench.conf.password),
		CODEC_OK);
	ck_assert_int_eq(datagram_decode(octets, found->len, &bench.seen, &err),
			 CODEC_OK);
	return &bench.seen;
}

void bench_take(struct fake *f)
{
	const struct wccp_router_identity *ri = &bench.seen.router_identity;

	ck_assert_int_ge(addr_find(ri->from, ri->n_from, &f->addr), 0);
	f->receive_id = ri->self.receive_id;
	f->change_number = bench.seen.router_view.change_number;
}

const struct wccp_msg *bench_answer(struct fake *f)
{
	const struct wccp_msg *msg = bench_sent_to(&f->source);

	if (msg && msg->type == WCCP_I_SEE_YOU)
		bench_take(f);
	return msg;
}

const struct wccp_msg *bench_greet(struct fake *f)
{
	bench_hello(f);
	bench_deliver(&f->source);
	return bench_answer(f);
}

void bench_join(struct fake *f)
{
	ck_assert_ptr_nonnull(bench_greet(f));
	ck_assert_ptr_nonnull(bench_greet(f));
	ck_assert(bench_usable(f));
}

void bench_advance(int64_t ms)
{
	struct mono end = mono_add_ms(bench.now, ms);
	struct router_event ev = { .type = ROUTER_EV_TICK };

	actions_reset(&bench.out);
	while (mono_due(router_deadline(bench.r), end)) {
		struct mono due = router_deadline(bench.r);

		ev.now = due;
		router_step(bench.r, &ev, &bench.scratch, &bench.out);
		ck_assert(mono_before(due, router_deadline(bench.r)));
	}
	bench.now = ev.now = end;
	router_step(bench.r, &ev, &bench.scratch, &bench.out);
}

const struct router_status *bench_status(void)
{
	router_get_status(bench.r, &bench.status);
	return &bench.status;
}

const struct router_counters *bench_counters(void)
{
	return &bench_status()->counters;
}

bool bench_usable(const struct fake *f)
{
	const struct router_status *s = bench_status();

	for (unsigned i = 0; i < s->n_caches; i++)
		if (addr_equal(&s->caches[i].addr, &f->addr))
			return s->caches[i].usable;
	return false;
}

const struct wccp_cache_id *bench_in_view(const struct fake *f)
{
	const struct wccp_router_view *v = &bench.seen.router_view;

	for (unsigned i = 0; i < v->n_caches; i++)
		if (addr_equal(&v->caches[i].addr, &f->addr))
			return &v->caches[i];
	return NULL;
}

const char *bench_note(const char *event)
{
	for (unsigned i = 0; i < bench.out.n; i++) {
		const struct action *x = &bench.out.list[i];

		if (x->kind == ACTION_NOTE && !strcmp(x->event, event))
			return action_octets(&bench.out, x);
	}
	return NULL;
}

static unsigned count(enum action_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < bench.out.n; i++)
		n += bench.out.list[i].kind == kind;
	return n;
}

unsigned bench_sends(void)
{
	return count(ACTION_SEND);
}

bool bench_changed(void)
{
	return count(ACTION_CHANGED) == 1;
}
