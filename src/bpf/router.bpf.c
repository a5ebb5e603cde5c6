// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The packet path of wccprouter: TC ingress, direct action.
 *
 * On redirect-in interfaces the packets of a service go to the web-cache that has
 * their bucket, wrapped in GRE or as they are (L2).  On caches-in interfaces what
 * web-caches return in GRE is unwrapped and left to the stack.  What this program
 * has no business with it leaves to other filters and to the stack.
 *
 * Userspace replaces the whole table of services at once by putting a new inner
 * map into `tables`; a packet works with the one it found (RCU), never with half
 * of each.  Helpers used are those of Linux 5.10.
 */
#include "router_maps.h"

#include <linux/if_packet.h>
#include <linux/pkt_cls.h>
#include <stddef.h>

enum { PASS = TC_ACT_UNSPEC, DROP = TC_ACT_SHOT };

const volatile __be32 router_id = 0;

/* Sizes, not types: of an inner map's value clang keeps no more than the name. */
struct table {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROUTER_MAX_SERVICES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct router_entry));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct table);
} tables SEC(".maps");

/* A value of a mask -> index of the web-cache in targets.  Those of a new table
 * are put in before it, those of the old one removed behind it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, ROUTER_MAX_LOOKUPS);
	__type(key, struct router_lookup);
	__type(value, __u8);
} lookups SEC(".maps");

/* ifindex -> ROUTER_IF_* */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ROUTER_MAX_INTERFACES);
	__type(key, __u32);
	__type(value, __u32);
} interfaces SEC(".maps");

/* Address of a member -> bit for each service it is a member of. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ROUTER_MAX_MEMBERS);
	__type(key, __be32);
	__type(value, __u64);
} members SEC(".maps");

/* Link-layer addresses of the members that are on-link. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ROUTER_MAX_MEMBERS);
	__type(key, struct router_mac);
	__type(value, __u8);
} member_macs SEC(".maps");

/* Addresses of this host. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ROUTER_MAX_OWN);
	__type(key, __be32);
	__type(value, __u8);
} own SEC(".maps");

/* Service type << 8 | id -> number + 1, or 0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 512);
	__type(key, __u32);
	__type(value, __u32);
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ROUTER_MAX_SERVICES + 1);
	__type(key, __u32);
	__type(value, struct router_tally);
} tallies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ROUTER_EVENT_OCTETS);
} events SEC(".maps");

#define COUNT(number, field)                                                           \
	do {                                                                           \
		__u32 count_key = (number);                                            \
		struct router_tally *count_at;                                         \
                                                                                       \
		count_at = bpf_map_lookup_elem(&tallies, &count_key);                  \
		if (count_at)                                                          \
			count_at->all.field++;                                         \
	} while (0)

static __always_inline void count_redirected(const struct router_entry *s,
					     const struct router_target *t,
					     const struct packet_redirect *header,
					     __u32 octets)
{
	__u32 number = s->number;
	struct router_tally *tally = bpf_map_lookup_elem(&tallies, &number);
	struct router_cache_packets *cache;

	if (!tally)
		return;
	tally->all.redirected++;
	tally->all.redirected_octets += octets;
	cache = &tally->caches[t->slot & (WCCP_MAX_CACHES - 1)];
	cache->redirected++;
	cache->redirected_octets += octets;
	if (!s->by_mask)
		tally->buckets[header->bits & WCCP_RH_ALT ? header->alternate
							  : header->primary]++;
}

static __always_inline bool from_member_mac(struct __sk_buff *skb)
{
	struct router_mac mac = {};

	if (bpf_skb_load_bytes(skb, offsetof(struct ethhdr, h_source), mac.octets,
			       sizeof(mac.octets)))
		return false;
	return bpf_map_lookup_elem(&member_macs, &mac);
}

/* ---- returned packets ---- */

static __always_inline __u32 number_of(const struct packet_redirect *r)
{
	__u32 key = (r->bits & WCCP_RH_DYNAMIC ? 1u << 8 : 0) | r->service;
	__u32 *number = bpf_map_lookup_elem(&numbers, &key);

	if (r->bits & WCCP_RH_UNAVAILABLE || !number || !*number)
		return ROUTER_MAX_SERVICES;
	return *number - 1;
}

/* A GRE packet by which a member returns one to us (2.0 section 4.13)? */
static __always_inline bool is_returned(struct __sk_buff *skb, const struct packet *p,
					struct packet_redirect *redirect)
{
	return p->protocol == IPPROTO_GRE && bpf_map_lookup_elem(&members, &p->src) &&
	       bpf_map_lookup_elem(&own, &p->dst) &&
	       packet_redirect(skb, p, redirect) == 0;
}

