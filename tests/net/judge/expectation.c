/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judgement about one packet, read off draft-wilson-wrec-wccp-v2-03 sections 4.11 to
 * 4.13 and 5.4, 2.01 section 7 (value sequence numbers), and doc/architecture.md.  Plain
 * on purpose: list by list, bit by bit, and by no code of the program.
 */
#include "judge.h"

#include <netinet/in.h>
#include <string.h>

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

/* -- the box's addresses, as tests/net/test_judge.py makes them -------------------- */

static bool is_own(uint32_t a)
{
	return a == SELF || a == ADDRESS(10, 5, 0, 9) || a == ADDRESS(10, 7, 0, 1) ||
	       a >> 24 == 127;
}

static bool is_link_broadcast(uint32_t a)
{
	return a == ADDRESS(10, 2, 0, 255) || a == ADDRESS(10, 7, 255, 255) ||
	       a == ADDRESS(127, 255, 255, 255);
}

/* Routed out of another interface, by a box that routes. */
static bool is_behind(uint32_t a)
{
	return forwards && a >> 16 == (ADDRESS(10, 7, 0, 0) >> 16);
}

static bool is_near(uint32_t a)
{
	return is_own(a) || is_link_broadcast(a) || is_behind(a);
}

static bool is_martian(uint32_t a)
{
	return a >> 24 == 0 || a >> 24 == 127 ||
	       a >> 16 == (ADDRESS(169, 254, 0, 0) >> 16) || (a >= ADDRESS(224, 0, 0, 0) &&
	       a <= ADDRESS(239, 255, 255, 255)) || a == ADDRESS(255, 255, 255, 255);
}

/* -- services ---------------------------------------------------------------------- */

/* The well-known service's description is not on the wire. */
static struct wccp_service described(const struct plan *plan, unsigned i)
{
	const struct wccp_service *s = &plan->services[i].service;

	if (s->type == WCCP_SERVICE_STANDARD)
		return (struct wccp_service){ .type = s->type,
					      .priority = 240,
					      .protocol = 6,
					      .flags = 0x0512,
					      .ports = { 80 } };
	return *s;
}

static bool names_port(const struct wccp_service *s, uint16_t port)
{
	for (unsigned i = 0; i < WCCP_MAX_PORTS && s->ports[i]; i++)
		if (s->ports[i] == port)
			return true;
	return false;
}

static bool speaks_ports(const struct wccp_service *s)
{
	return s->flags & 0x10 && (s->protocol == 6 || s->protocol == 17);
}

static bool any_protocol(const struct wccp_service *s)
{
	return s->protocol == 0 && !(s->flags & 0x40);
}

static bool shows_ports(const struct ip4 *p)
{
	return (p->protocol == 6 || p->protocol == 17) && p->offset == 0;
}

static bool fits(const struct wccp_service *s, const struct ip4 *p)
{
	if (!any_protocol(s) && s->protocol != p->protocol)
		return false;
	/* What a later fragment does not show is not held against it. */
	if (!speaks_ports(s) || !shows_ports(p))
		return true;
	return names_port(s, s->flags & 0x20 ? p->sport : p->dport);
}

/* The first of highest priority for which `allowed` has a bit. */
static int choose_service(const struct plan *plan, const struct ip4 *p, unsigned allowed)
{
	int best = -1, priority = -1;

	for (unsigned i = 0; i < plan->n_services; i++) {
		struct wccp_service s = described(plan, i);

		if (allowed >> i & 1 && fits(&s, p) && s.priority > priority) {
			best = (int)i;
			priority = s.priority;
		}
	}
	return best;
}

/* -- senders ----------------------------------------------------------------------- */

static const struct plan_router *agreed(const struct plan *plan, int router, int service)
{
	for (unsigned i = 0; i < plan->n_routers; i++)
		if ((int)plan->routers[i].service == service &&
		    addr_to_v4(&plan->routers[i].id) == router_ids[router])
			return &plan->routers[i];
	return NULL;
}

static unsigned services_of(const struct plan *plan, int router, bool by_l2)
{
	unsigned found = 0;

	for (unsigned i = 0; i < plan->n_services; i++) {
		const struct plan_router *r = agreed(plan, router, (int)i);

		if (r && (!by_l2 || r->forward == WCCP_METHOD_L2))
			found |= 1u << i;
	}
	return found;
}

