/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults: what is asked for, and what becomes of datagrams. */
#include "../datagram.h"
#include "wccprouter/fault/fault.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- words ----------------------------------------------------------------------------- */

static int parse(const char *text, struct fault *out, struct err *err)
{
	static char copy[200];
	char *words[16], *rest = NULL;
	unsigned n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
		words[n++] = w;
	return fault_parse(n, words, out, err);
}

static const struct {
	const char *words, *as; /* NULL: the same */
} good[] = {
	{ "loss", "loss 100%" },
	{ "silent", "loss 100% out" },
	{ "deaf peer 10.0.0.5", "loss 100% in peer 10.0.0.5" },
	{ "loss 30% in service web-cache", NULL },
	{ "delay 100-900 20% out peer 2001:db8::1", NULL },
	{ "delay 200", "delay 200-200 100%" },
	{ "reorder", "reorder 0-500 100%" },
	{ "reorder 900 10%", "reorder 0-900 10%" },
	{ "wrong-receive-id 50% service 80 peer 10.0.0.5", NULL },
	{ "wrong-digest out", "wrong-digest 100%" },
	{ "duplicate 5%", NULL },
};

TEST_LOOP(words_make_a_fault, 0, sizeof(good) / sizeof(good[0]))
{
	char text[FAULT_TEXT_MAX];
	struct fault f, again;
	struct err err;

	ck_assert_int_eq(parse(good[_i].words, &f, &err), 0);
	ck_assert_str_eq(fault_print(&f, text),
			 good[_i].as ? good[_i].as : good[_i].words);
	/* What is printed can be read. */
	ck_assert_int_eq(parse(text, &again, &err), 0);
	ck_assert_int_eq(again.kind, f.kind);
	ck_assert_uint_eq(again.percent, f.percent);
	ck_assert_uint_eq(again.ways, f.ways);
	ck_assert_uint_eq(again.from_ms, f.from_ms);
	ck_assert_uint_eq(again.to_ms, f.to_ms);
}

static const struct {
	const char *words, *complaint;
} bad[] = {
	{ "", "which fault?" },
	{ "lost", "lost is not a fault" },
	{ "loss 0%", "0% is neither" },
	{ "loss 101%", "101% is neither" },
	{ "loss 20", "loss takes no time" },
	{ "loss -1%", "-1% is neither" },
	{ "delay", "for how many ms?" },
	{ "delay 900-100", "900-100 is neither" },
	{ "delay 99999999999999999999", "is neither" },
	{ "delay 60001", "60001 is neither" },
	{ "wrong-digest in", "of what is sent only" },
	{ "loss peer", "which address?" },
	{ "loss peer 10.0.0", "10.0.0 is not an address" },
	{ "loss service", "which one?" },
	{ "loss service a-name-that-is-much-too-long", "is not a service" },
	{ "loss sometimes", "sometimes is neither" },
};

TEST_LOOP(wrong_words_are_refused, 0, sizeof(bad) / sizeof(bad[0]))
{
	struct fault f;
	struct err err;

	ck_assert_int_eq(parse(bad[_i].words, &f, &err), -1);
	ck_assert_msg(strstr(err.text, bad[_i].complaint), "%s", err.text);
}

/* -- datagrams -------------------------------------------------------------------------- */

static struct wccp_msg msg, back;
static struct fault_set set;
static struct fault_result result;
static struct codec_password password;
static struct addr peer;
static uint8_t octets[2048];
static size_t len;

/* An I_SEE_YOU with everything in it that is edited. */
static void see_you(void)
{
	struct err err;
	int n;

	codec_begin(&msg, WCCP_I_SEE_YOU);
	msg.present = 1u << WCCP_C_SERVICE | 1u << WCCP_C_ROUTER_ID |
		      1u << WCCP_C_ROUTER_VIEW | 1u << WCCP_C_CAPABILITIES |
		      1u << WCCP_C_COMMAND;
	msg.service = (struct wccp_service){ .type = WCCP_SERVICE_STANDARD };
	msg.router_identity.self.id = addr_v4(0x0a000901);
	msg.router_identity.self.receive_id = 1000;
	msg.router_identity.sent_to = addr_v4(0x0a000001);
	msg.router_identity.n_from = 1;
	msg.router_identity.from[0] = peer;
	msg.router_view.change_number = 77;
	msg.router_view.key = (struct wccp_key){ peer, 3 };
	msg.router_view.n_routers = 1;
	msg.router_view.routers[0] = addr_v4(0x0a000901);
	msg.router_view.n_caches = 1;
	msg.router_view.caches[0] = (struct wccp_cache_id){ .addr = peer };
	msg.capabilities =
		(struct wccp_capabilities){ .present = 1u << WCCP_CAP_FORWARD |
						       1u << WCCP_CAP_ASSIGN,
					    .forward = 3,
					    .assign = 1 };
	msg.n_commands = 1;
	msg.commands[0] = (struct wccp_command){ WCCP_CMD_SHUTDOWN_RESPONSE, peer };
	n = codec_encode(&msg, &password, octets, sizeof(octets), &err);
	ck_assert_int_gt(n, 0);
	len = (size_t)n;
}

