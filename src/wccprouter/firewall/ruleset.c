/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What nftables' rules do to one forwarded packet. */
#include "wccprouter/firewall/ruleset.h"

#include "json_get.h"
#include "wccprouter/firewall/ruleset_match.h"

#include <string.h>

enum {
	TRACKING = -200, /* priority of connection tracking (NF_IP_PRI_CONNTRACK) */
	MAX_DEPTH = 16,	 /* the kernel's limit of jumps */
};

enum ruleset_end { RULESET_GOES_ON, RULESET_RETURNS, RULESET_ACCEPTS, RULESET_DROPS };

/* A packet's way through the rules. */
struct ruleset_walk {
	const json_t *list;
	const struct ruleset_packet *packet;
	bool benefit; /* assume that conditions that are not understood are met */
	bool untracked;
	int depth;
	struct ruleset_chain chain;
};

static enum ruleset_end ruleset_walk_chain(struct ruleset_walk *w, const char *name);

/* -- one rule ---------------------------------------------------------------------- */

/* A match of iptables, of which the listing has only the name. */
static enum ruleset_answer ruleset_xt(struct ruleset_walk *w, const json_t *xt,
				      bool *tracked)
{
	const char *name = json_get_text(xt, "name");

	if (strcmp(json_get_text(xt, "type"), "target") == 0) {
		w->untracked |= strcmp(name, "CT") == 0;
		return RULESET_YES;
	}
	*tracked |= strcmp(name, "conntrack") == 0 || strcmp(name, "state") == 0;
	return *tracked || strcmp(name, "comment") == 0 ? RULESET_YES : RULESET_UNKNOWN;
}

static enum ruleset_end ruleset_verdict(struct ruleset_walk *w, const json_t *s)
{
	const char *jump = json_get_text(json_get_member(s, "jump"), "target");
	const char *go = json_get_text(json_get_member(s, "goto"), "target");
	const json_t *xt = json_get_member(s, "xt");
	enum ruleset_end end;

	if (json_get_member(s, "accept"))
		return RULESET_ACCEPTS;
	if (json_get_member(s, "drop") || json_get_member(s, "reject") ||
	    strcmp(json_get_text(xt, "name"), "REJECT") == 0)
		return RULESET_DROPS;
	if (json_get_member(s, "return"))
		return RULESET_RETURNS;
	if (strcmp(jump, "-") != 0) {
		end = ruleset_walk_chain(w, jump);
		return end == RULESET_RETURNS ? RULESET_GOES_ON : end;
	}
	if (strcmp(go, "-") != 0) {
		end = ruleset_walk_chain(w, go);
		return end == RULESET_GOES_ON ? RULESET_RETURNS : end;
	}
	return RULESET_GOES_ON;
}

/* A verdict map: that of the first value that fits. */
static enum ruleset_end ruleset_vmap(struct ruleset_walk *w, const json_t *vmap)
{
	const json_t *key = json_get_member(vmap, "key"), *pair;
	const json_t *set = json_get_member(json_get_member(vmap, "data"), "set");
	size_t i;

	json_array_foreach((json_t *)set, i, pair)
	{
		if (ruleset_match_value(w->packet, key, json_array_get(pair, 0)) ==
		    RULESET_YES)
			return ruleset_verdict(w, json_array_get(pair, 1));
	}
	return RULESET_GOES_ON;
}

/* Does a rule that asks for a state of its own accord fit? */
static bool ruleset_fits_state(const struct ruleset_walk *w, enum ruleset_end end)
{
	enum ruleset_state state = w->packet->state;

	return end == RULESET_DROPS ? state == RULESET_INVALID
				    : end == RULESET_ACCEPTS && state == RULESET_ESTABLISHED;
}

static bool ruleset_meets(const struct ruleset_walk *w, enum ruleset_answer a)
{
	return a == RULESET_YES || (a == RULESET_UNKNOWN && w->benefit);
}

static enum ruleset_end ruleset_walk_rule(struct ruleset_walk *w, const json_t *rule)
{
	const json_t *statements = json_get_member(rule, "expr"), *s;
	bool tracked = false;
	size_t i;

