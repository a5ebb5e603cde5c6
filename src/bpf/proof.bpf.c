/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two ends of a proof of delivery (proof_maps.h): `proof_door` lets frames into
 * the stack as if the interface had received them, `proof_sink` sees them arrive.
 */
#include "bpf/proof_maps.h"

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROOF_WAYS);
	__type(key, __u32);
	__type(value, struct proof_way);
} proofs SEC(".maps");

/* Never attached to an interface: it is run on frames that userspace brings
 * (BPF_F_TEST_XDP_LIVE_FRAMES). */
SEC("xdp")
int proof_door(struct xdp_md *frame)
{
	(void)frame;
	return XDP_PASS;
}

/* Socket filter of the sink.  What it sees begins with the TCP header. */
SEC("socket")
int proof_sink(struct __sk_buff *skb)
{
	struct {
		__be16 source, destination;
		__be32 sequence;
	} tcp;
	struct proof_way *way;
	__u32 index;

	if (bpf_skb_load_bytes(skb, 0, &tcp, sizeof(tcp)))
		return 0;
	index = bpf_ntohs(tcp.source) % PROOF_WAYS;
	way = bpf_map_lookup_elem(&proofs, &index);
	if (way && way->nonce && way->nonce == bpf_ntohl(tcp.sequence))
		way->at_sink = way->nonce;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
