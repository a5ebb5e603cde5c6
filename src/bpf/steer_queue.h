/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Part of steer.bpf.c: how many connections wait at a listener to be accepted. */
#ifndef WCCPD_BPF_STEER_QUEUE_H
#define WCCPD_BPF_STEER_QUEUE_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* Where a socket of the running kernel has sk_ack_backlog; 0: not known.  Asked of its BTF
 * by the one who loads this, so that it also loads on a kernel without. */
const volatile __u32 queue_offset = 0;

static __always_inline __u32 steer_waiting(struct bpf_sock *listener)
{
	const char *sk = (const char *)bpf_skc_to_tcp_sock(listener);
	__u32 waiting = 0;

	if (!sk || bpf_probe_read_kernel(&waiting, sizeof(waiting), sk + queue_offset))
		return 0;
	return waiting;
}

#endif
