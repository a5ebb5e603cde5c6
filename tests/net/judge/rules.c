/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must never happen, whatever the packet: the rules of doc/architecture.md about
 * packets, each as a plain question to the octets that came in and those that came out.  It shares no code with the program, nor with expectation.c,
 * which says what happens to packets of which it knows how they were made.
 *
 *   left alone  as it was
 *   delivered   only TCP, for a host elsewhere, of a service agreed with who sent it,
 *               and only a new connection that a pool takes or a flow of a socket
 *   sent on     the same packet, each of its TTLs smaller, to somebody of the group
 *   refused     a message to its sender that is no longer than it
 */
#include "judge.h"

#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <string.h>

enum { HEADER = 20, GRE_AT = HEADER, TTL_AT = 8, CHECK_AT = 10 };

/* An IPv4 packet somewhere in a frame; NULL octets: there is none. */
struct seen {
	const uint8_t *octets;
	unsigned room; /* to the end of the frame */
	unsigned header, len;
	uint32_t src, dst;
	uint16_t id, fragment; /* flags and offset */
	uint8_t ttl, protocol;
};

static uint16_t get16(const uint8_t *o)
{
	return (uint16_t)(o[0] << 8 | o[1]);
}

static uint32_t get32(const uint8_t *o)
{
	return (uint32_t)get16(o) << 16 | get16(o + 2);
}

static struct seen look(const uint8_t *octets, unsigned room)
{
	struct seen x = { .room = room };

	if (room < HEADER || octets[0] >> 4 != 4 || (octets[0] & 15) < 5)
		return x;
	x.header = (octets[0] & 15) * 4u;
	x.len = get16(octets + 2);
	if (x.len < x.header || x.len > room)
		return x;
	x.octets = octets;
	x.id = get16(octets + 4);
	x.fragment = get16(octets + 6);
	x.ttl = octets[TTL_AT];
	x.protocol = octets[9];
	x.src = get32(octets + 12);
	x.dst = get32(octets + 16);
	return x;
}

static bool is_wccp(const struct seen *x)
{
	return x->octets && x->protocol == IPPROTO_GRE && !(x->fragment & 0x3fff) &&
	       x->header == HEADER && x->len >= WRAP &&
	       get32(x->octets + GRE_AT) == 0x0000883e;
}

static struct seen look_inside(const struct seen *outer)
{
	/* Not further than the outer packet goes. */
	return look(outer->octets + WRAP, outer->len - WRAP);
}

static bool is_sound(const struct seen *x)
{
	return packet_checksum(x->octets, x->header) == 0;
}

/* -- addresses --------------------------------------------------------------------- */

struct range {
	uint32_t first, last;
};

static bool is_in(uint32_t a, const struct range *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (a >= list[i].first && a <= list[i].last)
			return true;
	return false;
}

/* The box's own, as tests/net/test_judge.py gives them, or on all of its links. */
static const struct range local[] = {
	{ ADDRESS(0, 0, 0, 0), ADDRESS(0, 255, 255, 255) },
	{ ADDRESS(127, 0, 0, 0), ADDRESS(127, 255, 255, 255) },
	{ ADDRESS(10, 2, 0, 2), ADDRESS(10, 2, 0, 2) },
	{ ADDRESS(10, 2, 0, 255), ADDRESS(10, 2, 0, 255) },
	{ ADDRESS(10, 5, 0, 9), ADDRESS(10, 5, 0, 9) },
	{ ADDRESS(10, 7, 0, 1), ADDRESS(10, 7, 0, 1) },
	{ ADDRESS(10, 7, 255, 255), ADDRESS(10, 7, 255, 255) },
	{ ADDRESS(169, 254, 0, 0), ADDRESS(169, 254, 255, 255) },
	{ ADDRESS(224, 0, 0, 0), ADDRESS(239, 255, 255, 255) },
	{ ADDRESS(255, 255, 255, 255), ADDRESS(255, 255, 255, 255) },
};

static bool is_elsewhere(uint32_t a)
{
	return !is_in(a, local, sizeof(local) / sizeof(local[0]));
}

