/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: the version of WCCP 2 in which a web-cache is answered (2.01 section 3.4.2),
 * and the family of the group's addresses.
 *
 * Every web-cache has a version of its own, so members of 2.0 and 2.01 may be mixed.
 * The whole group has one address family, because all addresses in a message are of one
 * family and the view lists all members (2.01 section 4.7).  The first member decides.
 */
#include "core/router/router_impl.h"

enum { IANA_IPV6 = 2 };

/* -- versions ------------------------------------------------------------------- */

static uint8_t router_version_lower(uint8_t a, uint8_t b)
{
	return a < b ? a : b;
}

/* If V is set, its header has the lowest version it speaks, and we answer with our
 * highest; otherwise the header has its highest. */
uint8_t router_version_answer(const struct router *r, const struct member *m)
{
	return m->asks_version ? r->conf.max_minor
			       : router_version_lower(m->minor_seen, r->conf.max_minor);
}

/* One message for several: V counts only when all of them have set it. */
uint8_t router_version_common(const struct router *r, struct member *const *list,
			      unsigned n)
{
	uint8_t minor = r->conf.max_minor;
	bool all_ask = true;

	for (unsigned i = 0; i < n; i++) {
		all_ask = all_ask && list[i]->asks_version;
		minor = router_version_lower(minor, list[i]->minor_seen);
	}
	return all_ask ? r->conf.max_minor : minor;
}

/* The table only tells the family; for IPv6 it is mandatory. */
uint16_t router_version_table(const struct member *m, uint8_t minor)
{
	if (m->addr.family == ADDR_V6)
		return IANA_IPV6;
	return minor ? m->table_family : 0;
}

/* -- families --------------------------------------------------------------------- */

const struct addr *router_family_id(const struct router *r, uint8_t family)
{
	static const struct addr none;

	if (r->conf.id.family == family)
		return &r->conf.id;
	return r->conf.id6.family == family ? &r->conf.id6 : &none;
}

uint8_t router_family(const struct router *r)
{
	for (unsigned i = 0; i < r->n_members; i++)
		if (r->members[i].usable)
			return r->members[i].addr.family;
	return ADDR_NONE;
}

/* The version is the one that its answer would have. */
const char *router_family_objection(const struct router_call *c)
{
	const struct wccp_cache_id *id = &c->msg->cache_identity;
	const struct router *r = c->r;
	const struct member speaker = { .asks_version = id->min_version,
					.minor_seen = c->msg->minor };
	uint8_t taken = router_family(r);

	if (!addr_is_set(&id->addr))
		return "it states no address";
	if (id->addr.family != c->from.family)
		return "the address it states is of another family than its own";
	if (!addr_is_set(router_family_id(r, id->addr.family)))
		return "there is no router id of its address family";
	if (taken != ADDR_NONE && taken != id->addr.family)
		return "the group is of the other address family";
	if (id->addr.family == ADDR_V6 && router_version_answer(r, &speaker) == 0)
		return "IPv6 needs WCCP 2.01";
	return NULL;
}
