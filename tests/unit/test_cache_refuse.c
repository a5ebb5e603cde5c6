/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a web-cache does not believe: strangers, forgeries, damaged datagrams.
 */
#include "cache_two.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

CASE(refusing, .teardown = bench_close, .timeout = 30)

/* -- what is not believed ------------------------------------------------------------------ */

TEST(stranger_is_refused)
{
	struct rtr stranger = rtr_make(0x0a0000fe);

	open_one();
	announce();
	stranger.view.key.change_number = 0xffffffff;
	stranger.view.key.cache = addr_v4(SELF);
	rtr_see(&stranger, 0);
	ck_assert_uint_eq(counters().unknown_router, 1);
	ck_assert_uint_eq(B.n_sent, 0);
	ck_assert_uint_eq(bench_notes("unknown-router", &stranger), 1);
	ck_assert(B.noted[0].rate_limited);
	ck_assert_uint_eq(B.n_changed, 0);
}

TEST(known_id_from_elsewhere_needs_a_password)
{
	struct rtr moved;

	open_one();
	announce();
	moved = a;
	moved.address = addr_v4(0xc0a80001);
	rtr_see(&moved, 0);
	ck_assert_uint_eq(counters().unknown_router, 1);
	bench_close();

	a = rtr_make(R1);
	ck_assert_int_eq(codec_password("eight888", &a.password, NULL), 0);
	bench_open(1, (struct rtr *[]){ &a });
	announce();
	moved = a;
	moved.address = addr_v4(0xc0a80001);
	moved.receive_id = 5000;
	rtr_see(&moved, 0); /* the known address answers, too */
	ck_assert_uint_eq(counters().elsewhere, 1);
	ck_assert_uint_ne(bench_router(&a)->receive_id, 5001);
	a.answers = false;
	bench_run(2 * T);
	rtr_see(&moved, 0);
	ck_assert_uint_eq(counters().unknown_router, 0);
	ck_assert_uint_eq(counters().elsewhere, 1);
	ck_assert_uint_eq(bench_router(&a)->receive_id, 5002);
	moved.id = addr_v4(0xc0a80002); /* an id never learned */
	rtr_see(&moved, 0);
	ck_assert_uint_eq(counters().unknown_router, 1);
}

TEST(same_id_of_the_other_service_type)
{
	struct rtr other;

	open_one();
	announce();
	other = a;
	other.service.type = WCCP_SERVICE_DYNAMIC;
	other.receive_id = 7000;
	rtr_see(&other, 0);
	other.service =
		(struct wccp_service){ .type = WCCP_SERVICE_STANDARD, .id = 90 };
	rtr_see(&other, 0);
	ck_assert_uint_eq(counters().bad_service, 2);
	ck_assert_uint_eq(bench_notes("bad-service", &a), 2);
	ck_assert_uint_lt(bench_router(&a)->receive_id, 7000);
}

/* Offset of the first received-from address of a datagram of rtr_encode(). */
static size_t received_from(const uint8_t *octets, size_t len)
{
	size_t at = 8;

	while (at + 4 <= len && octets[at + 1] != WCCP_C_ROUTER_ID)
		at += 4 + (size_t)(octets[at + 2] << 8 | octets[at + 3]);
	return at + 4 + 8 + 4 + 4;
}

TEST(not_in_received_from)
{
	uint8_t octets[4096];
	size_t len;

	open_one();
	announce();
	len = rtr_encode(&a, 0, octets, sizeof(octets));
	octets[received_from(octets, len) + 3] ^= 0x7f;
	bench_rx(&a.address, octets, len);
	ck_assert_uint_eq(counters().not_for_us, 1);
	ck_assert_uint_eq(bench_router(&a)->receive_id, a.receive_id - 1);
}

TEST(receive_id_zero_is_malformed)
{
	open_one();
	announce();
	a.receive_id = UINT32_MAX;
	rtr_see(&a, 0);
	ck_assert_uint_eq(counters().refused[CODEC_MALFORMED], 1);
}

TEST(one_id_at_two_addresses)
{
	open_two();
	b.id = a.id;
	bench_health(true, 100);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_int_eq(bench_state(&b), PEER_WAITING);
	ck_assert_uint_ge(counters().not_for_us, 1);
	bench_run(T);
	bench_last(WCCP_HERE_I_AM, &a);
	ck_assert_uint_eq(B.got.cache_view.n_routers, 1);
}

