/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What slots count goes to the account of the instance that owned them. */
#include "dp/steer/new_connections.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct new_connections given;

static void reset(void)
{
	memset(&given, 0, sizeof(given));
}

CASE(new_connections, .setup = reset)

TEST(only_what_is_new_is_added)
{
	new_connections_add(&given, 3, "web", "s1", 10);
	new_connections_add(&given, 3, "web", "s1", 10);
	new_connections_add(&given, 3, "web", "s1", 14);
	new_connections_add(&given, 4, "web", "s1", 5); /* its second listener */
	ck_assert_uint_eq(new_connections_of(&given, "web", "s1"), 19);
}

TEST(a_slot_changes_hands)
{
	new_connections_add(&given, 3, "web", "s1", 10);
	new_connections_add(&given, 3, "web", "s2", 25);
	new_connections_add(&given, 3, "tls", "s2", 26);
	ck_assert_uint_eq(new_connections_of(&given, "web", "s1"), 10);
	ck_assert_uint_eq(new_connections_of(&given, "web", "s2"), 15);
	ck_assert_uint_eq(new_connections_of(&given, "tls", "s2"), 1);
	ck_assert_uint_eq(new_connections_of(&given, "tls", "s1"), 0);
}

TEST(a_full_book_refuses_new_names_only)
{
	char name[16];

	for (unsigned i = 0; i <= NEW_CONNECTIONS_ACCOUNTS; i++) {
		snprintf(name, sizeof(name), "s%u", i);
		new_connections_add(&given, 0, "web", name, i + 1);
	}
	ck_assert_uint_eq(given.n_accounts, NEW_CONNECTIONS_ACCOUNTS);
	ck_assert_uint_eq(new_connections_of(&given, "web", name), 0);
	new_connections_add(&given, 1, "web", "s0", 7);
	ck_assert_uint_eq(new_connections_of(&given, "web", "s0"), 8);
}