/* The MAC address of a router is looked for where it is needed, and answered but by the
 * last one. */
static bool is_mac_known(const struct plan *plan, int router)
{
	for (unsigned i = 0; i < plan->n_services; i++) {
		const struct plan_router *r = agreed(plan, router, (int)i);

		if (r && (r->forward | r->ret) & WCCP_METHOD_L2)
			return router != ROUTERS - 1;
	}
	return false;
}

enum { NOBODY = -1, OTHER_CACHE = -2 };

static int sender_of(const struct plan *plan, uint32_t addr)
{
	for (int i = 0; i < ROUTERS; i++)
		if (services_of(plan, i, false) &&
		    (addr == router_ids[i] || addr == router_addresses[i]))
			return i;
	for (unsigned i = 0; i < plan->n_other_caches; i++)
		if (addr_to_v4(&plan->other_caches[i]) == addr)
			return OTHER_CACHE;
	return NOBODY;
}

/* -- where packets come from ------------------------------------------------------- */

struct arrival {
	const struct plan *plan;
	const struct sample *sample;
	const struct ip4 *p; /* the redirected packet */
	int from, service;
	bool odd_header, header_counts;
};

static bool names_service(const uint8_t *header, const struct wccp_service *s)
{
	return (header[0] & 1) == (s->type == WCCP_SERVICE_DYNAMIC) && header[1] == s->id;
}

/* The service that the header names, if the packet fits it, or the best one. */
static void find_service(struct arrival *a, unsigned allowed)
{
	const uint8_t *header = a->sample->header;

	a->service = choose_service(a->plan, a->p, allowed);
	if (header[0] & 4)
		return; /* it says nothing */
	for (unsigned i = 0; i < a->plan->n_services; i++) {
		struct wccp_service s = described(a->plan, i);

		if (allowed >> i & 1 && fits(&s, a->p) && names_service(header, &s)) {
			a->service = (int)i;
			a->header_counts = true;
		}
	}
	a->odd_header = !a->header_counts;
}

static bool came_by_gre(struct arrival *a)
{
	const struct sample *s = a->sample;

	if (!s->gre || s->odd || s->first.dst != SELF)
		return false;
	a->from = sender_of(a->plan, s->first.src);
	if (a->from == NOBODY)
		return false;
	a->p = &s->inner;
	if (!s->inner.unsound)
		find_service(a, a->from == OTHER_CACHE
					? ~0U
					: services_of(a->plan, a->from, false));
	return true;
}

/* The router that a frame of an unknown MAC address stands for: the first that agreed on
 * L2 for the service. */
static void adopt(struct arrival *a)
{
	unsigned by_l2 = 0;

	for (int i = 0; i < ROUTERS; i++)
		by_l2 |= services_of(a->plan, i, true);
	a->service = choose_service(a->plan, a->p, by_l2);
	for (unsigned i = 0; a->service >= 0 && i < a->plan->n_routers; i++) {
		const struct plan_router *r = &a->plan->routers[i];

		if ((int)r->service != a->service || r->forward != WCCP_METHOD_L2)
			continue;
		for (a->from = 0; router_ids[a->from] != addr_to_v4(&r->id);)
			a->from++;
		return;
	}
}

static bool came_by_l2(struct arrival *a)
{
	const struct sample *s = a->sample;

	a->p = &s->first;
	if (is_near(s->first.dst))
		return false;
	for (int i = 0; i < ROUTERS; i++)
		if (is_mac_known(a->plan, i) &&
		    memcmp(s->from, packet_router_mac((unsigned)i), 6) == 0) {
			a->from = i;
			a->service = choose_service(a->plan, a->p,
						    services_of(a->plan, i, true));
			return a->service >= 0;
		}
	if (!forwards)
		adopt(a);
	return !forwards && a->service >= 0;
}

/* -- slots ------------------------------------------------------------------------- */

static uint32_t field_of(const struct ip4 *p, unsigned field)
{
	const uint32_t fields[] = { p->dport, p->sport, p->dst, p->src };

	return fields[field];
}

