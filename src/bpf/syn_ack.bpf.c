/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notes from which ports SYN-ACKs leave this network namespace, as they are handed to an
 * interface, after packet filter and routing.  Attached only while that is in doubt.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* What is read of the kernel's structures; libbpf finds out where it is. */
#define KERNELS __attribute__((preserve_access_index))

struct ns_common {
	unsigned int inum;
} KERNELS;

struct net {
	struct ns_common ns;
} KERNELS;

typedef struct {
	struct net *net;
} KERNELS possible_net_t;

struct net_device {
	possible_net_t nd_net;
} KERNELS;

struct sk_buff {
	unsigned char *head;
	__be16 protocol;
	__u16 network_header;
} KERNELS;

__u32 here; /* number of the network namespace */
__be32 own[4]; /* what leaves from this address is of no interest; of IPv4, the last one */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u16); /* host order */
	__type(value, __u8);
} syn_ack_ports SEC(".maps");

/* Where the TCP header is; 0: none that is of interest. */
static __always_inline __u32 syn_ack_tcp_at(const unsigned char *at)
{
	struct iphdr ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), at) || ip.protocol != IPPROTO_TCP ||
	    ip.saddr == own[3])
		return 0;
	return ip.ihl * 4;
}

/* What we send has no extension headers. */
static __always_inline __u32 syn_ack_tcp_at6(const unsigned char *at)
{
	struct ipv6hdr ip;
	__u32 differs = 0;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), at) || ip.nexthdr != IPPROTO_TCP)
		return 0;
	for (int i = 0; i < 4; i++)
		differs |= ip.saddr.in6_u.u6_addr32[i] ^ own[i];
	return differs ? sizeof(ip) : 0;
}

SEC("tp_btf/net_dev_start_xmit")
int BPF_PROG(syn_ack_seen, const struct sk_buff *skb, const struct net_device *dev)
{
	const unsigned char *at = skb->head + skb->network_header;
	struct tcphdr tcp;
	__u8 seen = 1;
	__u32 offset = 0;
	__u16 port;

	if (dev->nd_net.net->ns.inum != here)
		return 0;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		offset = syn_ack_tcp_at(at);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		offset = syn_ack_tcp_at6(at);
	if (!offset || bpf_probe_read_kernel(&tcp, sizeof(tcp), at + offset) || !tcp.syn ||
	    !tcp.ack)
		return 0;
	port = bpf_ntohs(tcp.source);
	bpf_map_update_elem(&syn_ack_ports, &port, &seen, BPF_ANY);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
