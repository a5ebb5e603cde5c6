/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decision about one packet, read off draft-wilson-wrec-wccp-v2-03 sections 4.10,
 * 4.11 and 5.4 (services, hash, masks) and wccprouter.conf(5) (redirect lists, closed
 * services, what is never redirected).  Plain on purpose: octet by octet, list by
 * list, and by no code of the programs.
 */
#include "decide.h"

#include <string.h>

/* Of a packet, a mask or a value, in the order of the draft's figures. */
struct key {
	uint8_t src[16], dst[16]; /* the first 4 are in use of IPv4 */
	uint8_t sport[2], dport[2];
};

static struct key key_of(const struct addr *src, const struct addr *dst, uint16_t sport,
			 uint16_t dport)
{
	struct key k = { .sport = { (uint8_t)(sport >> 8), (uint8_t)sport },
			 .dport = { (uint8_t)(dport >> 8), (uint8_t)dport } };

	memcpy(k.src, src->octets, 16);
	memcpy(k.dst, dst->octets, 16);
	return k;
}

static struct key key_of_mask(const struct wccp_mask *m)
{
	return key_of(&m->src, &m->dst, m->sport, m->dport);
}

static struct key key_of_sample(const struct sample *s)
{
	return key_of(&s->src, &s->dst, s->shows_ports ? s->sport : 0,
		      s->shows_ports ? s->dport : 0);
}

/* -- is the packet one of the service (section 4.10, 5.4)? ------------------------- */

/* The description; of the well-known service it is not on the wire. */
static struct wccp_service description(const struct world *w, unsigned i)
{
	if (w->conf.services[i].router.service_type == WCCP_SERVICE_STANDARD)
		return (struct wccp_service){
			.priority = 240, .protocol = 6, .flags = 0x0512, .ports = { 80 }
		};
	return w->status[i].service;
}

static bool fits(const struct wccp_service *d, const struct sample *s)
{
	bool any_protocol = d->protocol == 0 && !(d->flags & 0x0040);
	uint16_t port = d->flags & 0x0020 ? s->sport : s->dport;

	if (!any_protocol && d->protocol != s->protocol)
		return false;
	if (!(d->flags & 0x0010))
		return true; /* ports are not defined */
	if (d->protocol != 6 && d->protocol != 17)
		return true; /* ... nor for other protocols */
	if (!s->shows_ports)
		return false;
	for (int i = 0; i < 8 && d->ports[i] != 0; i++)
		if (d->ports[i] == port)
			return true;
	return false;
}

static bool has_member(const struct router_status *st, const struct addr *a)
{
	for (unsigned i = 0; i < st->n_caches; i++)
		if (st->caches[i].usable && addr_equal(&st->caches[i].addr, a))
			return true;
	return false;
}

/* Has the service a say?  Not before it is described (the well-known one always is,
 * unless it is shut), and an open one only while it has a web-cache. */
static bool has_a_say(const struct world *w, unsigned i)
{
	const struct router_status *st = &w->status[i];

	if (!st->described)
		return false;
	if (w->conf.services[i].closed)
		return true;
	for (unsigned c = 0; c < st->n_caches; c++)
		if (st->caches[c].usable)
			return true;
	return false;
}

/* The highest priority of those not asked yet; of equals the first in the file.
 * -1: none is left. */
static int next_service(const struct world *w, const bool *asked)
{
	int best = -1, best_priority = -1;

	for (unsigned i = 0; i < w->conf.n_services; i++) {
		int priority = description(w, i).priority;

		if (!asked[i] && priority > best_priority) {
			best = (int)i;
			best_priority = priority;
		}
	}
	return best;
}

/* -- where (wccprouter.conf(5)) ---------------------------------------------------- */

static bool has_interface(const struct routerd_interfaces *list, enum where at)
{
	for (unsigned i = 0; i < list->n; i++)
		if (strcmp(list->names[i], kernel_interfaces[at]) == 0)
			return true;
	return false;
}

static bool is_redirected_there(const struct routerd_conf_service *service,
				const struct sample *s)
{
	return has_interface(s->leaving ? &service->redirect_out : &service->redirect_in,
			     s->at);
}

