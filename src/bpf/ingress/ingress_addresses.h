/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Part of ingress.bpf.c: where an address is, and which ones no packet can have. */
#ifndef WCCPD_BPF_INGRESS_ADDRESSES_H
#define WCCPD_BPF_INGRESS_ADDRESSES_H

#include "bpf/ingress/ingress_wire.h"
#include "bpf/steer_shared.h"

static __always_inline const __u8 *ingress_find_prefix(ingress_addr addr)
{
#ifdef INGRESS_V6
	struct steer_prefix6 key = { .bits = 128 };

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	return bpf_map_lookup_elem(&own_prefixes6, &key);
#else
	struct steer_prefix key = { .bits = 32, .addr = addr };

	return bpf_map_lookup_elem(&own_prefixes, &key);
#endif
}

/* For what comes in by an interface. */
static __always_inline enum ingress_place ingress_place(const struct ingress_job *job,
							ingress_addr addr)
{
	const struct ingress_config *cfg = job->cfg;
	const __u8 *place;

	/* One bit shows that most addresses are not near any of ours. */
	if (!ingress_near_own(cfg, ingress_addr_near(addr)))
		return INGRESS_OUTSIDE;
	place = ingress_find_prefix(addr);
	if (!place)
		return INGRESS_OUTSIDE;
	if (*place < INGRESS_BEHIND_LINK)
		return (enum ingress_place)*place;
	return cfg->links[steer_index(*place - INGRESS_BEHIND_LINK, STEER_LINKS)]
				       .ifindex == job->ifindex
		       ? INGRESS_OUTSIDE
		       : INGRESS_BEHIND;
}

#ifdef INGRESS_V6

/* The unspecified address, loopback and others of ::/64, addresses of a single link,
 * multicast (RFC 4291 section 2.4). */
static __always_inline bool ingress_is_martian(ingress_addr a)
{
	__u32 first = bpf_ntohl(a->words[0]);

	return !(a->words[0] | a->words[1]) || first >> 22 == 0x3fa || first >> 24 == 0xff;
}

static __always_inline bool ingress_is_source_routed(struct __sk_buff *skb,
						     const struct packet *p)
{
	(void)skb;
	return p->routed;
}

#else

/* "This network", loopback, addresses of a single link; as source also multicast and
 * the limited broadcast (RFC 1122 section 3.2.1.3, RFC 1812 section 5.3.7, RFC 3927
 * section 2.7). */
static __always_inline bool ingress_is_martian(__be32 addr)
{
	__u32 a = bpf_ntohl(addr);

	return a >> 24 == 0 || a >> 24 == 127 || a >> 16 == 0xa9fe || a >> 28 == 14 ||
	       a == ~0U;
}

/* IPv4 options (RFC 791 section 3.1). */
enum {
	IP_OPTION_END = 0,
	IP_OPTION_NOP = 1,
	IP_OPTION_LOOSE_ROUTE = 131,
	IP_OPTION_STRICT_ROUTE = 137,
	IP_OPTIONS_ROOM = 40,
};

/* Do the options from `at` to `end` say by which hosts the packet is to go?  1 or 0. */
INGRESS_ON_ITS_OWN int ingress_find_route(struct __sk_buff *skb, __u32 at, __u32 end)
{
	struct {
		__u8 kind, len;
	} option;

	for (int i = 0; i < IP_OPTIONS_ROOM && at < end; i++) {
		if (bpf_skb_load_bytes(skb, at, &option, sizeof(option)) ||
		    option.kind == IP_OPTION_END)
			return 0;
		if (option.kind == IP_OPTION_LOOSE_ROUTE ||
		    option.kind == IP_OPTION_STRICT_ROUTE)
			return 1;
		if (option.kind != IP_OPTION_NOP && option.len < 2)
			return 0; /* the stack drops it */
		at += option.kind == IP_OPTION_NOP ? 1 : option.len;
	}
	return 0;
}

/* Then this box would not be the last of them: its destination is only the next one. */
static __always_inline bool ingress_is_source_routed(struct __sk_buff *skb,
						     const struct packet *p)
{
	__u32 options = p->l3 + sizeof(struct iphdr);

	return p->l4 > options && ingress_find_route(skb, options, p->l4);
}

#endif

#endif