static bool has_source_route(const struct seen *x)
{
	for (unsigned at = HEADER; at < x->header;) {
		uint8_t kind = x->octets[at];

		if (kind == 0)
			return false;
		if (kind == 131 || kind == 137)
			return true;
		if (kind != 1 && (at + 1 >= x->header || x->octets[at + 1] < 2))
			return false;
		at += kind == 1 ? 1 : x->octets[at + 1];
	}
	return false;
}

/* -- who, and what for ------------------------------------------------------------- */

/* Whose packet it is, as far as the plan says: bits of services. */
struct origin {
	bool from_router, from_cache;
	uint64_t services;
};

static struct origin by_gre(const struct plan *plan, uint32_t from)
{
	struct origin o = { 0 };

	for (unsigned i = 0; i < plan->n_routers; i++) {
		const struct plan_router *r = &plan->routers[i];

		if (addr_to_v4(&r->id) == from || addr_to_v4(&r->address) == from) {
			o.from_router = true;
			o.services |= 1ull << r->service;
		}
	}
	for (unsigned i = 0; i < plan->n_other_caches; i++)
		if (!o.from_router && addr_to_v4(&plan->other_caches[i]) == from) {
			o.from_cache = true;
			o.services = UINT64_MAX;
		}
	return o;
}

static struct origin by_l2(const struct plan *plan, const uint8_t *mac)
{
	struct origin o = { 0 };

	for (unsigned i = 0; i < plan->n_routers; i++) {
		const struct plan_router *r = &plan->routers[i];
		bool is_it = !forwards;

		for (unsigned k = 0; k < ROUTERS; k++)
			is_it |= addr_to_v4(&r->id) == router_ids[k] &&
				 memcmp(mac, packet_router_mac(k), 6) == 0;
		if (r->forward == WCCP_METHOD_L2 && is_it) {
			o.from_router = true;
			o.services |= 1ull << r->service;
		}
	}
	return o;
}

static bool lists_port(const struct wccp_service *s, unsigned port)
{
	for (unsigned i = 0; i < WCCP_MAX_PORTS && s->ports[i]; i++)
		if (s->ports[i] == port)
			return true;
	return false;
}

/* Is TCP of these ports the service's? */
static bool covers(const struct wccp_service *s, unsigned sport, unsigned dport)
{
	if (s->type == WCCP_SERVICE_STANDARD)
		return dport == 80;
	if (s->protocol != IPPROTO_TCP)
		return s->protocol == 0 && !(s->flags & WCCP_F_ONLY_PROTOCOL_0);
	if (!(s->flags & WCCP_F_PORTS_DEFINED))
		return true;
	return lists_port(s, s->flags & WCCP_F_PORTS_SOURCE ? sport : dport);
}

static bool is_agreed(const struct plan *plan, const struct origin *o, unsigned sport,
		      unsigned dport)
{
	for (unsigned i = 0; i < plan->n_services; i++)
		if (o->services >> i & 1 &&
		    covers(&plan->services[i].service, sport, dport))
			return true;
	return false;
}

static bool somebody_listens(const struct plan *plan, unsigned sport, unsigned dport)
{
	for (unsigned i = 0; i < plan->n_services; i++) {
		const struct plan_pool *p = &plan->pools[plan->services[i].pool];

		if (covers(&plan->services[i].service, sport, dport) && p->n_listeners &&
		    p->instances[0].takes)
			return true;
	}
	return false;
}

static bool a_socket_has(const struct seen *x, unsigned sport, unsigned dport)
{
	for (unsigned i = 0; i < FLOWS; i++)
		if (flows[i].client == x->src && flows[i].server == x->dst &&
		    flows[i].client_port == sport && flows[i].server_port == dport)
			return true;
	return false;
}

/* -- delivered --------------------------------------------------------------------- */

/* First fragments that were delivered, of each datagram the last. */
static struct first {
	uint32_t src, dst;
	uint16_t id;
	bool opens; /* a new connection */
} firsts[4096];
static unsigned n_firsts;

void rules_begin(void)
{
	n_firsts = 0;
}

static struct first *first_of(const struct seen *x)
{
	for (unsigned i = 0; i < n_firsts; i++)
		if (firsts[i].src == x->src && firsts[i].dst == x->dst &&
		    firsts[i].id == x->id)
			return &firsts[i];
	return NULL;
}