/* Remove everything in front of the inner IPv4 header; the stack forwards it. */
static __always_inline int unwrap(struct __sk_buff *skb, const struct packet *outer,
				  const struct packet_redirect *redirect)
{
	__u32 l3 = outer->l4 + sizeof(struct packet_gre_redirect);
	__u32 number = number_of(redirect);
	__s32 wrapping = l3 - outer->l3;
	struct packet inner;

	if (packet_parse(skb, l3, &inner) || inner.len + wrapping > outer->len ||
	    bpf_skb_adjust_room(skb, -wrapping, BPF_ADJ_ROOM_MAC, 0)) {
		COUNT(number, dropped);
		return DROP;
	}
	COUNT(number, returned);
	return PASS;
}

/* ---- redirection ---- */

/* Octets of the largest IPv4 packet that will leave for this one, were it not
 * wrapped: of a packet that segmentation offload still has to cut, a segment. */
static __always_inline __u32 segment_len(struct __sk_buff *skb, const struct packet *p)
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

/*
 * The packet does not fit the way to the web-cache.  eBPF cannot fragment, and
 * nearly all TCP wants path MTU discovery, so userspace is asked to answer.
 */
static __always_inline int too_big(struct __sk_buff *skb, const struct packet *p,
				   __u32 number, __u32 mtu)
{
	struct router_too_big *event;

	COUNT(number, too_big);
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return DROP;
	event->mtu = mtu;
	if (bpf_skb_load_bytes(skb, p->l3, event->quote, sizeof(event->quote)))
		bpf_ringbuf_discard(event, 0);
	else
		bpf_ringbuf_submit(event, 0);
	return DROP;
}

/* Redirected packets have passed a router (the caller has looked at the TTL). */
static __always_inline int decrement_ttl(struct __sk_buff *skb, const struct packet *p)
{
	__be16 from = bpf_htons(p->ttl << 8 | p->protocol);
	__be16 to = bpf_htons((p->ttl - 1) << 8 | p->protocol);

	if (bpf_l3_csum_replace(skb, p->l3 + offsetof(struct iphdr, check), from, to,
				sizeof(to)))
		return -1;
	return bpf_skb_store_bytes(skb, p->l3 + offsetof(struct iphdr, ttl), &to,
				   sizeof(to), 0);
}

static __always_inline __sum16 ip_checksum(struct iphdr *ip)
{
	__s64 sum = bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0);

	sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

struct wrapping {
	struct iphdr ip;
	struct packet_gre_redirect gre;
};
_Static_assert(sizeof(struct wrapping) == ROUTER_GRE_OVERHEAD, "no padding");

/* Put the outer IPv4 header, GRE and the redirect header in front. */
static __always_inline int wrap(struct __sk_buff *skb, const struct packet *p,
				const struct packet_redirect *redirect, __be32 cache)
{
	/* An unfinished TCP segment may be cut smaller, so that it still fits; of
	 * datagrams the size must stay. */
	__u64 fixed = p->protocol == IPPROTO_TCP ? 0 : BPF_F_ADJ_ROOM_FIXED_GSO;
	struct wrapping w = {
		.ip = {
			.version = 4,
			.ihl = 5,
			.tos = p->tos,
			.tot_len = bpf_htons(p->len + sizeof(w)),
			/* Some routers and hosts take a constant identification
			 * for duplicates. */
			.id = bpf_htons((bpf_get_prandom_u32() & 0xfffe) + 1),
			.ttl = 64,
			.protocol = IPPROTO_GRE,
			.saddr = router_id,
			.daddr = cache,
		},
		.gre = {
			.gre.protocol = bpf_htons(WCCP_GRE_PROTO),
			.redirect = *redirect,
		},
	};

	w.ip.check = ip_checksum(&w.ip);
	if (bpf_skb_adjust_room(skb, sizeof(w), BPF_ADJ_ROOM_MAC,
				BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 |
					BPF_F_ADJ_ROOM_ENCAP_L4_GRE | fixed))
		return -1;
	return bpf_skb_store_bytes(skb, p->l3, &w, sizeof(w), 0);
}

static __always_inline int send_to(struct __sk_buff *skb, const struct packet *p,
				   const struct router_entry *s,
				   const struct router_target *t,
				   const struct packet_redirect *redirect)
{
	struct bpf_redir_neigh hop = { .nh_family = 2 /* AF_INET */,
				       .ipv4_nh = t->nexthop };
	bool gre = t->method == WCCP_METHOD_GRE;
	__u32 room = t->mtu - (gre ? ROUTER_GRE_OVERHEAD : 0);
	__u32 ifindex = t->ifindex, number = s->number;

	/* wrap() has the stack cut unfinished TCP segments small enough. */
	if (segment_len(skb, p) >
	    (gre && skb->gso_size && p->protocol == IPPROTO_TCP ? t->mtu : room))
		return too_big(skb, p, number, room);
	if (decrement_ttl(skb, p) || (gre && wrap(skb, p, redirect, t->cache))) {
		COUNT(number, dropped);
		return DROP;
	}
	count_redirected(s, t, redirect, p->len);
	return bpf_redirect_neigh(ifindex, &hop, sizeof(hop), 0);
}