static void setup(void)
{
	struct err err;

	memset(&set, 0, sizeof(set));
	peer = addr_v4(0x0a000005);
	codec_password("secret", &password, &err);
	see_you();
}

static void with(const char *text)
{
	struct err err;

	ck_assert_msg(parse(text, &set.list[set.n++], &err) == 0, "%s", err.text);
}

static struct fault_about sent = { FAULT_OUT, "web-cache", &peer, &password };
static struct fault_about received = { FAULT_IN, "web-cache", &peer, &password };

static void apply(const struct fault_about *about)
{
	fault_apply(&set, about, octets, len, &result);
}

static enum codec_refusal read_back(void)
{
	struct err err;
	enum codec_refusal r =
		datagram_authenticate(result.octets, result.len, &password);

	return r == CODEC_OK ? datagram_decode(result.octets, result.len, &back, &err)
			     : r;
}

CASE(datagrams, .setup = setup)

TEST(without_faults_nothing_happens)
{
	apply(&sent);
	ck_assert_uint_eq(result.n, 1);
	ck_assert_uint_eq(result.delays_ms[0], 0);
	ck_assert_uint_eq(result.len, len);
	ck_assert_mem_eq(result.octets, octets, len);
}

/* Each of these is for another datagram. */
static const char *const not_meant[] = { "loss in", "loss service 80",
					 "loss peer 10.0.0.6" };

TEST_LOOP(only_what_is_meant, 0, 3)
{
	with(not_meant[_i]);
	apply(&sent);
	ck_assert_uint_eq(result.n, 1);
	ck_assert_uint_eq(set.list[0].hits, 0);
	with("loss out service web-cache peer 10.0.0.5");
	apply(&sent);
	ck_assert_uint_eq(result.n, 0);
	ck_assert_uint_eq(set.list[1].hits, 1);
	apply(&received);
	ck_assert_uint_eq(result.n, _i == 0 ? 0 : 1);
}

TEST(as_often_as_told)
{
	unsigned lost = 0;

	with("loss 30%");
	for (unsigned i = 0; i < 10000; i++) {
		apply(&sent);
		lost += result.n == 0;
	}
	ck_assert_uint_eq(set.list[0].hits, lost);
	ck_assert_uint_ge(lost, 2800);
	ck_assert_uint_le(lost, 3200);
}

TEST(a_seed_repeats_a_run)
{
	static struct fault_result first;

	with("corrupt");
	with("delay 1-60000");
	set.random = 4711;
	apply(&sent);
	first = result;
	apply(&sent);
	ck_assert(memcmp(first.octets, result.octets, len) != 0 ||
		  first.delays_ms[0] != result.delays_ms[0]);
	set.random = 4711;
	apply(&sent);
	ck_assert_mem_eq(first.octets, result.octets, len);
	ck_assert_uint_eq(first.delays_ms[0], result.delays_ms[0]);
}

TEST(copies_and_delays)
{
	for (unsigned i = 0; i < 6; i++)
		with("duplicate");
	with("delay 100-200");
	with("reorder 50");
	for (unsigned k = 0; k < 200; k++) {
		apply(&sent);
		ck_assert_uint_eq(result.n, FAULT_COPIES_MAX);
		for (unsigned i = 0; i < result.n; i++) {
			ck_assert_uint_ge(result.delays_ms[i], 100);
			ck_assert_uint_le(result.delays_ms[i], 250);
		}
	}
	with("loss");
	apply(&sent);
	ck_assert_uint_eq(result.n, 0);
}

TEST(a_wrong_digest_is_all_that_is_wrong)
{
	with("wrong-digest");
	apply(&sent);
	ck_assert_int_eq(read_back(), CODEC_AUTH_FAILED);
	ck_assert_int_eq(codec_sign(result.octets, result.len, &password), 0);
	ck_assert_mem_eq(result.octets, octets, len);
}

TEST(without_a_digest_none_can_be_wrong)
{
	password.set = false;
	see_you();
	with("wrong-digest");
	apply(&sent);
	ck_assert_mem_eq(result.octets, octets, len);
	ck_assert_uint_eq(set.list[0].hits, 0);
}