static bool is_any_member(const struct world *w, const struct addr *a)
{
	for (unsigned i = 0; i < w->conf.n_services; i++)
		if (has_member(&w->status[i], a))
			return true;
	return false;
}

/* Not forwarded, excluded, from a web-cache's interface or on its way to one. */
static bool leaves_untouched(const struct world *w, const struct sample *s)
{
	return s->from == PLACES || s->from == CACHES_SIDE ||
	       (s->from == OF_VLAN && w->excluded) || is_any_member(w, &s->dst);
}

/* -- what is never redirected ------------------------------------------------------ */

static bool is_text(const struct addr *a, const char *text)
{
	struct addr b;

	return addr_parse(text, &b) == 0 && addr_equal(a, &b);
}

static bool is_exempt(const struct sample *s)
{
	const uint8_t *src = s->src.octets, *dst = s->dst.octets;

	if (s->wccp && s->whole)
		return true;
	if (is_text(&s->dst, "10.0.9.1") || is_text(&s->dst, "2001:db8:9::1"))
		return true; /* the router's own */
	if (s->family == ADDR_V4)
		return dst[0] >= 224 || dst[0] == 0 || dst[0] == 127 ||
		       (dst[0] == 169 && dst[1] == 254);
	return dst[0] == 0xff || (dst[0] == 0xfe && dst[1] >> 6 == 2) ||
	       (src[0] == 0xfe && src[1] >> 6 == 2);
}

/* -- the redirect list ------------------------------------------------------------- */

static bool has_prefix(const struct addr *a, const struct redirect_rule_end *e)
{
	if (e->prefix.family == ADDR_NONE)
		return true;
	if (a->family != e->prefix.family)
		return false;
	for (unsigned bit = 0; bit < e->bits; bit++) {
		uint8_t differ = a->octets[bit / 8] ^ e->prefix.octets[bit / 8];

		if (differ & 0x80 >> bit % 8)
			return false;
	}
	return true;
}

static bool has_port(uint16_t port, const struct redirect_rule_end *e)
{
	return !e->has_ports || (port >= e->low && port <= e->high);
}

static bool permits(const struct routerd_conf_service *service, const struct sample *s)
{
	for (unsigned i = 0; i < service->n_rules; i++) {
		const struct redirect_rule *r = &service->rules[i];

		if (r->has_protocol && s->protocol != r->protocol)
			continue;
		if (!has_prefix(&s->src, &r->src) || !has_prefix(&s->dst, &r->dst))
			continue;
		if ((r->src.has_ports || r->dst.has_ports) && !s->shows_ports)
			continue;
		if (has_port(s->sport, &r->src) && has_port(s->dport, &r->dst))
			return r->permit;
	}
	return service->n_rules == 0;
}

/* -- hash (section 4.11.1, 5.4) ---------------------------------------------------- */

static uint8_t xor_of(const uint8_t *octets, unsigned n)
{
	uint8_t x = 0;

	for (unsigned i = 0; i < n; i++)
		x ^= octets[i];
	return x;
}

static uint8_t hash(const struct key *k, bool src, bool dst, bool sport, bool dport)
{
	uint8_t h = 0;

	if (src)
		h ^= xor_of(k->src, sizeof(k->src));
	if (dst)
		h ^= xor_of(k->dst, sizeof(k->dst));
	if (sport)
		h ^= xor_of(k->sport, sizeof(k->sport));
	if (dport)
		h ^= xor_of(k->dport, sizeof(k->dport));
	return h;
}