TEST(cut_and_bent_datagrams_change_nothing)
{
	uint8_t whole[4096], bent[4096];
	size_t len;

	open_one();
	a.capabilities.present = 1u << WCCP_CAP_FORWARD;
	a.capabilities.forward = WCCP_METHOD_GRE;
	rtr_add(&a, CACHE2, 1);
	announce();
	len = rtr_encode(&a, WCCP_CMD_SHUTDOWN_RESPONSE, whole, sizeof(whole));
	for (size_t cut = 0; cut < len; cut++)
		bench_rx(&a.address, whole, cut);
	ck_assert_uint_eq(bench_router(&a)->receive_id, a.receive_id - 1);
	ck_assert_uint_eq(counters().refused[CODEC_TRUNCATED], len);
	/* The same with a header that claims just what is there: an item header that
	 * ends the message, and worse. */
	for (size_t cut = 8; cut < len; cut++) {
		memcpy(bent, whole, cut);
		bent[6] = (uint8_t)((cut - 8) >> 8);
		bent[7] = (uint8_t)(cut - 8);
		bench_rx(&a.address, bent, cut);
	}
	for (size_t i = 8; i < len; i++) {
		memcpy(bent, whole, len);
		bent[i] ^= 0xff;
		bench_rx(&a.address, bent, len);
	}
	ck_assert_uint_eq(bench_look()->n_routers, 1);
	bench_run(40 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}

TEST(messages_for_routers_are_not_for_us)
{
	struct sent hello;

	open_one();
	announce();
	bench_run(T);
	hello = *bench_last(WCCP_HERE_I_AM, &a);
	bench_rx(&a.address, hello.octets, hello.len);
	ck_assert_uint_eq(counters().not_for_us, 1);
}

/* -- passwords ----------------------------------------------------------------------------- */

TEST(all_eight_characters_of_a_password_count)
{
	a = rtr_make(R1);
	ck_assert_int_eq(codec_password("abcdefgh", &a.password, NULL), 0);
	bench_open(1, (struct rtr *[]){ &a });
	announce(); /* the bench's routers authenticate what they get */
	ck_assert_int_eq(codec_password("abcdefgX", &a.password, NULL), 0);
	rtr_see(&a, 0);
	ck_assert_uint_eq(counters().refused[CODEC_AUTH_FAILED], 1);
}

TEST(octets_after_the_message_do_not_count)
{
	uint8_t octets[4096];
	size_t len;

	a = rtr_make(R1);
	ck_assert_int_eq(codec_password("secret", &a.password, NULL), 0);
	bench_open(1, (struct rtr *[]){ &a });
	announce();
	len = rtr_encode(&a, 0, octets, sizeof(octets));
	memset(octets + len, 0xa5, 40);
	bench_rx(&a.address, octets, len + 40);
	ck_assert_uint_eq(bench_router(&a)->receive_id, a.receive_id);
}

TEST(wrong_password_while_joining)
{
	open_one();
	a.answers = false;
	ck_assert_int_eq(codec_password("ours", &B.conf.password, NULL), 0);
	bench_conf();
	B.n_rtrs = 0; /* it cannot even read us */
	bench_health(true, 100);
	rtr_see(&a, 0); /* without any */
	ck_assert_int_eq(bench_state(&a), PEER_AUTH_FAILED);
	ck_assert_uint_eq(counters().refused[CODEC_AUTH_MISSING], 1);
	rtr_see(&a, 0);
	ck_assert_uint_eq(bench_notes("auth-failed", &a), 1);
	ck_assert_uint_eq(bench_notes("auth-missing", &a), 2);
	a.password = B.conf.password;
	a.answers = true;
	B.n_rtrs = 1;
	bench_run(T);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
}

TEST(forgery_does_not_talk_us_out_of_a_working_router)
{
	struct rtr forger;

	open_one();
	announce();
	forger = a;
	ck_assert_int_eq(codec_password("guess", &forger.password, NULL), 0);
	for (unsigned i = 0; i < 50; i++)
		rtr_see(&forger, 0);
	ck_assert_int_eq(bench_state(&a), PEER_JOINED);
	ck_assert_uint_eq(counters().refused[CODEC_AUTH_UNEXPECTED], 50);
	ck_assert_uint_eq(B.n_changed, 0);
	bench_run(3 * T);
	ck_assert_int_eq(bench_state(&a), PEER_ASSIGNED);
}