/* Nobody takes it: 2.0 section 4.11.1 lets it go its way, a closed service not. */
static __always_inline int unassigned(const struct router_entry *s)
{
	COUNT(s->number, unassigned);
	if (!s->closed)
		return PASS;
	COUNT(s->number, dropped);
	return DROP;
}

/* Who has the packet's bucket (2.0 section 4.11.1)? */
static __always_inline __u8 owner_by_bucket(const struct packet *p,
					    const struct router_entry *s,
					    struct packet_redirect *header)
{
	__u8 owner;

	header->primary = packet_bucket(p, s->match.flags);
	owner = s->buckets[header->primary];
	if (owner == WCCP_BUCKET_NONE || !(owner & WCCP_BUCKET_ALT))
		return owner;
	header->bits |= WCCP_RH_ALT;
	header->alternate = packet_alt_bucket(p, s->match.flags);
	return s->buckets[header->alternate];
}

/* Who has the first value that fits (2.0 section 4.11.2)?  Of a mask's values at
 * most one fits, so that each mask is one look-up. */
static __always_inline __u8 owner_by_mask(const struct packet *p,
					  const struct router_entry *s)
{
	struct router_lookup key = { .generation = s->generation, .number = s->number };
	__u32 i;

	for (i = 0; i < ROUTER_MAX_MASKS; i++) {
		const struct router_fields *mask = &s->masks[i];
		const __u8 *owner;

		if (i >= s->n_masks)
			break;
		key.mask = i;
		key.fields.src = p->src & mask->src;
		key.fields.dst = p->dst & mask->dst;
		key.fields.sport = p->sport & mask->sport;
		key.fields.dport = p->dport & mask->dport;
		owner = bpf_map_lookup_elem(&lookups, &key);
		if (owner)
			return *owner;
	}
	return WCCP_BUCKET_NONE;
}

/* The packet fits service `s`. */
static __always_inline int redirect(struct __sk_buff *skb, const struct packet *p,
				    const struct router_entry *s)
{
	struct packet_redirect header = {
		.bits = s->match.type == WCCP_SERVICE_DYNAMIC ? WCCP_RH_DYNAMIC : 0,
		.service = s->match.id,
	};
	__u8 owner = s->by_mask ? owner_by_mask(p, s) : owner_by_bucket(p, s, &header);
	const struct router_target *t;

	if (owner == WCCP_BUCKET_NONE)
		return unassigned(s);
	t = &s->targets[owner & (WCCP_MAX_CACHES - 1)];
	if (!t->ifindex)
		return unassigned(s);
	if (p->ttl <= 1)
		return PASS; /* the stack tells its sender */
	return send_to(skb, p, s, t, &header);
}

/* For us, for everybody, or redirected by another router already? */
static __always_inline bool not_passing(struct __sk_buff *skb, const struct packet *p)
{
	struct packet_redirect ignored;
	__u32 to = bpf_ntohl(p->dst);

	return to >= 0xe0000000 || bpf_map_lookup_elem(&own, &p->dst) ||
	       packet_redirect(skb, p, &ignored) == 0;
}

/* Services in priority order; the first that fits decides. */
static __always_inline struct router_entry *find_service(const struct packet *p)
{
	__u64 *in = bpf_map_lookup_elem(&members, &p->src);
	__u32 zero = 0, i;
	void *table = bpf_map_lookup_elem(&tables, &zero);

	if (!table)
		return NULL;
	for (i = 0; i < ROUTER_MAX_SERVICES; i++) {
		__u32 key = i;
		struct router_entry *s = bpf_map_lookup_elem(table, &key);

		if (!s || !s->used)
			break;
		if (!packet_matches(p, &s->match))
			continue;
		/* Never what a member of the group sends (2.0 section 4.10). */
		if (in && *in >> (s->number & 63) & 1) {
			COUNT(s->number, bypassed);
			continue;
		}
		return s;
	}
	return NULL;
}

SEC("tc")
int router_ingress(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex;
	__u32 *roles = bpf_map_lookup_elem(&interfaces, &ifindex);
	struct router_entry *service;
	struct packet_redirect header;
	struct packet p;

	/* A tagged frame belongs to the VLAN's own interface. */
	if (!roles || skb->protocol != bpf_htons(ETH_P_IP) || skb->vlan_present ||
	    skb->pkt_type != PACKET_HOST)
		return PASS;
	if (packet_parse(skb, ETH_HLEN, &p))
		return PASS;
	if (*roles & ROUTER_IF_CACHES && is_returned(skb, &p, &header))
		return unwrap(skb, &p, &header);
	if (!(*roles & ROUTER_IF_REDIRECT) || not_passing(skb, &p))
		return PASS;
	/* L2 return: such frames carry no sign but the sender's address. */
	if (*roles & ROUTER_IF_CACHES && from_member_mac(skb)) {
		COUNT(ROUTER_MAX_SERVICES, bypassed);
		return PASS;
	}
	service = find_service(&p);
	return service ? redirect(skb, &p, service) : PASS;
}

char _license[] SEC("license") = "GPL";
