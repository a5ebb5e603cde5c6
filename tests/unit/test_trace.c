/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace of messages as text, and who wants which. */
#include "wccprouter/net/trace.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct err err;
static struct wccp_msg msg, scratch;
static uint8_t octets[WCCP_MAX_DATAGRAM];
static char text[TRACE_MAX];
static struct addr peer;
static struct codec_datagram datagram;
static struct trace_message m;

static int parse(unsigned n, char *a, char *b, struct trace_filter *f)
{
	char *words[] = { a, b };

	return trace_parse(n, words, f, &err);
}

/* A REMOVAL_QUERY as an example of a message. */
static void encode_query(const struct codec_password *password)
{
	int len;

	codec_begin(&msg, WCCP_REMOVAL_QUERY);
	msg.present = 1u << WCCP_C_SECURITY | 1u << WCCP_C_SERVICE |
		      1u << WCCP_C_ROUTER_QUERY;
	msg.service = (struct wccp_service){ .type = WCCP_SERVICE_DYNAMIC, .id = 80 };
	msg.query.router = (struct wccp_router_id){ addr_v4(0x0a000909), 77 };
	msg.query.sent_to = addr_v4(0x0a000901);
	msg.query.target = addr_v4(0x0a000005);
	len = codec_encode(&msg, password, octets, sizeof(octets), &err);
	ck_assert_msg(len > 0, "%s", err.text);
	codec_open(octets, (size_t)len, &datagram);
}

static void begin(void)
{
	peer = addr_v4(0x0a000005);
	m = (struct trace_message){
		.service = "80",
		.peer = &peer,
		.datagram = &datagram,
	};
}

/* The length is that of the text, which ends in a line end and has room for more. */
static void print(void)
{
	size_t len = trace_print(&m, &scratch, text);

	ck_assert_uint_lt(len, TRACE_MAX);
	ck_assert_uint_eq(len, strlen(text));
	ck_assert_int_eq(text[len - 1], '\n');
}

static void assert_has(const char *words)
{
	ck_assert_msg(strstr(text, words) != NULL, "no \"%s\" in:\n%s", words, text);
}

CASE(trace, .setup = begin)

TEST(a_message_is_told_in_full)
{
	char head[128];

	encode_query(NULL);
	m.way = TRACE_SENT;
	print();
	snprintf(head, sizeof(head),
		 "sent to 10.0.0.5, service 80, %zu octets: REMOVAL_QUERY version "
		 "2.00\n",
		 datagram.len);
	ck_assert_int_eq(strncmp(text, head, strlen(head)), 0);
	assert_has("\n  dynamic 80 ");
	assert_has("\n  sent-to 10.0.9.1 target 10.0.0.5\n");
	m.service = NULL;
	m.way = TRACE_RECEIVED;
	print();
	ck_assert_int_eq(strncmp(text, "received from 10.0.0.5, service unknown, ", 41),
			 0);
}

TEST(a_wrong_digest_is_said_and_the_message_shown)
{
	struct codec_password ours, theirs;

	ck_assert_int_eq(codec_password("ours", &ours, &err), 0);
	ck_assert_int_eq(codec_password("theirs", &theirs, &err), 0);
	encode_query(&theirs);
	m.password = &ours;
	print();
	assert_has(" octets: auth-failed: REMOVAL_QUERY version");
	assert_has("target 10.0.0.5\n");
	m.password = &theirs;
	print();
	assert_has(" octets: REMOVAL_QUERY version");
	m.password = NULL; /* not checked */
	print();
	assert_has(" octets: REMOVAL_QUERY version");
}

TEST(what_cannot_be_decoded_is_shown_in_octets)
{
	memset(octets, 0xab, 300);
	codec_open(octets, 18, &datagram);
	print();
	assert_has(": bad-");
	assert_has("\n  0000: ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab ab\n"
		   "  0010: ab ab\n");
	codec_open(octets, 300, &datagram);
	print();
	assert_has("  00f0: ab ab");
	ck_assert_ptr_null(strstr(text, "0100:"));
	assert_has("\n  and 44 octets more\n");
	codec_open(octets, 0, &datagram);
	print();
	assert_has("0 octets: truncated");
}

TEST(what_is_too_long_ends_in_dots)
{
	int len;

	codec_begin(&msg, WCCP_REDIRECT_ASSIGN);
	msg.present =
		1u << WCCP_C_SECURITY | 1u << WCCP_C_SERVICE | 1u << WCCP_C_ASSIGNMENT;
	msg.service.type = WCCP_SERVICE_STANDARD;
	msg.assignment.key.cache = addr_v4(1);
	msg.assignment.hash.n_caches = 2;
	msg.assignment.hash.caches[0] = addr_v4(1);
	msg.assignment.hash.caches[1] = addr_v4(2);
	msg.assignment.n_routers = WCCP_MAX_ROUTERS;
	for (unsigned i = 0; i < WCCP_MAX_ROUTERS; i++)
		msg.assignment.routers[i].id = addr_v4(0x0a000901 + i);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) /* no runs of equal buckets */
		msg.assignment.hash.buckets[b] = (uint8_t)(b % 2 | (b % 3 ? 0x80 : 0));
	len = codec_encode(&msg, NULL, octets, sizeof(octets), &err);
	ck_assert_msg(len > 0, "%s", err.text);
	codec_open(octets, (size_t)len, &datagram);
	print();
	ck_assert_uint_eq(strlen(text), TRACE_MAX - 1);
	ck_assert_str_eq(text + TRACE_MAX - 5, "...\n");
}

TEST(filters)
{
	struct trace_filter f;

	ck_assert_int_eq(parse(0, NULL, NULL, &f), 0);
	ck_assert(trace_wants(&f, &m));
	ck_assert_int_eq(parse(2, "10.0.0.5", "80", &f), 0);
	ck_assert(trace_wants(&f, &m));
	m.service = NULL;
	ck_assert(!trace_wants(&f, &m));
	m.service = "8";
	ck_assert(!trace_wants(&f, &m));
	ck_assert_int_eq(parse(1, "10.0.0.6", NULL, &f), 0);
	ck_assert(!trace_wants(&f, &m));
	ck_assert_int_eq(parse(2, "80", "81", &f), -1);
	ck_assert_int_eq(parse(2, "10.0.0.5", "10.0.0.6", &f), -1);
	ck_assert_int_eq(parse(1, "averyveryverylongname", NULL, &f), -1);
}
