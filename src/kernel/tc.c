/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eBPF programs as TC filters of an interface. */
#include "kernel/tc.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <netlink/netlink.h>
#include <netlink/route/classifier.h>
#include <string.h>

/* WCCP's port, for want of a better number: others' filters may come before. */
enum { TC_PRIORITY = 2048 };

static struct bpf_tc_hook tc_place(unsigned ifindex, enum bpf_tc_attach_point point)
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
static __u32 tc_attached_id(unsigned ifindex, enum bpf_tc_attach_point point,
			    uint32_t handle)
{
	struct bpf_tc_hook hook = tc_place(ifindex, point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = TC_PRIORITY);

	return bpf_tc_query(&hook, &opts) == 0 ? opts.prog_id : 0;
}

static bool tc_is_attached(unsigned ifindex, enum bpf_tc_attach_point point,
			   uint32_t handle, int program)
{
	__u32 there = tc_attached_id(ifindex, point, handle);

	return program < 0 || (there && there == tc_program_id(program));
}

/* `attached` is left alone when there is no program. */
static int tc_attach_program(const struct tc_filter *f, enum bpf_tc_attach_point point,
			     int program, bool *attached, struct err *err)
{
	struct bpf_tc_hook hook = tc_place(f->ifindex, point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = f->handle, .priority = TC_PRIORITY,
		    .prog_fd = program, .flags = BPF_TC_F_REPLACE);
	int rc;

	if (program < 0)
		return 0;
	rc = bpf_tc_attach(&hook, &opts);
	if (rc < 0)
		return err_set(err, "cannot attach the TC filter: %s", strerror(-rc));
	*attached = true;
	return 0;
}

int tc_attach(struct tc_filter *f, unsigned ifindex, const struct tc_programs *programs,
	      struct err *err)
{
	const struct tc_programs *p = programs;
	struct bpf_tc_hook both = tc_place(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	bool left_behind;
	int rc;

	if (f->ifindex == ifindex &&
	    tc_is_attached(ifindex, BPF_TC_INGRESS, p->handle, p->ingress) &&
	    tc_is_attached(ifindex, BPF_TC_EGRESS, p->handle, p->egress))
		return 0;
	left_behind = tc_attached_id(ifindex, BPF_TC_INGRESS, p->handle) ||
		      tc_attached_id(ifindex, BPF_TC_EGRESS, p->handle);
	rc = bpf_tc_hook_create(&both);
	if (rc < 0 && rc != -EEXIST)
		return err_set(err, "cannot make the clsact qdisc: %s", strerror(-rc));
	f->own_qdisc =
		rc == 0 || left_behind || (f->ifindex == ifindex && f->own_qdisc);
	f->ifindex = ifindex;
	f->handle = p->handle;
	if (tc_attach_program(f, BPF_TC_INGRESS, p->ingress, &f->ingress, err) < 0)
		return -1;
	return tc_attach_program(f, BPF_TC_EGRESS, p->egress, &f->egress, err);
}

static bool tc_has_filters(struct nl_sock *sock, unsigned ifindex, __u32 parent)
{
	struct nl_cache *filters;
	bool found;

	if (rtnl_cls_alloc_cache(sock, (int)ifindex, parent, &filters) < 0)
		return true; /* keep the qdisc rather than remove a filter of others */
	found = !nl_cache_is_empty(filters);
	nl_cache_free(filters);
	return found;
}

/* Others may have attached filters to the qdisc that we made. */
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

static void tc_detach_program(const struct tc_filter *f, enum bpf_tc_attach_point point)
{
	struct bpf_tc_hook hook = tc_place(f->ifindex, point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = f->handle, .priority = TC_PRIORITY);

	bpf_tc_detach(&hook, &opts);
}

void tc_detach(struct tc_filter *f)
{
	/* Both points at once mean the qdisc itself. */
	struct bpf_tc_hook both = tc_place(f->ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (!f->ifindex)
		return;
	if (f->ingress)
		tc_detach_program(f, BPF_TC_INGRESS);
	if (f->egress)
		tc_detach_program(f, BPF_TC_EGRESS);
	if (f->own_qdisc && !tc_is_used(f->ifindex))
		bpf_tc_hook_destroy(&both);
	*f = (struct tc_filter){ 0 };
}
