/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is what a router says new?  freshness.h has the reasons.
 */
#include "core/cache/rx/rx.h"

struct freshness_signs rx_signs(const struct cache *c, const struct wccp_msg *m)
{
	struct freshness_signs x = { .id = m->router_identity.self.receive_id };

	for (unsigned i = 0; i < m->router_view.n_caches && !x.listed; i++) {
		const struct wccp_cache_id *id = &m->router_view.caches[i];

		if (!addr_equal(&id->addr, &c->conf.self))
			continue;
		x.listed = true;
		x.token = id->kind == WCCP_DATA_NONE ? 0 : id->status;
	}
	return x;
}

/* If it is not, ask, once in T: a router that works answers with something newer, and
 * one that was restarted lists us with the new token. */
bool rx_believe_doubtful(struct cache *c, struct peer *p,
			 const struct freshness_signs *x, struct step *s)
{
	if (freshness_is_convinced(&p->fresh, x, s->now, p->agreed.t_ms)) {
		peer_forget_freshness(c, p);
		return true;
	}
	c->counters.doubted++;
	freshness_claim(&p->fresh, x->id, s->now);
	if (freshness_ask(&p->fresh, s->now, p->agreed.t_ms)) {
		peer_new_token(c, p);
		peer_hello_at(c, p, s->now);
	}
	return false;
}

bool rx_believes(struct cache *c, struct peer *p, const struct addr *from, bool *proven,
		 struct step *s)
{
	struct freshness_signs x = rx_signs(c, s->msg);
	enum freshness_verdict v = freshness_judge(&p->fresh, &x);
	bool live = peer_is_live(p), was_asked = p->fresh.asking;

	*proven = v == FRESHNESS_NEWER || (v == FRESHNESS_UNPROVEN && x.listed);
	if (v == FRESHNESS_REPEATED || (v == FRESHNESS_STALE && live)) {
		rx_refuse_stale(c, from, s);
		return false;
	}
	if (v == FRESHNESS_UNPROVEN && live && !rx_believe_doubtful(c, p, &x, s))
		return false;
	if (*proven || !p->fresh.given)
		freshness_believe(&p->fresh, &x);
	else
		freshness_claim(&p->fresh, x.id, s->now);
	/* It has answered the id that was wrong: return the right one, or it takes us
	 * for silent. */
	if (*proven && was_asked)
		p->hello.now = true;
	return true;
}

/* It states the id of the last I_SEE_YOU that was sent to us, which we may have missed;
 * one that is older is a recording. */
bool rx_believes_query(struct cache *c, struct peer *p, const struct addr *from,
		       struct step *s)
{
	const struct wccp_router_id *r = &s->msg->query.router;
	struct freshness *f = &p->fresh;

	if (!p->said.heard || r->receive_id == 0 || !addr_equal(&p->said.id, &r->id))
		return true;
	if (f->known && r->receive_id == f->id)
		return true;
	if (f->known && !freshness_id_is_newer(r->receive_id, f->id)) {
		rx_refuse_stale(c, from, s);
		return false;
	}
	freshness_claim(f, r->receive_id, s->now);
	return freshness_ask(f, s->now, p->agreed.t_ms);
}