static int note_first(const struct seen *x, bool opens, struct err *err)
{
	struct first *f = first_of(x);

	if (!f && n_firsts == sizeof(firsts) / sizeof(firsts[0]))
		return err_set(err, "too many datagrams for this test");
	if (!f)
		f = &firsts[n_firsts++];
	*f = (struct first){ x->src, x->dst, x->id, opens };
	return 0;
}

static int check_later_fragment(const struct seen *x, const struct origin *o,
				struct err *err)
{
	const struct first *f = first_of(x);

	if (!f)
		return err_set(err, "a fragment of what was not delivered");
	if (!o->from_router && f->opens)
		return err_set(err, "a new connection that another web-cache sends on");
	return 0;
}

/* Whole, or the first fragment. */
static int check_segment(const struct plan *plan, const struct seen *x,
			 const struct origin *o, struct err *err)
{
	const uint8_t *tcp = x->octets + x->header;
	unsigned sport, dport;
	bool opens, known;

	if (x->len < x->header + 20)
		return err_set(err, "not a whole TCP header");
	sport = get16(tcp);
	dport = get16(tcp + 2);
	opens = (tcp[13] & 0x17) == 0x02; /* SYN, but not ACK, RST, FIN */
	known = a_socket_has(x, sport, dport);
	if (!is_agreed(plan, o, sport, dport))
		return err_set(err, "no service that was agreed with its sender");
	if (opens && !o->from_router)
		return err_set(err, "a new connection of another web-cache");
	if (!known && (!opens || !somebody_listens(plan, sport, dport)))
		return err_set(err, "nobody here has it");
	return x->fragment & 0x3fff ? note_first(x, opens && !known, err) : 0;
}

static int check_packet(const struct plan *plan, const struct seen *x,
			const struct origin *o, struct err *err)
{
	if (!x->octets)
		return err_set(err, "no IPv4 packet");
	if (!is_elsewhere(x->dst) || !is_elsewhere(x->src))
		return err_set(err, "not between hosts elsewhere");
	if (has_source_route(x))
		return err_set(err, "not the last host on its route");
	if (x->protocol != IPPROTO_TCP)
		return err_set(err, "not TCP");
	if (!o->from_router && !o->from_cache)
		return err_set(err, "of nobody in the group");
	return x->fragment & 0x1fff ? check_later_fragment(x, o, err)
				    : check_segment(plan, x, o, err);
}

static int check_delivered(const struct plan *plan, const struct result *sent,
			   const struct result *got, struct err *err)
{
	struct seen first = look(sent->frame + ETHERNET, sent->len - ETHERNET);
	bool wrapped = first.octets && first.dst == SELF;
	unsigned at = ETHERNET + (wrapped ? WRAP : 0);
	struct origin o = { 0 };
	struct seen x = first;

	if (wrapped) {
		if (!is_wccp(&first))
			return err_set(err, "delivered to ourselves");
		o = by_gre(plan, first.src);
		x = look_inside(&first);
	} else {
		o = by_l2(plan, sent->frame + 6);
	}
	if (got->mark != ((sent->mark & ~plan->mark_mask) | plan->mark))
		return err_set(err, "delivered with mark 0x%x", got->mark);
	if (got->len != sent->len - (at - ETHERNET) ||
	    memcmp(got->frame + ETHERNET, sent->frame + at, sent->len - at) != 0)
		return err_set(err, "delivered, and changed");
	return check_packet(plan, &x, &o, err) < 0 ? err_prefix(err, "delivered") : 0;
}

/* -- sent on ----------------------------------------------------------------------- */

/* Fragments follow the first one, even if that one's web-cache has left since. */
static bool is_in_group(const struct plan *plan, uint32_t a, bool of_later_fragment)
{
	struct origin o = by_gre(plan, a);

	for (unsigned i = 0; i < OTHERS && of_later_fragment; i++)
		o.from_cache |= others[i] == a;
	return o.from_router || o.from_cache;
}

/* The same, but for the TTL and what follows from it. */
static bool is_same(const struct seen *a, const struct seen *b)
{
	return a->len == b->len && memcmp(a->octets, b->octets, TTL_AT) == 0 &&
	       a->protocol == b->protocol &&
	       memcmp(a->octets + CHECK_AT + 2, b->octets + CHECK_AT + 2,
		      a->len - CHECK_AT - 2) == 0 &&
	       is_sound(a) == is_sound(b);
}

