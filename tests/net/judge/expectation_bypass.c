/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the static bypass says about a connection: prefix by prefix, bit by bit. */
#include "judge.h"

static bool is_in(const struct addr_prefix *p, uint32_t a)
{
	for (unsigned bit = 0; bit < p->bits; bit++)
		if ((addr_to_v4(&p->addr) ^ a) >> (31 - bit) & 1)
			return false;
	return true;
}

/* By the longest prefix of this end that it is in. */
static bool bypasses(const struct plan_bypass *b, enum plan_bypass_set set, uint32_t a)
{
	const struct plan_bypass_entry *longest = NULL;

	for (unsigned i = 0; b && i < b->n; i++)
		if (b->list[i].set == set && is_in(&b->list[i].prefix, a) &&
		    (!longest || longest->prefix.bits < b->list[i].prefix.bits))
			longest = &b->list[i];
	return longest && !longest->redirect;
}

bool expectation_bypasses(const struct plan_bypass *b, uint32_t client, uint32_t server)
{
	return bypasses(b, PLAN_BYPASS_CLIENTS, client) ||
	       bypasses(b, PLAN_BYPASS_SERVERS, server);
}