/* Its bits under the mask, the destination port's lowest one first. */
static unsigned value_number(const struct wccp_mask *m, const struct ip4 *p)
{
	const uint32_t masks[] = { m->dport, m->sport, addr_to_v4(&m->dst),
				   addr_to_v4(&m->src) };
	unsigned number = 0, at = 0;

	for (unsigned field = 0; field < 4; field++)
		for (unsigned bit = 0; bit < 32; bit++)
			if (masks[field] >> bit & 1)
				number |= (field_of(p, field) >> bit & 1) << at++;
	return number;
}

static uint8_t hash_bucket(uint32_t flags, const struct ip4 *p)
{
	const uint32_t fields[] = { p->src, p->dst, p->sport, p->dport };
	uint8_t bucket = 0;

	for (unsigned i = 0; i < 4; i++)
		for (unsigned octet = 0; flags >> i & 1 && octet < 4; octet++)
			bucket ^= (uint8_t)(fields[i] >> 8 * octet);
	return bucket;
}

static unsigned slot_of(const struct arrival *a)
{
	const struct plan_service *s = &a->plan->services[a->service];
	const uint8_t *header = a->sample->header;
	uint32_t flags = described(a->plan, (unsigned)a->service).flags;

	if (s->by_mask)
		return value_number(&s->mask, a->p);
	if (a->header_counts)
		return header[0] & 2 ? header[2] : header[3];
	if (wccp_vector_has(&s->hot, hash_bucket(flags, a->p)))
		return hash_bucket(flags >> 8, a->p);
	return hash_bucket(flags, a->p);
}

/* 0: nobody that is another web-cache of the group. */
static uint32_t former_owner(const struct arrival *a)
{
	const struct plan_service *s = &a->plan->services[a->service];
	unsigned slot = slot_of(a);

	for (unsigned i = 0; slot < s->n_slots && i < a->plan->n_other_caches; i++)
		if (addr_equal(&s->handover[slot], &a->plan->other_caches[i]))
			return addr_to_v4(&s->handover[slot]);
	return 0;
}

/* -- sockets ----------------------------------------------------------------------- */

static bool has_flow(const struct ip4 *p)
{
	for (unsigned i = 0; i < FLOWS; i++)
		if (flows[i].client == p->src && flows[i].server == p->dst &&
		    flows[i].client_port == p->sport && flows[i].server_port == p->dport)
			return true;
	return false;
}

/* The pool that new connections to a port belong to: that of the service of highest
 * priority which has them; -1: none. */
static int pool_of_port(const struct plan *plan, uint16_t port)
{
	int pool = -1, priority = -1;

	for (unsigned i = 0; i < plan->n_services; i++) {
		struct wccp_service s = described(plan, i);
		bool has = any_protocol(&s) ||
			   (s.protocol == 6 &&
			    (!(s.flags & 0x10) ||
			     (!(s.flags & 0x20) && names_port(&s, port))));

		if (has && s.priority > priority) {
			pool = (int)plan->services[i].pool;
			priority = s.priority;
		}
	}
	return pool;
}

static bool pool_takes(const struct plan *plan, const struct ip4 *p)
{
	int pool = pool_of_port(plan, p->dport);

	return pool >= 0 && plan->pools[pool].n_listeners &&
	       plan->pools[pool].instances[0].takes && !is_near(p->dst);
}

/* Of a service of source ports the packets come from the server. */
static bool is_bypassed(const struct arrival *a)
{
	bool answers = described(a->plan, (unsigned)a->service).flags & 0x20;

	return expectation_bypasses(a->plan->bypass, answers ? a->p->dst : a->p->src,
				    answers ? a->p->src : a->p->dst);
}

/* -- the judgement ----------------------------------------------------------------- */

/* What became of first fragments. */
static struct memory {
	struct ip4 p;
	enum ingress_reason reason;
	uint32_t to;
	unsigned number;
} memory[DATAGRAMS];
static unsigned n_memory;

/* What came back: the search goes on there for each packet of the flow. */
static struct search {
	struct ip4 p;
	uint32_t to;
	unsigned number;
} searches[SEARCHES];
static unsigned n_searches;

void expectation_begin(void)
{
	n_memory = n_searches = 0;
}

