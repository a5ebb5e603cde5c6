/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenario files, good and bad, and what their expectations mean. */
#include "wccprouter/scenario/scenario.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;
static char path[64];

static bool is_command(const char *name)
{
	return strcmp(name, "shut") == 0 || strcmp(name, "group-list") == 0;
}

static struct scenario *load(const char *text)
{
	struct scenario *s;
	int fd;
	FILE *f;

	strcpy(path, "/tmp/wccprouter-scenario-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	f = fdopen(fd, "w");
	fputs(text, f);
	fclose(f);
	s = scenario_load(path, is_command, &err);
	unlink(path);
	return s;
}

static struct scenario *load_good(const char *text)
{
	struct scenario *s = load(text);

	ck_assert_msg(s != NULL, "%s", err.text);
	return s;
}

/* The one expectation of a line. */
static struct scenario_expect expect(const char *line)
{
	struct scenario *s = load_good(line);
	struct scenario_expect x = s->steps[0].expect;

	ck_assert_uint_eq(s->n_steps, 1);
	scenario_free(s);
	return x;
}

static void begin(void);

CASE(scenario, .setup = begin)

TEST(a_file_becomes_steps)
{
	struct scenario *s = load_good("# a comment\n"
				       "\n"
				       "wait 500ms\n"
				       "  at\t2m   # and one here\n"
				       "shut 80 whatever the command takes\n"
				       "expect client 10.0.0.5 usable within 30s\n"
				       "require no client 10.0.0.5 of 80 for 1h");
	static const struct {
		enum scenario_kind kind;
		unsigned line;
		const char *text;
		int64_t ms;
	} want[] = {
		{ SCENARIO_WAIT, 3, "wait 500ms", 500 },
		{ SCENARIO_AT, 4, "at 2m", 120000 },
		{ SCENARIO_COMMAND, 5, "shut 80 whatever the command takes", 0 },
		{ SCENARIO_EXPECT, 6, "expect client 10.0.0.5 usable within 30s", 0 },
		{ SCENARIO_REQUIRE, 7, "require no client 10.0.0.5 of 80 for 1h", 0 },
	};

	ck_assert_str_eq(s->path, path);
	ck_assert_uint_eq(s->n_steps, 5);
	for (unsigned i = 0; i < 5; i++) {
		ck_assert_int_eq(s->steps[i].kind, want[i].kind);
		ck_assert_uint_eq(s->steps[i].line, want[i].line);
		ck_assert_str_eq(s->steps[i].text, want[i].text);
		ck_assert_int_eq(s->steps[i].ms, want[i].ms);
	}
	scenario_free(s);
}

TEST(expectations)
{
	struct scenario_expect x = expect("expect client 10.0.0.5 usable within 30s");

	ck_assert_int_eq(x.what, SCENARIO_CLIENT);
	ck_assert(!x.negated && !x.heard && !x.lasts && !x.service[0]);
	ck_assert_uint_eq(addr_to_v4(&x.peer), 0x0a000005);
	ck_assert_int_eq(x.ms, 30000);
	x = expect("expect no client 2001:db8::5 heard of web-cache for 10s");
	ck_assert(x.negated && x.heard && x.lasts);
	ck_assert_str_eq(x.service, "web-cache");
	ck_assert_str_eq(ADDR_TEXT(&x.peer), "2001:db8::5");
	ck_assert_int_eq(x.ms, 10000);
	x = expect("expect service 80 buckets 10.0.0.5 128 within 60s");
	ck_assert_int_eq(x.what, SCENARIO_BUCKETS);
	ck_assert_str_eq(x.service, "80");
	ck_assert_uint_eq(x.n, 128);
	x = expect("expect service 80 values 10.0.0.5 1024");
	ck_assert(x.what == SCENARIO_VALUES && x.n == 1024 && x.ms == 0);
	x = expect("expect service 80 clients 0 for 1s");
	ck_assert(x.what == SCENARIO_CLIENTS && x.n == 0 && x.lasts);
	x = expect("expect no service 80 assigned");
	ck_assert(x.what == SCENARIO_ASSIGNED && x.negated);
	x = expect("expect message here-i-am from 10.0.0.5 within 20s");
	ck_assert(x.what == SCENARIO_MESSAGE && x.type == WCCP_HERE_I_AM);
	ck_assert(x.way == TRACE_RECEIVED && x.ms == 20000);
	x = expect("expect no message removal-query to 10.0.0.5 of 80 for 9s");
	ck_assert(x.type == WCCP_REMOVAL_QUERY && x.way == TRACE_SENT && x.negated);
}

TEST(bad_files_are_refused_with_their_line)
{
	static const struct {
		const char *text, *words;
	} bad[] = {
		{ "", ":1: no steps" },
		{ "# nothing\n", ":2: no steps" },
		{ "wait 1s\nfly away\n", ":2: \"fly\" is neither wait, at, " },
		{ "wait", ":1: a time is missing at the end" },
		{ "wait 30", ":1: 30 is not a time such as" },
		{ "wait 1d", "1d is not a time" },
		{ "wait -1s", "-1s is not a time" },
		{ "wait s", "s is not a time" },
		{ "wait 99999999999999999999s", "is not a time" },
		{ "wait 1s more", ":1: \"more\" is not understood" },
		{ "expect", "\"\": client, service or message?" },
		{ "expect rain", "\"rain\": client, service or message?" },
		{ "expect no", "\"\": client, service or message?" },
		{ "expect client", "an address is missing" },
		{ "expect client x", "x is not an address" },
		{ "expect client 10.0.0.5 happy", "\"happy\" is not understood" },
		{ "expect client 10.0.0.5 within", "a time is missing" },
		{ "expect client 10.0.0.5 of", "a service is missing" },
		{ "expect client 10.0.0.5 of averyverylongservice", "not a service" },
		{ "expect client 10.0.0.5 for 1s within 2s", "\"within\" is not" },
		{ "expect service", "a service is missing" },
		{ "expect service 80", "of a service there are assigned" },
		{ "expect service 80 buckets 10.0.0.5", "a number is missing" },
		{ "expect service 80 buckets 10.0.0.5 257", "number of at most 256" },
		{ "expect service 80 buckets 10.0.0.5 -1", "number of at most 256" },
		{ "expect service 80 clients 1x", "number of at most 32" },
		{ "expect service 80 assigned of 81", "\"of\" is not understood" },
		{ "expect message", "a type of message is missing" },
		{ "expect message hello from 10.0.0.5", "hello is not one of" },
		{ "expect message i-see-you 10.0.0.5", "from or to" },
		{ "expect message i-see-you to 10.0.0.5", "a message is expected" },
		{ "expect message i-see-you to 10.0.0.5 for 1s", "is expected" },
		{ "expect no message i-see-you to 10.0.0.5 within 1s", "is expected" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!load(bad[i].text), "%s", bad[i].text);
		ck_assert_msg(strstr(err.text, bad[i].words) != NULL, "%s: %s",
			      bad[i].text, err.text);
		ck_assert_int_eq(strncmp(err.text, path, strlen(path)), 0);
	}
	ck_assert_ptr_null(scenario_load("/nowhere/at/all", is_command, &err));
	ck_assert_str_eq(err.text, "/nowhere/at/all: No such file or directory");
}

TEST(long_files_are_refused)
{
	static char text[200000];
	size_t used;

	memset(text, 'x', 1100);
	strcpy(text + 1100, "\n");
	ck_assert_ptr_null(load(text));
	ck_assert_ptr_nonnull(strstr(err.text, ":1: more than 1022 characters"));
	strcpy(text, "shut");
	for (used = 4; used < 200; used += 2)
		strcpy(text + used, " x");
	ck_assert_ptr_null(load(text));
	ck_assert_ptr_nonnull(strstr(err.text, ":1: more than 48 words"));
	for (used = 0; used < 10001 * 8; used += 8)
		strcpy(text + used, "wait 1s\n");
	ck_assert_ptr_null(load(text));
	ck_assert_ptr_nonnull(strstr(err.text, ":10001: more than 10000 steps"));
}

/* -- what is ----------------------------------------------------------------------- */

static struct router_status web, dynamic;
static const struct scenario_service services[] = { { "web-cache", &web },
						    { "80", &dynamic } };

/* web-cache: .5 with 128 buckets, .6 not usable.  80: .7 with 3 values. */
static void begin(void)
{
	memset(&web, 0, sizeof(web));
	memset(&dynamic, 0, sizeof(dynamic));
	web.n_caches = 2;
	web.caches[0].addr = addr_v4(0x0a000005);
	web.caches[0].usable = true;
	web.caches[0].buckets = 128;
	web.caches[1].addr = addr_v4(0x0a000006);
	web.assigned = true;
	dynamic.n_caches = 1;
	dynamic.caches[0].addr = addr_v4(0x0a000007);
	dynamic.caches[0].usable = true;
	dynamic.caches[0].values = 3;
}

static bool holds(const char *line)
{
	struct scenario_expect x = expect(line);

	return scenario_holds(&x, services, 2);
}

TEST(what_holds)
{
	static const struct {
		const char *line;
		bool holds;
	} cases[] = {
		{ "expect client 10.0.0.5", true },
		{ "expect client 10.0.0.5 of web-cache", true },
		{ "expect client 10.0.0.5 of 80", false },
		{ "expect client 10.0.0.6 usable", false },
		{ "expect client 10.0.0.6 heard", true },
		{ "expect client 10.0.0.5 heard", true },
		{ "expect client 10.0.0.8 heard", false },
		{ "expect no client 10.0.0.5", false },
		{ "expect no client 10.0.0.6", true },
		{ "expect no client 10.0.0.5 of 80", true },
		{ "expect service web-cache clients 1", true },
		{ "expect service web-cache clients 2", false },
		{ "expect service web-cache assigned", true },
		{ "expect service 80 assigned", false },
		{ "expect no service 80 assigned", true },
		{ "expect service web-cache buckets 10.0.0.5 128", true },
		{ "expect service web-cache buckets 10.0.0.5 0", false },
		{ "expect service web-cache buckets 10.0.0.9 0", true },
		{ "expect no service web-cache buckets 10.0.0.5 0", true },
		{ "expect service 80 values 10.0.0.7 3", true },
		{ "expect service 80 values 10.0.0.7 4", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(holds(cases[i].line) == cases[i].holds, "%s",
			      cases[i].line);
}

TEST(which_message)
{
	static const uint8_t octets[] = {
		0, 0, 0, 10, 2, 0, 0, 36, 0,  0, 0,
		4, 0, 0, 0,  0, 0, 1, 0,  24, 0, 0 /* web-cache */,
		0, 0, 0, 0,  0, 0, 0, 0,  0,  0, 0,
		0, 0, 0, 0,  0, 0, 0, 0,  0,  0, 0
	};
	struct addr peer = addr_v4(0x0a000005);
	struct codec_datagram datagram;
	struct trace_message m = { .way = TRACE_RECEIVED,
				   .service = "web-cache",
				   .peer = &peer,
				   .datagram = &datagram };
	struct scenario_expect x =
		expect("expect message here-i-am from 10.0.0.5 of web-cache within 1s");

	codec_open(octets, sizeof(octets), &datagram);
	ck_assert(scenario_matches(&x, &m));
	m.way = TRACE_SENT;
	ck_assert(!scenario_matches(&x, &m));
	m.way = TRACE_RECEIVED;
	m.service = "80";
	ck_assert(!scenario_matches(&x, &m));
	m.service = NULL;
	ck_assert(!scenario_matches(&x, &m));
	x.service[0] = '\0';
	ck_assert(scenario_matches(&x, &m));
	x.type = WCCP_I_SEE_YOU;
	ck_assert(!scenario_matches(&x, &m));
	x.type = WCCP_HERE_I_AM;
	codec_open(octets, 3, &datagram);
	ck_assert(!scenario_matches(&x, &m));
	codec_open(octets, sizeof(octets), &datagram);
	peer = addr_v4(0x0a000006);
	ck_assert(!scenario_matches(&x, &m));
}

static const char *explain(const char *line, size_t size)
{
	static char text[512];
	struct scenario_expect x = expect(line);

	scenario_explain(&x, services, 2, text, size);
	return text;
}

TEST(in_words)
{
	ck_assert_str_eq(explain("expect client 10.0.0.9", 512),
			 "service web-cache is assigned and has 10.0.0.5 usable, "
			 "10.0.0.6 heard; service 80 is not assigned and has 10.0.0.7 "
			 "usable");
	ck_assert_str_eq(explain("expect service web-cache buckets 10.0.0.5 1", 512),
			 "service web-cache is assigned and has 10.0.0.5 usable with "
			 "128 buckets, 10.0.0.6 heard with 0 buckets");
	ck_assert_uint_eq(strlen(explain("expect client 10.0.0.9", 20)), 19);
	dynamic.n_caches = 0;
	ck_assert_str_eq(explain("expect service 80 clients 1", 512),
			 "service 80 is not assigned and has no clients");
	ck_assert_str_eq(
		explain("expect message here-i-am from 1.1.1.1 within 1s", 512),
		"there was none");
}

TEST(services_must_be_there)
{
	struct scenario *s = load_good("wait 1s\nexpect service 80 assigned\n"
				       "expect client 10.0.0.5 of 81\n");

	ck_assert_int_eq(scenario_check(s, services, 2, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, ":3: no service \"81\" is configured"));
	strcpy(s->steps[2].expect.service, "80");
	ck_assert_int_eq(scenario_check(s, services, 2, &err), 0);
	scenario_free(s);
}
