/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static bypass, and UDP. */
#include "conf_file.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char list_path[] = "/tmp/wccpd-bypass-XXXXXX";

static void list_make(void)
{
	conf_file_make();
	strcpy(list_path + strlen(list_path) - 6, "XXXXXX");
	close(mkstemp(list_path));
}

static void list_remove(void)
{
	unlink(list_path);
	conf_file_remove();
}

CASE(bypass, .setup = list_make, .teardown = list_remove)

static void list_write(const char *text)
{
	FILE *f = fopen(list_path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static const char *with_list(const char *option)
{
	static char text[500];

	snprintf(text, sizeof(text), TOP POOL SERVICE "%s = \"%s\"\n", option, list_path);
	return text;
}

static bool has(const struct plan_bypass *b, enum plan_bypass_set set, const char *prefix,
		bool redirect)
{
	for (unsigned i = 0; i < b->n; i++)
		if (b->list[i].set == set && b->list[i].redirect == redirect &&
		    strcmp(ADDR_PREFIX_TEXT(&b->list[i].prefix), prefix) == 0)
			return true;
	return false;
}

TEST(from_both_places)
{
	struct conf *c;
	char text[500];

	list_write("# ours\n\n  10.1.0.0/16\t# all\r\n!10.1.2.0/24\n2001:db8::/32\n10.1.0.0/16");
	snprintf(text, sizeof(text),
		 TOP POOL SERVICE "bypass-clients = { 0.0.0.0/0, \"!10.0.0.1\", '%s' }\n"
		 "bypass-servers = 192.0.2.1\n", list_path);
	c = conf_file_good(text);
	ck_assert_uint_eq(c->bypass->n, 6);
	ck_assert_uint_eq(c->bypass->of_set[PLAN_BYPASS_CLIENTS], 4);
	ck_assert(has(c->bypass, PLAN_BYPASS_CLIENTS, "0.0.0.0/0", false));
	ck_assert(has(c->bypass, PLAN_BYPASS_CLIENTS, "10.0.0.1", true));
	ck_assert(has(c->bypass, PLAN_BYPASS_CLIENTS, "10.1.0.0/16", false));
	ck_assert(has(c->bypass, PLAN_BYPASS_CLIENTS, "10.1.2.0/24", true));
	ck_assert(has(c->bypass, PLAN_BYPASS_CLIENTS_V6, "2001:db8::/32", false));
	ck_assert(has(c->bypass, PLAN_BYPASS_SERVERS, "192.0.2.1", false));
	ck_assert_uint_eq(c->n_warnings, 1);
	ck_assert_ptr_nonnull(strstr(c->warnings[0].text,
				     ":5: bypass-clients: 1 IPv6 prefixes are not in force"));
	conf_free(c);
	list_write("# nobody\n");
	c = conf_file_good(with_list("bypass-servers"));
	ck_assert_ptr_null(c->bypass);
	conf_free(c);
}

static const struct {
	const char *list, *message;
} bad_lists[] = {
	{ "10.0.0.0/8\n10.0.0.1/8\n",
	  ":2: bypass-clients: \"10.0.0.1/8\" has bits set behind its length" },
	{ "\n\nnowhere\n", ":3: bypass-clients: \"nowhere\" is neither an address nor a prefix" },
	{ "10.0.0.0/33", ":1: bypass-clients: \"10.0.0.0/33\": the length of a prefix is 0 to 32" },
	{ "! 10.0.0.0/8", ":1: bypass-clients: " },
	{ "10.0.0.0/8 10.1.0.0/16", ":1: bypass-clients: " },
	{ "\x1b[31m", ":1: bypass-clients: \"?[31m\" is " },
	{ "10.0.0.0/8\n!10.0.0.0/8", ":2: bypass-clients: 10.0.0.0/8 is listed with and "
				     "without \"!\", here and at " },
};

TEST_LOOP(bad_list, 0, sizeof(bad_lists) / sizeof(bad_lists[0]))
{
	struct err err;
	char want[400];

	list_write(bad_lists[_i].list);
	snprintf(want, sizeof(want), "%s%s", list_path, bad_lists[_i].message);
	ck_assert_ptr_null(conf_file_load(with_list("bypass-clients"), &err));
	ck_assert_msg(strncmp(err.text, want, strlen(want)) == 0, "%s", err.text);
}

TEST(no_list)
{
	unlink(list_path);
	conf_file_bad(TOP POOL SERVICE "bypass-clients = { 10.0.0.1,\n/nonexistent/list }",
		      "6: bypass-clients: /nonexistent/list: No such file or directory");
}

static const struct {
	const char *text, *message;
} bad[] = {
	{ TOP POOL SERVICE "bypass-clients = { 10.0.0.1,\n10.0.0.256 }",
	  "6: bypass-clients: \"10.0.0.256\" is neither an address nor a prefix" },
	{ WEB_CACHE("udp = drop"), "5: udp: service web-cache takes none" },
	{ NAMED("https", "udp = drop"), "5: udp: service https takes none" },
	{ NAMED("dns", "udp = reject"), "5: udp: reject is not one of: return, drop" },
};

TEST_LOOP(refused, 0, sizeof(bad) / sizeof(bad[0]))
{
	conf_file_bad(bad[_i].text, bad[_i].message);
}

TEST(udp)
{
	struct conf *c = conf_file_good(NAMED("dns", "udp = drop"));

	ck_assert(c->services[0].drop_udp);
	ck_assert_uint_eq(c->n_warnings, 0); /* whoever sets it knows */
	conf_free(c);
}