static struct memory *remembered(const struct ip4 *p)
{
	for (unsigned i = 0; i < n_memory; i++)
		if (memory[i].p.src == p->src && memory[i].p.dst == p->dst &&
		    memory[i].p.id == p->id && memory[i].p.protocol == p->protocol)
			return &memory[i];
	return NULL;
}

/* How often it has been handed over already, by a web-cache that counts; and does it come
 * back from there? */
static unsigned tries(const struct arrival *a)
{
	return a->from == OTHER_CACHE ? a->sample->header[0] >> 3 & 15 : 0;
}

static bool is_back(const struct arrival *a)
{
	return a->from == OTHER_CACHE && a->sample->header[0] & 0x80;
}

static bool may_go_back(const struct arrival *a)
{
	return tries(a) && !is_back(a);
}

/* Who is asked when so many have been, and which number that is: the former owner of the
 * slot, then the others that may have the flow.  0: nobody. */
static uint32_t next_asked(const struct arrival *a, unsigned tried, unsigned *number)
{
	const struct plan_service *s = &a->plan->services[a->service];
	uint32_t former = former_owner(a);

	*number = 1;
	if (tried == 0 && former)
		return former;
	for (unsigned i = 0; i < a->plan->n_other_caches; i++) {
		*number = i + 2;
		if (i + 1 >= tried && s->asked >> i & 1 &&
		    addr_to_v4(&a->plan->other_caches[i]) != former)
			return addr_to_v4(&a->plan->other_caches[i]);
	}
	return 0;
}

static struct search *search_of(const struct ip4 *p)
{
	for (unsigned i = 0; i < n_searches; i++)
		if (searches[i].p.src == p->src && searches[i].p.dst == p->dst &&
		    searches[i].p.sport == p->sport && searches[i].p.dport == p->dport)
			return &searches[i];
	return NULL;
}

static enum ingress_reason judge_unknown(const struct arrival *a, uint32_t *to,
					 unsigned *number)
{
	struct search *s = search_of(a->p);

	if (may_go_back(a))
		return INGRESS_HANDED_BACK;
	if (is_back(a)) {
		*to = next_asked(a, tries(a), number);
		if (!s)
			s = &searches[n_searches++];
		*s = (struct search){ .p = *a->p, .to = *to, .number = *number };
	} else if (a->from != OTHER_CACHE && s && !s->to) {
		*to = 0;
	} else if (a->from != OTHER_CACHE) {
		if (s)
			*to = next_asked(a, s->number - 1, number);
		if (!s || *to != s->to)
			*to = next_asked(a, 0, number);
	}
	return *to ? INGRESS_HANDED_OVER : INGRESS_RETURNED_FLOW;
}

static enum ingress_reason judge_fragment(const struct arrival *a, uint32_t *to,
					  unsigned *number)
{
	const struct memory *m = remembered(a->p);

	if (!m)
		return INGRESS_RETURNED_FRAGMENT;
	/* No web-cache hands on what another one has handed over, nor new connections. */
	if (a->from == OTHER_CACHE &&
	    (m->reason == INGRESS_DELIVERED_NEW ||
	     (m->reason == INGRESS_HANDED_OVER && !is_back(a))))
		return INGRESS_RETURNED_FRAGMENT;
	if (m->reason == INGRESS_DELIVERED_NEW || m->reason == INGRESS_DELIVERED_FLOW)
		return INGRESS_DELIVERED_FRAGMENT;
	if (m->reason == INGRESS_HANDED_BACK && !may_go_back(a))
		return INGRESS_RETURNED_FRAGMENT;
	*to = m->to;
	*number = m->number;
	return m->reason;
}

static enum ingress_reason judge_new(const struct arrival *a)
{
	const struct plan_service *s = &a->plan->services[a->service];
	bool takes = pool_takes(a->plan, a->p);
	bool held;