static const struct addr *by_hash(const struct router_status *st, uint32_t flags,
				  const struct key *k, struct decision *d)
{
	const struct wccp_hash_table *t = &st->table;
	uint8_t primary = hash(k, flags & 1, flags & 2, flags & 4, flags & 8);
	uint8_t bucket = primary;
	const struct addr *cache;

	d->verdict = BY_HASH;
	d->header[3] = primary;
	if (!st->assigned || t->buckets[bucket] == 0xff)
		return NULL;
	/* Whose web-cache is gone is nobody's, be it flagged or not. */
	if (!has_member(st, &t->caches[t->buckets[bucket] & 0x7f]))
		return NULL;
	if (t->buckets[bucket] & 0x80) {
		d->verdict = BY_ALTERNATE_HASH;
		bucket = hash(k, flags & 0x100, flags & 0x200, flags & 0x400,
			      flags & 0x800);
		d->header[0] |= 2;
		d->header[2] = bucket;
		if (t->buckets[bucket] == 0xff)
			return NULL;
	}
	cache = &t->caches[t->buckets[bucket] & 0x7f];
	return has_member(st, cache) ? cache : NULL;
}

/* -- masks (section 4.11.2) -------------------------------------------------------- */

static bool equals_under(const struct key *packet, const struct key *mask,
			 const struct key *value)
{
	const uint8_t *p = (const void *)packet, *m = (const void *)mask;
	const uint8_t *v = (const void *)value;

	for (unsigned i = 0; i < sizeof(*packet); i++)
		if ((p[i] & m[i]) != v[i])
			return false;
	return true;
}

static const struct addr *by_mask(const struct router_status *st, const struct key *k,
				  struct decision *d)
{
	const struct router_masks *all = &st->masks;

	d->verdict = BY_MASK;
	for (unsigned i = 0; i < all->n_sets; i++) {
		const struct wccp_set *set = &all->sets[i];
		struct key mask = key_of_mask(&set->mask);

		for (unsigned v = set->first; v < set->first + set->n; v++) {
			struct key value = key_of_mask(&all->values[v].match);
			const struct addr *cache = &all->caches[all->values[v].cache];

			if (equals_under(k, &mask, &value) && has_member(st, cache))
				return cache;
		}
	}
	return NULL;
}

/* -- all of it --------------------------------------------------------------------- */

static bool by_gre(const struct router_status *st, const struct addr *cache)
{
	for (unsigned i = 0; i < st->n_caches; i++)
		if (addr_equal(&st->caches[i].addr, cache))
			return st->caches[i].forward == 1;
	return false;
}

/* The packet is one of service `i`, which is to say where it goes. */
static void choose(const struct world *w, unsigned i, const struct sample *s,
		   struct decision *d)
{
	const struct routerd_conf_service *service = &w->conf.services[i];
	const struct router_status *st = &w->status[i];
	struct key k = key_of_sample(s);
	const struct addr *cache;

	d->service = i;
	if (!permits(service, s)) {
		d->verdict = DENIED;
		return;
	}
	d->header[0] = service->router.service_type == WCCP_SERVICE_DYNAMIC;
	d->header[1] = service->router.service_id;
	cache = st->by_mask ? by_mask(st, &k, d)
			    : by_hash(st, description(w, i).flags, &k, d);
	if (!cache || !world_is_reachable(cache)) {
		d->verdict = service->closed ? REFUSED : UNASSIGNED;
		return;
	}
	d->cache = *cache;
	d->gre = by_gre(st, cache);
	if (s->ttl <= 1 && !s->leaving)
		d->verdict = EXPIRED;
}

struct decision reference_decide(const struct world *w, const struct sample *s)
{
	struct decision d = { .verdict = NOT_OURS };
	bool asked[SERVICES] = { false };
	int i;

	if (s->foreign || (s->leaving && leaves_untouched(w, s)))
		return d;
	while ((i = next_service(w, asked)) >= 0) {
		const struct wccp_service of = description(w, (unsigned)i);
		unsigned family = w->conf.services[i].router.allowed[0].addr.family;

		asked[i] = true;
		if (!is_redirected_there(&w->conf.services[i], s))
			continue;
		if (!has_a_say(w, (unsigned)i) || s->family != family || !fits(&of, s))
			continue;
		if (is_exempt(s)) {
			d.verdict = EXEMPT;
			break;
		}
		if (has_member(&w->status[i], &s->src)) {
			d.bypassed |= 1ull << i;
			continue;
		}
		choose(w, (unsigned)i, s, &d);
		break;
	}
	return d;
}
