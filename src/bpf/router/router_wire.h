/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of router.bpf.c: wrapping packets in GRE, unwrapping and sending them.
 */
#ifndef WCCPD_BPF_ROUTER_WIRE_H
#define WCCPD_BPF_ROUTER_WIRE_H

#include "bpf/router/router_state.h"

enum { FAMILY_V4 = 2, FAMILY_V6 = 10 }; /* AF_INET, AF_INET6 */
enum { OUTER_TTL = 64 };

/* Sources of what is wrapped. */
const volatile __be32 router_id = 0;
const volatile struct packet_addr router_id6 = {};
/* Are there redirect-out interfaces? */
const volatile bool redirects_out = false;

/* In tc_index of a packet on its way to a web-cache by a redirect-out interface. */
enum { FWD_REDIRECTED = 0x5743 };

struct wrapping {
	struct iphdr ip;
	struct packet_gre_redirect gre;
};
_Static_assert(sizeof(struct wrapping) == ROUTER_GRE_OVERHEAD, "no padding");

struct wrapping6 {
	struct ipv6hdr ip;
	struct packet_gre_redirect gre;
};
_Static_assert(sizeof(struct wrapping6) == ROUTER_GRE_OVERHEAD6, "no padding");

/* -- size -------------------------------------------------------------------------- */

/* Octets of the largest packet that will leave for this one, were it not
 * wrapped: of a packet that segmentation offload still has to cut, a segment. */
static __always_inline __u32 fwd_segment_len(struct __sk_buff *skb,
					     const struct packet *p)
{
	__u32 header = p->l4 - p->l3 + 8;
	__u8 offset;

	if (!skb->gso_size)
		return p->len;
	if (p->protocol == IPPROTO_TCP &&
	    bpf_skb_load_bytes(skb, p->l4 + 12, &offset, 1) == 0)
		header += (offset >> 4) * 4 - 8;
	return header + skb->gso_size;
}

/* The beginning of the packet, for whoever answers. */
static __always_inline int fwd_quote(struct __sk_buff *skb, const struct fwd_job *job,
				     void *to)
{
	if (job->v6)
		return bpf_skb_load_bytes(skb, job->p.l3, to, ROUTER_QUOTE6_LEN);
	return bpf_skb_load_bytes(skb, job->p.l3, to, ROUTER_QUOTE_LEN);
}

/*
 * The packet does not fit the way to the web-cache.  eBPF cannot fragment, nearly
 * all TCP wants path MTU discovery, and in IPv6 routers do not fragment: userspace
 * is asked to answer.
 */
static __always_inline int fwd_too_big(struct __sk_buff *skb, const struct fwd_job *job,
				       __u32 number, __u32 mtu)
{
	struct router_too_big *event;

	FWD_COUNT(number, too_big);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return DROP;
	event->mtu = mtu;
	event->v6 = job->v6;
	if (fwd_quote(skb, job, event->quote))
		bpf_ringbuf_discard(event, 0);
	else
		bpf_ringbuf_submit(event, 0);
	return DROP;
}

/* -- headers ----------------------------------------------------------------------- */

/* Redirected packets have passed a router (the caller has looked at the TTL).  Those
 * that the stack was about to send have it behind them. */
static __always_inline int fwd_decrement_ttl(struct __sk_buff *skb,
					     const struct fwd_job *job)
{
	const struct packet *p = &job->p;
	__be16 from = bpf_htons(p->ttl << 8 | p->protocol);
	__be16 to = bpf_htons((p->ttl - 1) << 8 | p->protocol);
	__u8 hops = p->ttl - 1;

	if (job->leaving)
		return 0;
	if (job->v6)
		return bpf_skb_store_bytes(skb,
					   p->l3 + offsetof(struct ipv6hdr, hop_limit),
					   &hops, sizeof(hops), BPF_F_RECOMPUTE_CSUM);
	if (bpf_l3_csum_replace(skb, p->l3 + offsetof(struct iphdr, check), from, to,
				sizeof(to)))
		return -1;
	return bpf_skb_store_bytes(skb, p->l3 + offsetof(struct iphdr, ttl), &to,
				   sizeof(to), 0);
}

static __always_inline __sum16 fwd_ip_checksum(struct iphdr *ip)
{
	__s64 sum = bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0);

	sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline struct packet_gre_redirect
fwd_gre_header(const struct packet_redirect *redirect)
{
	return (struct packet_gre_redirect){
		.gre.protocol = bpf_htons(WCCP_GRE_PROTO),
		.redirect = *redirect,
	};
}

/* An unfinished TCP segment may be cut smaller, so that it still fits; of datagrams
 * the size must stay. */
static __always_inline __u64 fwd_room_flags(const struct packet *p)
{
	return BPF_F_ADJ_ROOM_ENCAP_L4_GRE |
	       (p->protocol == IPPROTO_TCP ? 0 : BPF_F_ADJ_ROOM_FIXED_GSO);
}

