/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our TC filters on an interface, and the interface's receive offloads. */
#include "wccprouter/forward/tc_hook.h"

#include "bpf/router_maps.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Fixed, so that a new process replaces the filter of one that was killed. */
enum { FILTER_HANDLE = 1, FILTER_PRIORITY = 2048 };

static int tc_hook_interface_ioctl(const char *name, unsigned long request,
				   struct ifreq *req)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -1;
	memcpy(req->ifr_name, name, IF_NAMESIZE);
	r = ioctl(fd, request, req);
	close(fd);
	return r;
}

/* ---- receive offloads ---- */

static int tc_hook_ethtool_value(const char *name, uint32_t command, uint32_t *value)
{
	struct ethtool_value v = { .cmd = command, .data = *value };
	struct ifreq req = { .ifr_data = (void *)&v };

	if (tc_hook_interface_ioctl(name, SIOCETHTOOL, &req) < 0)
		return -1;
	*value = v.data;
	return 0;
}

static bool tc_hook_get_gro(const char *name)
{
	uint32_t v = 0;

	return tc_hook_ethtool_value(name, ETHTOOL_GGRO, &v) == 0 && v;
}

static bool tc_hook_get_lro(const char *name)
{
	uint32_t v = 0;

	return tc_hook_ethtool_value(name, ETHTOOL_GFLAGS, &v) == 0 && v & ETH_FLAG_LRO;
}

static void tc_hook_set_gro(const char *name, bool on)
{
	uint32_t v = on;

	tc_hook_ethtool_value(name, ETHTOOL_SGRO, &v);
}

static void tc_hook_set_lro(const char *name, bool on)
{
	uint32_t v = 0;

	if (tc_hook_ethtool_value(name, ETHTOOL_GFLAGS, &v) < 0)
		return;
	v = on ? v | ETH_FLAG_LRO : v & ~(uint32_t)ETH_FLAG_LRO;
	tc_hook_ethtool_value(name, ETHTOOL_SFLAGS, &v);
}

/* Merged packets would hide from the program what fits towards the web-cache
 * and what does not. */
static void tc_hook_offloads_off(struct tc_hook *h)
{
	h->gro = tc_hook_get_gro(h->name);
	h->lro = tc_hook_get_lro(h->name);
	if (h->gro)
		tc_hook_set_gro(h->name, false);
	if (h->lro)
		tc_hook_set_lro(h->name, false);
}

static void tc_hook_offloads_restore(struct tc_hook *h)
{
	if (h->gro)
		tc_hook_set_gro(h->name, true);
	if (h->lro)
		tc_hook_set_lro(h->name, true);
	h->gro = false;
	h->lro = false;
}

/* ---- the filters ---- */

static bool tc_hook_wants(const struct tc_hook *h, enum bpf_tc_attach_point point)
{
	uint32_t in = ROUTER_IF_REDIRECT | ROUTER_IF_CACHES, out = ROUTER_IF_OUT;

	return h->roles & (point == BPF_TC_INGRESS ? in : out);
}

static struct bpf_tc_hook tc_hook_place(unsigned ifindex,
					enum bpf_tc_attach_point point)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = (int)ifindex,
		.attach_point = point,
	};
}

/* -1: libbpf's error number is in errno. */
static int tc_hook_attach_filter(struct tc_hook *h, enum bpf_tc_attach_point point,
				 int prog_fd)
{
	struct bpf_tc_hook hook = tc_hook_place(h->ifindex, point);
	struct bpf_tc_opts opts = {
		.sz = sizeof(opts),
		.prog_fd = prog_fd,
		.handle = FILTER_HANDLE,
		.priority = FILTER_PRIORITY,
		.flags = BPF_TC_F_REPLACE,
	};

	if (!tc_hook_wants(h, point))
		return 0;
	errno = -bpf_tc_attach(&hook, &opts);
	return errno ? -1 : 0;
}

/* Both, on a clsact qdisc, which may have been there. */
static int tc_hook_attach_filters(struct tc_hook *h, const struct tc_hook_programs *p,
				  struct err *err)
{
	struct bpf_tc_hook both =
		tc_hook_place(h->ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	int r = bpf_tc_hook_create(&both);

	if (r < 0 && r != -EEXIST)
		return err_set(err, "%s: clsact: %s", h->name, strerror(-r));
	h->made_qdisc = r == 0;
	if (tc_hook_attach_filter(h, BPF_TC_INGRESS, p->ingress_fd) == 0 &&
	    tc_hook_attach_filter(h, BPF_TC_EGRESS, p->egress_fd) == 0)
		return 0;
	return err_set(err, "%s: TC filter: %s", h->name, strerror(errno));
}

static void tc_hook_detach_filter(const struct tc_hook *h,
				  enum bpf_tc_attach_point point)
{
	struct bpf_tc_hook hook = tc_hook_place(h->ifindex, point);
	struct bpf_tc_opts opts = {
		.sz = sizeof(opts),
		.handle = FILTER_HANDLE,
		.priority = FILTER_PRIORITY,
	};

	if (tc_hook_wants(h, point))
		bpf_tc_detach(&hook, &opts);
}

static void tc_hook_detach_filters(struct tc_hook *h)
{
	struct bpf_tc_hook both =
		tc_hook_place(h->ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);

	tc_hook_detach_filter(h, BPF_TC_INGRESS);
	tc_hook_detach_filter(h, BPF_TC_EGRESS);
	if (h->made_qdisc)
		bpf_tc_hook_destroy(&both);
	h->made_qdisc = false;
}

/* The program takes frames to begin with an Ethernet header. */
static int tc_hook_check_kind(const char *name, struct err *err)
{
	struct ifreq req = { 0 };

	if (tc_hook_interface_ioctl(name, SIOCGIFHWADDR, &req) < 0)
		return err_set(err, "%s: %s", name, strerror(errno));
	if (req.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return err_set(err, "%s: not an Ethernet interface", name);
	return 0;
}

int tc_hook_attach(struct tc_hook *h, const struct tc_hook_programs *programs,
		   struct err *err)
{
	h->ifindex = if_nametoindex(h->name);
	if (!h->ifindex)
		return err_set(err, "%s: no such interface", h->name);
	if (!tc_hook_wants(h, BPF_TC_INGRESS) && !tc_hook_wants(h, BPF_TC_EGRESS))
		return 0;
	if (tc_hook_check_kind(h->name, err) < 0) {
		h->ifindex = 0;
		return -1;
	}
	if (tc_hook_attach_filters(h, programs, err) < 0) {
		tc_hook_detach(h);
		return -1;
	}
	if (h->roles & ROUTER_IF_REDIRECT)
		tc_hook_offloads_off(h);
	return 0;
}

void tc_hook_detach(struct tc_hook *h)
{
	/* Gone or replaced: the filter went with it. */
	if (tc_hook_is_attached(h)) {
		tc_hook_detach_filters(h);
		tc_hook_offloads_restore(h);
	}
	h->ifindex = 0;
}

bool tc_hook_is_attached(const struct tc_hook *h)
{
	return h->ifindex && if_nametoindex(h->name) == h->ifindex;
}