static int check_refusal(const struct seen *x, const struct seen *was, struct err *err)
{
	if (x->len > was->len || was->len <= MTU - WRAP)
		return err_set(err, "%u octets are answered by %u", was->len, x->len);
	if (x->src != SELF || x->dst != was->src || !is_sound(x) ||
	    x->len < x->header + 8 || get16(x->octets + x->header) != 0x0304 ||
	    packet_checksum(x->octets + x->header, x->len - x->header) != 0)
		return err_set(err, "an answer that is none");
	return 0;
}

/* What wraps `inner`: `was` is what wrapped it before, or itself. */
static int check_outer(const struct plan *plan, const struct seen *x,
		       const struct seen *was, const struct seen *inner, struct err *err)
{
	bool is_later = inner->octets && inner->fragment & 0x1fff;

	if (x->ttl >= was->ttl || x->ttl > 64 || x->ttl == 0)
		return err_set(err, "an outer TTL of %u, after %u", x->ttl, was->ttl);
	if (x->src != SELF || !is_in_group(plan, x->dst, is_later) || !is_sound(x))
		return err_set(err, "not from us to one of the group");
	return 0;
}

static int check_inner(const struct seen *x, const struct seen *was, struct err *err)
{
	if (!x->octets || !was->octets)
		return err_set(err, "no IPv4 packet");
	if (x->ttl >= was->ttl || x->ttl == 0)
		return err_set(err, "a TTL of %u, after %u", x->ttl, was->ttl);
	if (!is_same(x, was))
		return err_set(err, "and changed");
	return 0;
}

static int check_sent(const struct plan *plan, const struct result *sent,
		      const struct result *got, struct err *err)
{
	struct seen first = look(sent->frame + ETHERNET, sent->len - ETHERNET);
	struct seen out = look(got->frame + ETHERNET, got->len - ETHERNET);
	bool was_wrapped = is_wccp(&first) && first.dst == SELF;
	bool is_wrapped = is_wccp(&out) && out.src == SELF &&
			  got->len == sent->len + (was_wrapped ? 0 : WRAP);
	struct origin o = was_wrapped ? by_gre(plan, first.src)
				      : by_l2(plan, sent->frame + 6);
	struct seen was = was_wrapped ? look_inside(&first) : first;
	struct seen x = is_wrapped ? look_inside(&out) : out;

	if (!first.octets || !out.octets || (!o.from_router && !o.from_cache))
		return err_set(err, "of nobody in the group");
	if (!is_wrapped && !was_wrapped && out.protocol == IPPROTO_ICMP &&
	    out.src == SELF && out.dst == first.src)
		return check_refusal(&out, &first, err);
	if (got->len > sent->len + (is_wrapped && !was_wrapped ? WRAP : 0))
		return err_set(err, "%u octets, of %u", got->len, sent->len);
	if (is_wrapped && check_outer(plan, &out, &first, &x, err) < 0)
		return -1;
	return check_inner(&x, &was, err);
}

/* -- all --------------------------------------------------------------------------- */

static bool is_untouched(const struct result *sent, const struct result *got)
{
	return got->len == sent->len && got->mark == sent->mark &&
	       memcmp(got->frame, sent->frame, sent->len) == 0;
}

int rules_check(const struct plan *plan, const struct sample *s, const struct result *sent,
		const struct result *got, struct err *err)
{
	if (got->action == TC_ACT_SHOT)
		return 0;
	if (got->action == TC_ACT_UNSPEC)
		return is_untouched(sent, got) ? 0 : err_set(err, "not left alone");
	if (!s->to_us || get16(sent->frame + 12) != 0x0800)
		return err_set(err, "a frame that is not for us");
	if (got->action == TC_ACT_OK)
		return check_delivered(plan, sent, got, err);
	if (got->action != TC_ACT_REDIRECT)
		return err_set(err, "action %d", got->action);
	return check_sent(plan, sent, got, err) < 0 ? err_prefix(err, "sent on") : 0;
}