/* What the router itself says wrongly is signed. */
TEST(numbers_are_wrong_under_a_right_digest)
{
	with("wrong-receive-id");
	with("stale-change-number");
	apply(&sent);
	ck_assert_int_eq(read_back(), CODEC_OK);
	ck_assert_uint_ne(back.router_identity.self.receive_id, 1000);
	ck_assert(addr_equal(&back.router_identity.self.id,
			     &msg.router_identity.self.id));
	ck_assert_uint_lt(back.router_view.change_number, 77);
	ck_assert_uint_ge(back.router_view.change_number, 74);
}

TEST(of_a_query_too)
{
	struct err err;

	codec_begin(&msg, WCCP_REMOVAL_QUERY);
	msg.present = 1u << WCCP_C_SERVICE | 1u << WCCP_C_ROUTER_QUERY;
	msg.query = (struct wccp_router_query){ { addr_v4(1), 9 }, addr_v4(2), peer };
	len = (size_t)codec_encode(&msg, &password, octets, sizeof(octets), &err);
	with("wrong-receive-id");
	with("bad-count"); /* there is none */
	apply(&sent);
	ck_assert_int_eq(read_back(), CODEC_OK);
	ck_assert_uint_ne(back.query.router.receive_id, 9);
	ck_assert_uint_eq(set.list[1].hits, 0);
}

/* A conforming reader does not notice (2.01 section 5). */
TEST(the_unknown_is_legal)
{
	with("unknown-component");
	with("unknown-component");
	with("unknown-element");
	for (unsigned k = 0; k < 500; k++) {
		apply(&sent);
		ck_assert_uint_ge(result.len, len + 4 + 4 + 8);
		ck_assert_int_eq(read_back(), CODEC_OK);
		ck_assert_uint_eq(back.present & 0x3ffff,
				  msg.present | 1u << WCCP_C_SECURITY);
		ck_assert_uint_eq(back.router_identity.self.receive_id, 1000);
		ck_assert_uint_eq(back.router_view.n_caches, 1);
		ck_assert_uint_eq(back.capabilities.forward, 3);
		ck_assert_uint_eq(back.n_commands, 1);
	}
	ck_assert_uint_eq(set.list[2].hits, 500);
}

TEST(counts_and_lengths_are_really_wrong)
{
	unsigned refused[2] = { 0, 0 };
	static const char *const kinds[] = { "bad-count", "bad-length" };

	for (unsigned which = 0; which < 2; which++) {
		set.n = 0;
		with(kinds[which]);
		for (unsigned k = 0; k < 500; k++) {
			apply(&sent);
			ck_assert(memcmp(result.octets, octets, len) != 0);
			ck_assert_uint_eq(result.len, len);
			refused[which] += read_back() != CODEC_OK;
		}
	}
	/* A count is always more than there is; a length may be of what is optional. */
	ck_assert_uint_eq(refused[0], 500);
	ck_assert_uint_gt(refused[1], 200);
}

/* Edits upon edits, of anything at all: nothing is read or written past the end. */
TEST(anything_can_be_edited)
{
	static const char *const all[] = { "wrong-receive-id",	"stale-change-number",
					   "bad-length",	"bad-count",
					   "unknown-component", "unknown-element",
					   "bad-length",	"corrupt",
					   "truncate",		"wrong-digest" };
	uint8_t *exact;

	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		with(all[i]);
	for (unsigned k = 0; k < 20000; k++) {
		size_t n = k % (len + 1);

		exact = malloc(n + 1);
		ck_assert_ptr_nonnull(exact);
		memcpy(exact, octets, n);
		for (unsigned i = 0; i < k % 5 && n; i++)
			exact[fault_random(&set, (uint32_t)n)] = (uint8_t)k;
		fault_apply(&set, &sent, exact, n, &result);
		free(exact);
		ck_assert_uint_le(result.len, sizeof(result.octets));
	}
}

TEST(the_largest_datagram_does_not_grow)
{
	static uint8_t large[WCCP_MAX_DATAGRAM];

	memcpy(large, octets, len);
	large[6] = (uint8_t)((sizeof(large) - WCCP_HEADER_LEN) >> 8);
	large[7] = (uint8_t)(sizeof(large) - WCCP_HEADER_LEN);
	with("unknown-component");
	with("unknown-element");
	for (unsigned k = 0; k < 50; k++) {
		fault_apply(&set, &sent, large, sizeof(large) - k, &result);
		ck_assert_uint_le(result.len, sizeof(large));
	}
}
