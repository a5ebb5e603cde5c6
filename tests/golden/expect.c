/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scenario expects on its way; it fails where that is not so.
 *
 *   expect CACHE ROUTER STATE [SLOTS]     at that router, "-" for spaces in the state
 *   expect CACHE designated | not-designated
 *   expect ROUTER none | CACHE=SLOTS ...  all its members, and their share
 *
 * of every service.
 */
#include "golden.h"

#include <stdlib.h>
#include <string.h>

static bool is_state(enum peer_state state, const char *word)
{
	const char *name = peer_state_name(state);

	for (; *name && *word; name++, word++)
		if (*name != *word && (*name != ' ' || *word != '-'))
			return false;
	return *name == *word;
}

static void at_router(struct stage *st, const struct cache_status *s, const char *name,
		      const struct addr *router, const char *state, const char *slots)
{
	for (unsigned k = 0; k < s->n_routers; k++) {
		if (!addr_equal(&s->routers[k].address, router))
			continue;
		if (!is_state(s->routers[k].state, state))
			stage_fail(st, "%s is %s there, not %s", name,
				   peer_state_name(s->routers[k].state), state);
		if (slots && s->my_slots != strtoul(slots, NULL, 10))
			stage_fail(st, "%s has %u slots, not %s", name, s->my_slots,
				   slots);
		return;
	}
	stage_fail(st, "%s does not know that router", name);
}

static void expect_cache(struct stage *st, const struct node *n, struct words *w)
{
	static struct cache_status s;
	const char *what = words_need(st, w, "router, designated or not-designated");
	const struct node *router = stage_node(st, what);
	const char *state = router ? words_need(st, w, "state") : NULL;
	const char *slots = words_next(w);

	for (unsigned i = 0; i < st->n_services && !st->failed; i++) {
		if (!n->machines[i].cache) {
			stage_fail(st, "%s does not run", n->name);
			return;
		}
		cache_get_status(n->machines[i].cache, &s);
		if (router)
			at_router(st, &s, n->name, &router->addr, state, slots);
		else if (strcmp(what, s.designated ? "designated" : "not-designated") !=
			 0)
			stage_fail(st, "%s is%s designated", n->name,
				   s.designated ? "" : " not");
	}
}

/* "cache1=128" */
static void has_share(struct stage *st, const struct router_status *s, const char *word)
{
	char name[32];
	const char *value = strchr(word, '=');
	const struct node *cache;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
	cache = stage_node(st, name);
	if (!value || !cache) {
		stage_fail(st, "expected CACHE=SLOTS: %s", word);
		return;
	}
	for (unsigned k = 0; k < s->n_caches; k++) {
		const struct router_cache_status *c = &s->caches[k];
		unsigned is = c->assign == WCCP_ASSIGN_MASK ? c->values : c->buckets;

		if (!addr_equal(&c->addr, &cache->addr) || !c->usable)
			continue;
		if (is != strtoul(value + 1, NULL, 10))
			stage_fail(st, "%s has %u slots, not %s", name, is, value + 1);
		return;
	}
	stage_fail(st, "%s is no member", name);
}

static void expect_router(struct stage *st, const struct node *n, struct words *w)
{
	static struct router_status s;
	unsigned first = w->at;

	for (unsigned i = 0; i < st->n_services && !st->failed; i++) {
		unsigned wanted = 0, usable = 0;
		const char *word;

		if (!n->machines[i].router) {
			stage_fail(st, "%s does not run", n->name);
			return;
		}
		router_get_status(n->machines[i].router, &s);
		for (w->at = first; (word = words_next(w)) && strcmp(word, "none");
		     wanted++)
			has_share(st, &s, word);
		for (unsigned k = 0; k < s.n_caches; k++)
			usable += s.caches[k].usable;
		if (usable != wanted)
			stage_fail(st, "%s has %u members, not %u", n->name, usable,
				   wanted);
	}
}

void expect(struct stage *st, struct words *w)
{
	const char *name = words_need(st, w, "node");
	const struct node *n = stage_node(st, name);

	if (n && n->kind == NODE_CACHE)
		expect_cache(st, n, w);
	else if (n && n->kind == NODE_ROUTER)
		expect_router(st, n, w);
	else
		stage_fail(st, "no web-cache or router: %s", name);
}