	if (a->from == OTHER_CACHE)
		return INGRESS_DROPPED_STRAY;
	if (has_flow(a->p))
		return INGRESS_DELIVERED_FLOW;
	held = agreed(a->plan, a->from, a->service)->held;
	if (takes && !held && !a->plan->services[a->service].returns_new)
		return is_bypassed(a) ? INGRESS_RETURNED_BYPASS : INGRESS_DELIVERED_NEW;
	if (s->drop_when_down)
		return INGRESS_DROPPED_CLOSED;
	if (!takes)
		return INGRESS_RETURNED_POOL_DOWN;
	return held ? INGRESS_RETURNED_HELD : INGRESS_RETURNED_DRAINING;
}

static enum ingress_reason judge_tcp(const struct arrival *a, uint32_t *to,
				     unsigned *number)
{
	if ((a->p->flags & (SYN | ACK | RST | FIN)) == SYN)
		return judge_new(a);
	if (has_flow(a->p))
		return INGRESS_DELIVERED_FLOW;
	return judge_unknown(a, to, number);
}

static enum ingress_reason judge_other_protocol(const struct arrival *a)
{
	if (a->from == OTHER_CACHE)
		return INGRESS_DROPPED_STRAY;
	if (a->p->protocol != IPPROTO_UDP)
		return INGRESS_RETURNED_PROTOCOL;
	return a->plan->services[a->service].drop_udp && !a->p->offset ? INGRESS_DROPPED_UDP
								       : INGRESS_RETURNED_UDP;
}

static enum ingress_reason judge(const struct arrival *a, uint32_t *to, unsigned *number)
{
	const struct ip4 *p = a->p;
	enum ingress_reason reason;
	struct memory *m;

	if (is_back(a) && tries(a) == 15 && !p->unsound && p->src == SELF)
		return INGRESS_ANSWER;
	if (p->unsound)
		return INGRESS_DROPPED_MALFORMED;
	if (is_martian(p->src))
		return INGRESS_DROPPED_SOURCE;
	if (is_martian(p->dst) || is_link_broadcast(p->dst) || p->source_routed)
		return INGRESS_DROPPED_DESTINATION;
	if (is_link_broadcast(p->src))
		return INGRESS_DROPPED_SOURCE;
	if (is_own(p->src))
		return INGRESS_RETURNED_LOOP;
	if (is_own(p->dst))
		return INGRESS_RETURNED_OWN;
	if (a->service < 0)
		return may_go_back(a) ? INGRESS_HANDED_BACK : INGRESS_RETURNED_SERVICE;
	if (p->protocol != IPPROTO_TCP)
		return judge_other_protocol(a);
	if (p->offset)
		return judge_fragment(a, to, number);
	reason = judge_tcp(a, to, number);
	if (!p->more)
		return reason;
	m = remembered(p);
	if (!m)
		m = &memory[n_memory++];
	*m = (struct memory){ .p = *p, .reason = reason, .to = *to,
			     .number = *number };
	return reason;
}

/* What nobody gets here goes back, dropped or not, if it is of the static bypass. */
static enum ingress_reason judge_again(const struct arrival *a, enum ingress_reason reason)
{
	bool nobody = reason == INGRESS_DROPPED_CLOSED || reason == INGRESS_DROPPED_UDP ||
		      (reason >= INGRESS_RETURNED_POOL_DOWN &&
		       reason <= INGRESS_RETURNED_UDP && reason != INGRESS_RETURNED_UNANSWERED);

	return nobody && is_bypassed(a) ? INGRESS_RETURNED_BYPASS : reason;
}

/* -- sending ----------------------------------------------------------------------- */

static bool is_sent(enum ingress_reason r)
{
	return r == INGRESS_HANDED_OVER || r == INGRESS_HANDED_BACK ||
	       (r >= INGRESS_RETURNED_POOL_DOWN && r <= INGRESS_RETURNED_OWN);
}

static void send_for_other(const struct arrival *a, struct judgement *j)
{
	j->header[0] = a->sample->header[0] & 7; /* routers do not know of our bits */
	j->sending = WRAPPED_BY_ADDRESS;
	for (unsigned i = 0; i < a->plan->n_routers; i++) {
		const struct plan_router *r = &a->plan->routers[i];

		if ((int)r->service != a->service)
			continue;
		j->sending = r->ret == WCCP_METHOD_L2 ? BARE_BY_ADDRESS
						      : WRAPPED_BY_ADDRESS;
		j->to = addr_to_v4(&r->id);
		return;
	}
}