	json_array_foreach((json_t *)statements, i, s)
	{
		const json_t *match = json_get_member(s, "match");
		const json_t *xt = json_get_member(s, "xt");
		const json_t *vmap = json_get_member(s, "vmap");
		enum ruleset_end end;

		if (match && !ruleset_meets(w, ruleset_match(w->packet, match)))
			return RULESET_GOES_ON;
		if (xt && !ruleset_meets(w, ruleset_xt(w, xt, &tracked)))
			return RULESET_GOES_ON;
		w->untracked |= json_get_member(s, "notrack") != NULL;
		end = vmap ? ruleset_vmap(w, vmap) : ruleset_verdict(w, s);
		if (tracked && end != RULESET_GOES_ON && !ruleset_fits_state(w, end))
			return RULESET_GOES_ON;
		if (end != RULESET_GOES_ON)
			return end;
	}
	return RULESET_GOES_ON;
}

/* -- chains ------------------------------------------------------------------------ */

static bool ruleset_is_in(const json_t *o, const struct ruleset_chain *c)
{
	return strcmp(json_get_text(o, "family"), c->family) == 0 &&
	       strcmp(json_get_text(o, "table"), c->table) == 0;
}

static enum ruleset_end ruleset_walk_chain(struct ruleset_walk *w, const char *name)
{
	enum ruleset_end end = RULESET_GOES_ON;
	const json_t *o;
	size_t i;

	if (w->depth == MAX_DEPTH)
		return RULESET_GOES_ON;
	w->depth++;
	json_array_foreach((json_t *)w->list, i, o)
	{
		const json_t *rule = json_get_member(o, "rule");

		if (!rule || !ruleset_is_in(rule, &w->chain) ||
		    strcmp(json_get_text(rule, "chain"), name) != 0)
			continue;
		end = ruleset_walk_rule(w, rule);
		if (end != RULESET_GOES_ON)
			break;
	}
	w->depth--;
	return end;
}

static bool ruleset_is_base(const struct ruleset_walk *w, const json_t *chain,
			    const char *hook, bool before_tracking)
{
	const char *family = json_get_text(chain, "family");

	return strcmp(json_get_text(chain, "hook"), hook) == 0 &&
	       (json_get_number(chain, "prio") < TRACKING) == before_tracking &&
	       (strcmp(family, "inet") == 0 ||
		strcmp(family, w->packet->v6 ? "ip6" : "ip") == 0);
}

static bool ruleset_walk_base(struct ruleset_walk *w, const json_t *chain)
{
	enum ruleset_end end;

	w->chain = (struct ruleset_chain){ json_get_text(chain, "family"),
					   json_get_text(chain, "table"),
					   json_get_text(chain, "name") };
	end = ruleset_walk_chain(w, w->chain.name);
	if (end == RULESET_GOES_ON || end == RULESET_RETURNS)
		return strcmp(json_get_text(chain, "policy"), "drop") == 0;
	return end == RULESET_DROPS;
}

/* All base chains of a hook, on one side of tracking; true: one of them drops.  Their
 * order does not matter, as it takes but one. */
static bool ruleset_walk_hook(struct ruleset_walk *w, const char *hook,
			      bool before_tracking)
{
	const json_t *o;
	size_t i;

	json_array_foreach((json_t *)w->list, i, o)
	{
		const json_t *chain = json_get_member(o, "chain");

		if (chain && ruleset_is_base(w, chain, hook, before_tracking) &&
		    ruleset_walk_base(w, chain))
			return true;
	}
	return false;
}

/* -- questions --------------------------------------------------------------------- */

bool ruleset_untracks(const json_t *ruleset, const struct ruleset_packet *p)
{
	struct ruleset_walk w = { .list = json_get_member(ruleset, "nftables"),
				  .packet = p,
				  .benefit = true };

	ruleset_walk_hook(&w, "prerouting", true);
	return w.untracked;
}

bool ruleset_drops(const json_t *ruleset, const struct ruleset_packet *p,
		   struct ruleset_chain *where)
{
	struct ruleset_walk w = { .list = json_get_member(ruleset, "nftables"),
				  .packet = p };
	bool drops = ruleset_walk_hook(&w, "prerouting", false) ||
		     ruleset_walk_hook(&w, "forward", false);

	*where = w.chain;
	return drops;
}
