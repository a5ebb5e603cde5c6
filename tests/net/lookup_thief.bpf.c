/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An sk_lookup program of another daemon, which takes connections to a port as well. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} thieves SEC(".maps");

const volatile __u32 port = 80;
const volatile __u64 flags = 0;

SEC("sk_lookup")
int thief(struct bpf_sk_lookup *ctx)
{
	__u32 zero = 0;
	struct bpf_sock *sk;

	if (ctx->local_port != port)
		return SK_PASS;
	sk = bpf_map_lookup_elem(&thieves, &zero);
	if (!sk)
		return SK_PASS;
	bpf_sk_assign(ctx, sk, flags);
	bpf_sk_release(sk);
	return SK_PASS;
}

char LICENSE[] SEC("license") = "GPL";