/* Put an outer IPv4 header, GRE and the redirect header in front. */
static __always_inline int fwd_wrap4(struct __sk_buff *skb, const struct packet *p,
				     const struct packet_redirect *redirect,
				     __be32 cache)
{
	struct wrapping w = {
		.ip = {
			.version = 4,
			.ihl = 5,
			.tos = p->tos,
			.tot_len = bpf_htons(p->len + sizeof(w)),
			/* Some routers and hosts take a constant identification
			 * for duplicates. */
			.id = bpf_htons((bpf_get_prandom_u32() & 0xfffe) + 1),
			.ttl = OUTER_TTL,
			.protocol = IPPROTO_GRE,
			.saddr = router_id,
			.daddr = cache,
		},
		.gre = fwd_gre_header(redirect),
	};

	w.ip.check = fwd_ip_checksum(&w.ip);
	if (bpf_skb_adjust_room(skb, sizeof(w), BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | fwd_room_flags(p)))
		return -1;
	return bpf_skb_store_bytes(skb, p->l3, &w, sizeof(w), BPF_F_RECOMPUTE_CSUM);
}

/* The same with an outer IPv6 header. */
static __always_inline int fwd_wrap6(struct __sk_buff *skb, const struct packet *p,
				     const struct packet_redirect *redirect,
				     const struct packet_addr *cache)
{
	struct wrapping6 w = {
		.ip = {
			.version = 6,
			.priority = p->tos >> 4,
			.flow_lbl = { p->tos << 4 },
			.payload_len = bpf_htons(p->len + sizeof(w.gre)),
			.nexthdr = IPPROTO_GRE,
			.hop_limit = OUTER_TTL,
		},
		.gre = fwd_gre_header(redirect),
	};

	for (int i = 0; i < 4; i++)
		w.ip.saddr.in6_u.u6_addr32[i] = router_id6.words[i];
	__builtin_memcpy(&w.ip.daddr, cache, sizeof(w.ip.daddr));
	if (bpf_skb_adjust_room(skb, sizeof(w), BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | fwd_room_flags(p)))
		return -1;
	return bpf_skb_store_bytes(skb, p->l3, &w, sizeof(w), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int fwd_wrap(struct __sk_buff *skb, const struct fwd_job *job,
				    const struct packet_redirect *redirect,
				    const struct packet_addr *cache)
{
	if (job->v6)
		return fwd_wrap6(skb, &job->p, redirect, cache);
	return fwd_wrap4(skb, &job->p, redirect, cache->words[3]);
}

/* The packet that a member returned in GRE (2.0 section 4.13).  It is of the family of
 * the header around it. */
static __always_inline int fwd_parse_inner(struct __sk_buff *skb,
					   const struct fwd_job *outer,
					   struct fwd_job *inner)
{
	__u32 l3 = outer->p.l4 + sizeof(struct packet_gre_redirect);

	inner->v6 = outer->v6;
	if (fwd_parse(skb, l3, inner))
		return -1;
	return inner->p.len + (l3 - outer->p.l3) > outer->p.len ? -1 : 0;
}

/* Remove everything in front of it; the stack forwards it. */
static __always_inline int fwd_unwrap(struct __sk_buff *skb,
				      const struct fwd_job *outer)
{
	__s32 wrapping = outer->p.l4 + sizeof(struct packet_gre_redirect) - outer->p.l3;

	return bpf_skb_adjust_room(skb, -wrapping, BPF_ADJ_ROOM_MAC, 0);
}

/* -- sending ----------------------------------------------------------------------- */

static __always_inline int fwd_send_to_neighbour(const struct fwd_job *job,
						 const struct router_target *t)
{
	struct bpf_redir_neigh hop = { .nh_family = job->v6 ? FAMILY_V6 : FAMILY_V4 };

	if (job->v6)
		__builtin_memcpy(hop.ipv6_nh, &t->nexthop, sizeof(hop.ipv6_nh));
	else
		hop.ipv4_nh = t->nexthop.words[3];
	return bpf_redirect_neigh(t->ifindex, &hop, sizeof(hop), 0);
}

/* Where the web-cache is behind a redirect-out interface the packet meets our filter
 * again, which must not redirect it once more.  That filter takes the sign away. */
static __always_inline void fwd_sign(struct __sk_buff *skb,
				     const struct router_target *t)
{
	const struct router_interface *towards;

	if (!redirects_out)
		return;
	towards = fwd_interface(t->ifindex);
	if (towards && towards->roles & ROUTER_IF_OUT)
		skb->tc_index = FWD_REDIRECTED;
}

static __always_inline bool fwd_take_sign(struct __sk_buff *skb)
{
	bool there = skb->tc_index == FWD_REDIRECTED;

	if (there)
		skb->tc_index = 0;
	return there;
}

/* To the web-cache of `t`, for service `s`. */
static __always_inline int fwd_send_to_cache(struct __sk_buff *skb,
					     const struct fwd_job *job,
					     const struct router_entry *s,
					     const struct router_target *t,
					     const struct packet_redirect *redirect)
{
	const struct packet *p = &job->p;
	__u32 overhead = job->v6 ? ROUTER_GRE_OVERHEAD6 : ROUTER_GRE_OVERHEAD;
	bool gre = t->method == WCCP_METHOD_GRE;
	__u32 room = t->mtu - (gre ? overhead : 0);

	/* fwd_wrap() has the stack cut unfinished TCP segments small enough. */
	if (fwd_segment_len(skb, p) >
	    (gre && skb->gso_size && p->protocol == IPPROTO_TCP ? t->mtu : room))
		return fwd_too_big(skb, job, s->number, room);
	if (fwd_decrement_ttl(skb, job) ||
	    (gre && fwd_wrap(skb, job, redirect, &t->cache))) {
		FWD_COUNT(s->number, dropped);
		return DROP;
	}
	fwd_count_redirected(s, t, redirect, p->len);
	fwd_sign(skb, t);
	return fwd_send_to_neighbour(job, t);
}

#endif
