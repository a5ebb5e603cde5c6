/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections given to each instance, by name. */
#include "dp/new_connections.h"

#include <stdio.h>
#include <string.h>

static unsigned find(const struct given *g, const char *pool, const char *instance)
{
	unsigned i;

	for (i = 0; i < g->n_accounts; i++)
		if (!strcmp(g->accounts[i].pool, pool) &&
		    !strcmp(g->accounts[i].instance, instance))
			break;
	return i;
}

void given_add(struct given *g, unsigned slot, const char *pool, const char *instance,
	       uint64_t total)
{
	unsigned i = find(g, pool, instance);
	struct given_account *a;

	if (i == GIVEN_ACCOUNTS)
		return;
	a = &g->accounts[i];
	if (i == g->n_accounts) {
		g->n_accounts++;
		snprintf(a->pool, sizeof(a->pool), "%s", pool);
		snprintf(a->instance, sizeof(a->instance), "%s", instance);
	}
	a->n += total - g->counted[slot];
	g->counted[slot] = total;
}

uint64_t given_to(const struct given *g, const char *pool, const char *instance)
{
	unsigned i = find(g, pool, instance);

	return i < g->n_accounts ? g->accounts[i].n : 0;
}