static void send_back(const struct arrival *a, struct judgement *j)
{
	bool gre = a->sample->gre && a->p == &a->sample->inner;

	j->sending = WRAPPED_TO_SENDER;
	j->to = gre ? a->sample->first.src : router_ids[a->from];
	memcpy(j->header, gre ? a->sample->header : (const uint8_t[]){ 4, 0, 0, 0 }, 4);
	if (a->service < 0 || agreed(a->plan, a->from, a->service)->ret != WCCP_METHOD_L2)
		return;
	j->sending = BARE_TO_SENDER;
	if (gre && is_mac_known(a->plan, a->from)) {
		j->sending = BARE_TO_MAC;
		memcpy(j->mac, packet_router_mac((unsigned)a->from), 6);
	}
}

static void hand_over(const struct arrival *a, struct judgement *j, uint32_t to,
		      unsigned number)
{
	struct wccp_service s = described(a->plan, (unsigned)a->service);
	const struct plan_service *p = &a->plan->services[a->service];

	j->sending = WRAPPED_BY_ADDRESS;
	j->to = to;
	j->header[0] = s.type == WCCP_SERVICE_DYNAMIC;
	j->header[1] = a->plan->services[a->service].service.id;
	j->header[3] = shows_ports(a->p) ? hash_bucket(s.flags, a->p)
					 : hash_bucket(s.flags & 3, a->p);
	if (!p->by_mask && wccp_vector_has(&p->hot, j->header[3])) {
		j->header[0] |= 2;
		j->header[2] = shows_ports(a->p) ? hash_bucket(s.flags >> 8, a->p)
						 : hash_bucket(s.flags >> 8 & 3, a->p);
	}
	if (a->p != &a->sample->first)
		memcpy(j->header, a->sample->header, 4);
	j->header[0] = (uint8_t)((j->header[0] & 7) | number << 3);
}

static void hand_back(const struct arrival *a, struct judgement *j)
{
	j->sending = WRAPPED_TO_SENDER;
	j->to = a->sample->first.src;
	memcpy(j->header, a->sample->header, 4);
	j->header[0] |= 0x80;
}

static bool is_wrapped(enum sending s)
{
	return s == WRAPPED_TO_SENDER || s == WRAPPED_BY_ADDRESS;
}

/* Every time that it is sent on it is one hop older, and so is what wraps it. */
static void check_sending(const struct arrival *a, struct judgement *j)
{
	bool was_wrapped = a->p != &a->sample->first;
	bool too_old = a->p->ttl <= 1 || (was_wrapped && is_wrapped(j->sending) &&
					  a->sample->first.ttl <= 1);

	if (j->sending == STAYS)
		return;
	if (!j->to) { /* no router has that service */
		j->reason = INGRESS_DROPPED_STRAY;
		j->sending = STAYS;
	} else if (too_old) {
		j->reason = INGRESS_DROPPED_TTL;
		j->sending = STAYS;
	} else if (!was_wrapped && is_wrapped(j->sending) && a->p->len + WRAP > MTU) {
		j->reason = INGRESS_DROPPED_TOO_LONG;
		j->sending = a->p->df ? REFUSED : STAYS;
	}
}

struct judgement expectation(const struct plan *plan, const struct sample *s)
{
	struct arrival a = { .plan = plan, .sample = s, .service = -1, .from = NOBODY };
	struct judgement j = { .service = -1 };
	unsigned number = 0;
	uint32_t to = 0;

	if (!s->to_us || s->tagged || s->first.unsound ||
	    (!came_by_gre(&a) && !came_by_l2(&a)))
		return j;
	j.ours = true;
	j.reason = judge_again(&a, judge(&a, &to, &number));
	j.service = a.service;
	j.from_cache = a.from == OTHER_CACHE;
	j.odd_header = a.odd_header;
	if (j.reason == INGRESS_HANDED_OVER)
		hand_over(&a, &j, to, number);
	else if (j.reason == INGRESS_HANDED_BACK)
		hand_back(&a, &j);
	else if (is_sent(j.reason) && j.from_cache)
		send_for_other(&a, &j);
	else if (is_sent(j.reason))
		send_back(&a, &j);
	check_sending(&a, &j);
	return j;
}
