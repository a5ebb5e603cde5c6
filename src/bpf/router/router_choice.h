/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Part of router.bpf.c: which packets are redirected, by which service, and to which
 * web-cache.
 */
#ifndef WCCPD_BPF_ROUTER_CHOICE_H
#define WCCPD_BPF_ROUTER_CHOICE_H

#include "bpf/router/router_list.h"
#include "bpf/router/router_state.h"

/* -- never redirected -------------------------------------------------------------- */

static __always_inline bool fwd_from_member_mac(struct __sk_buff *skb)
{
	struct router_mac mac = {};

	if (bpf_skb_load_bytes(skb, offsetof(struct ethhdr, h_source), mac.octets,
			       sizeof(mac.octets)))
		return false;
	return bpf_map_lookup_elem(&member_macs, &mac);
}

/* No unicast address, or one that is good on a single link or host only (RFC 1122
 * section 3.2.1.3, RFC 3927, RFC 4291)? */
static __always_inline bool fwd_is_confined(const struct fwd_job *job)
{
	const __be32 link_local = bpf_htonl(0xfe800000), mask = bpf_htonl(0xffc00000);
	__u32 v4 = bpf_ntohl(job->p.dst);

	if (!job->v6)
		return v4 >= 0xe0000000 || v4 >> 24 == 0 || v4 >> 24 == 127 ||
		       v4 >> 16 == 0xa9fe;
	return bpf_ntohl(job->dst.words[0]) >= 0xff000000 ||
	       (job->dst.words[0] & mask) == link_local ||
	       (job->src.words[0] & mask) == link_local;
}

/* Packets for us, packets that are not to be forwarded, that another router has
 * redirected already, or that came back by L2, which only the sender's address
 * shows. */
static __always_inline bool fwd_is_exempt(struct __sk_buff *skb,
					  const struct fwd_job *job)
{
	struct packet_redirect ignored;

	if (fwd_is_confined(job) || bpf_map_lookup_elem(&own, &job->dst) ||
	    packet_redirect(skb, &job->p, &ignored) == 0)
		return true;
	if (!(job->roles & ROUTER_IF_CACHES) || !fwd_from_member_mac(skb))
		return false;
	FWD_COUNT(ROUTER_MAX_SERVICES, bypassed);
	return true;
}

/* -- the service ------------------------------------------------------------------- */

static __always_inline __u64 fwd_memberships(const struct packet_addr *a)
{
	const __u64 *in = bpf_map_lookup_elem(&members, a);

	return in ? *in : 0;
}

/* Services in priority order; the first that fits of those redirected here, but for
 * those of `in`: a router redirects nothing that a member of the group sends (2.0
 * section 4.10). */
static __always_inline const struct router_entry *
fwd_first_fit(const struct fwd_job *job, __u64 in)
{
	__u32 zero = 0, i;
	void *table = bpf_map_lookup_elem(&tables, &zero);

	if (!table)
		return NULL;
	for (i = 0; i < ROUTER_MAX_SERVICES; i++) {
		__u32 key = i;
		const struct router_entry *s = bpf_map_lookup_elem(table, &key);

		if (!s || !s->used)
			break;
		if (s->v6 != job->v6 || !(job->services >> (s->number & 63) & 1) ||
		    !packet_matches(&job->p, &s->match))
			continue;
		if (!(in >> (s->number & 63) & 1))
			return s;
		FWD_COUNT(s->number, bypassed);
	}
	return NULL;
}

/* The service that decides, or NULL.  Most packets fit none, and most that do are not
 * from a member, so only the others pay for a look-up or a second search. */
static __always_inline const struct router_entry *
fwd_find_service(struct __sk_buff *skb, const struct fwd_job *job)
{
	const struct router_entry *s = fwd_first_fit(job, 0);
	__u64 in;

	if (!s || fwd_is_exempt(skb, job))
		return NULL;
	in = fwd_memberships(&job->src);
	if (in)
		s = fwd_first_fit(job, in);
	/* A denied packet is forwarded, whatever other services say of it. */
	if (!s || !s->has_list || fwd_list_permits(job, s->number))
		return s;
	FWD_COUNT(s->number, denied);
	return NULL;
}

/* -- the web-cache ----------------------------------------------------------------- */

/* The owner of the packet's bucket (2.0 section 4.11.1). */
static __always_inline __u8 fwd_owner_by_bucket(const struct packet *p,
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

static __always_inline struct packet_addr fwd_masked(const struct packet_addr *a,
						     const struct packet_addr *mask)
{
	return (struct packet_addr){ {
		a->words[0] & mask->words[0],
		a->words[1] & mask->words[1],
		a->words[2] & mask->words[2],
		a->words[3] & mask->words[3],
	} };
}

/* The owner of the first value that fits (2.0 section 4.11.2).  At most one value of
 * each mask fits, so each mask takes one look-up. */
static __always_inline __u8 fwd_owner_by_mask(const struct fwd_job *job,
					      const struct router_entry *s)
{
	struct router_mask_value key = { .generation = s->generation,
					 .number = s->number };
	__u32 i;

	for (i = 0; i < ROUTER_MAX_MASKS; i++) {
		const struct router_fields *mask = &s->masks[i];
		const __u8 *owner;

		if (i >= s->n_masks)
			break;
		key.mask = i;
		key.fields.src = fwd_masked(&job->src, &mask->src);
		key.fields.dst = fwd_masked(&job->dst, &mask->dst);
		key.fields.sport = job->p.sport & mask->sport;
		key.fields.dport = job->p.dport & mask->dport;
		owner = bpf_map_lookup_elem(&mask_values, &key);
		if (owner)
			return *owner;
	}
	return WCCP_BUCKET_NONE;
}

/* The redirect header is filled as far as `s` is by buckets.  NULL: nobody. */
static __always_inline const struct router_target *
fwd_find_target(const struct fwd_job *job, const struct router_entry *s,
		struct packet_redirect *header)
{
	__u8 owner = s->by_mask ? fwd_owner_by_mask(job, s)
				: fwd_owner_by_bucket(&job->p, s, header);
	const struct router_target *t;

	if (owner == WCCP_BUCKET_NONE)
		return NULL;
	t = &s->targets[owner & (WCCP_MAX_CACHES - 1)];
	return t->ifindex ? t : NULL;
}

#endif
