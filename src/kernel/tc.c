/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An eBPF program as a TC ingress filter of an interface. */
#include "kernel/tc.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <netlink/netlink.h>
#include <netlink/route/classifier.h>
#include <string.h>

/* Where our filter sits; how we know one that a run before left.  The priority is
 * WCCP's port, for want of a better number: others' filters may come before. */
enum { TC_HANDLE = 0x57434350 /* "WCCP" */, TC_PRIORITY = 2048 };

static struct bpf_tc_hook tc_hook_of(unsigned ifindex, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);

	return hook;
}

static __u32 tc_program_id(int program)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &len) == 0 ? info.id : 0;
}

/* Id of the program in our place; 0: none. */
static __u32 tc_attached_id(unsigned ifindex)
{
	struct bpf_tc_hook hook = tc_hook_of(ifindex, BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);

	return bpf_tc_query(&hook, &opts) == 0 ? opts.prog_id : 0;
}

int tc_attach(struct tc_filter *f, unsigned ifindex, int program, struct err *err)
{
	struct bpf_tc_hook hook = tc_hook_of(ifindex, BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY,
		    .prog_fd = program, .flags = BPF_TC_F_REPLACE);
	__u32 there = tc_attached_id(ifindex);
	int rc;

	if (there && f->ifindex == ifindex && there == tc_program_id(program))
		return 0;
	rc = bpf_tc_hook_create(&hook);
	if (rc < 0 && rc != -EEXIST)
		return err_set(err, "cannot make the clsact qdisc: %s", strerror(-rc));
	f->own_qdisc = rc == 0 || there || (f->ifindex == ifindex && f->own_qdisc);
	f->ifindex = ifindex;
	rc = bpf_tc_attach(&hook, &opts);
	if (rc < 0)
		return err_set(err, "cannot attach the ingress program: %s",
			       strerror(-rc));
	return 0;
}

static bool tc_has_filters(struct nl_sock *sock, unsigned ifindex, __u32 parent)
{
	struct nl_cache *filters;
	bool found;

	if (rtnl_cls_alloc_cache(sock, (int)ifindex, parent, &filters) < 0)
		return true; /* better a qdisc too many than a filter too few */
	found = !nl_cache_is_empty(filters);
	nl_cache_free(filters);
	return found;
}

/* Others may have come to use the qdisc that we made. */
static bool tc_is_used(unsigned ifindex)
{
	struct nl_sock *sock = nl_socket_alloc();
	bool used = true;

	if (sock && nl_connect(sock, NETLINK_ROUTE) == 0)
		used = tc_has_filters(sock, ifindex,
				      TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) ||
		       tc_has_filters(sock, ifindex,
				      TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
	nl_socket_free(sock);
	return used;
}

void tc_detach(struct tc_filter *f)
{
	struct bpf_tc_hook hook = tc_hook_of(f->ifindex, BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = TC_HANDLE, .priority = TC_PRIORITY);

	if (!f->ifindex)
		return;
	bpf_tc_detach(&hook, &opts);
	if (f->own_qdisc && !tc_is_used(f->ifindex)) {
		/* Both points at once mean the qdisc itself. */
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		bpf_tc_hook_destroy(&hook);
	}
	*f = (struct tc_filter){ 0 };
}
