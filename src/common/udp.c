/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDP sockets for WCCP messages. */
#define _GNU_SOURCE /* struct in6_pktinfo */
#include "udp.h"

#include "common/kept_sockets.h"
#include "common/udp_owner.h"
#include "sockaddr.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Since Linux 4.20; not in every C library. */
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

/* All services send HERE_I_AM to all their routers at about the same time, and all of
 * these answer at once: 64 times 32 messages of up to a few KiB. */
enum { UDP_BUFFER_OCTETS = 4 << 20 };

bool udp_is_multicast(const struct addr *a)
{
	return a->family == ADDR_V6 ? a->octets[0] == 0xff
				    : (a->octets[0] & 0xf0) == 0xe0;
}

/* IPv6 only; includes interface-local and link-local multicast. */
static bool udp_is_link_local(const struct addr *a)
{
	if (a->family != ADDR_V6)
		return false;
	return (a->octets[0] == 0xfe && (a->octets[1] & 0xc0) == 0x80) ||
	       (a->octets[0] == 0xff && (a->octets[1] & 0x0f) <= 2);
}

bool udp_needs_interface(const struct addr *a)
{
	return udp_is_multicast(a) || udp_is_link_local(a);
}

static socklen_t udp_fill(const struct addr *a, unsigned ifindex,
			  union sockaddr_any *out)
{
	socklen_t len = sockaddr_fill(a, UDP_PORT, out);

	if (udp_is_link_local(a))
		out->v6.sin6_scope_id = ifindex;
	return len;
}

/* -- options ------------------------------------------------------------------------ */

struct udp_option {
	int level, name, value;
	const char *words;
};

static const struct udp_option udp_options_v4[] = {
	/* Linux sends datagrams of sockets that do path MTU discovery with an IP
	 * identification of 0, and IOS drops those as duplicates of each other. */
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, "IP_MTU_DISCOVER" },
	{ IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO" },
	/* What we multicast must not come back to us. */
	{ IPPROTO_IP, IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP" },
	/* Groups that other programs have joined are not for us. */
	{ IPPROTO_IP, IP_MULTICAST_ALL, 0, "IP_MULTICAST_ALL" },
	{ 0 },
};

static const struct udp_option udp_options_v6[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY" },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT, "IPV6_MTU_DISCOVER" },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO" },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, "IPV6_MULTICAST_LOOP" },
	{ IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, "IPV6_MULTICAST_ALL" },
	{ 0 },
};

static int udp_set_options(int fd, unsigned family, struct err *err)
{
	const struct udp_option *o =
		family == ADDR_V6 ? udp_options_v6 : udp_options_v4;

	for (; o->words; o++)
		if (setsockopt(fd, o->level, o->name, &o->value, sizeof(o->value)) < 0)
			return err_set(err, "%s: %s", o->words, strerror(errno));
	return 0;
}

/* As much as the kernel allows; with less, some messages have to be repeated. */
static void udp_widen(int fd)
{
	int n = UDP_BUFFER_OCTETS;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof(n)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &n, sizeof(n)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
}

/* -- opening ------------------------------------------------------------------------- */

static int udp_socket(unsigned family, struct err *err)
{
	int fd = socket(family == ADDR_V6 ? AF_INET6 : AF_INET,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, "UDP socket: %s", strerror(errno));
	if (udp_set_options(fd, family, err) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Mostly it is Squid, which speaks WCCP by itself when it is told of a router. */
static int udp_fail_in_use(const struct addr *a, struct err *err)
{
	struct udp_owner owner;
	char who[80] = "another program";

	if (udp_owner_find(UDP_PORT, &owner))
		snprintf(who, sizeof(who), "%s (process %d)", owner.name, owner.pid);
	return err_set(err,
		       "cannot bind to %s port %d: %s has it; only one program can "
		       "speak WCCP here (Squid does with wccp_router or wccp2_router: "
		       "take them out of its configuration)",
		       ADDR_TEXT(a), UDP_PORT, who);
}

static int udp_bind(int fd, const struct addr *a, unsigned ifindex, struct err *err)
{
	union sockaddr_any any;
	socklen_t len = udp_fill(a, ifindex, &any);

	udp_widen(fd);
	if (bind(fd, &any.any, len) == 0)
		return 0;
	if (errno == EADDRINUSE)
		return udp_fail_in_use(a, err);
	return err_set(err, "cannot bind to %s port %d: %s", ADDR_TEXT(a), UDP_PORT,
		       strerror(errno));
}

static int udp_bound(int fd, const struct addr *a, struct err *err)
{
	if (udp_bind(fd, a, 0, err) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The socket of the program whose place we take, if it is bound to that address. */
static int udp_take_over(const struct addr *a)
{
	int fd = kept_socket_take(a->family == ADDR_V6 ? KEPT_UDP6 : KEPT_UDP4);
	union sockaddr_any any;
	socklen_t len = sizeof(any);
	struct addr is;

	if (fd < 0)
		return -1;
	if (getsockname(fd, &any.any, &len) == 0) {
		is = sockaddr_address(&any.any);
		if (addr_equal(&is, a))
			return fd;
	}
	close(fd);
	return -1;
}

int udp_open(const struct addr *self, struct err *err)
{
	bool v6 = self->family == ADDR_V6;
	int fd = udp_take_over(self), on = 1;

	if (fd >= 0)
		return fd;
	fd = udp_socket(self->family, err);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		       v6 ? IPV6_FREEBIND : IP_FREEBIND, &on, sizeof(on)) == 0)
		return udp_bound(fd, self, err);
	err_set(err, "%s: %s", v6 ? "IPV6_FREEBIND" : "IP_FREEBIND", strerror(errno));
	close(fd);
	return -1;
}

int udp_open_any(enum addr_family family, struct err *err)
{
	struct addr any = { .family = (uint8_t)family };
	int fd = udp_take_over(&any);

	if (fd >= 0)
		return fd;
	fd = udp_socket(family, err);
	return fd < 0 ? -1 : udp_bound(fd, &any, err);
}

bool udp_is_local(const struct addr *self)
{
	union sockaddr_any any;
	socklen_t len = sockaddr_fill(self, 0, &any); /* port 0: one that is free */
	int fd = udp_socket(self->family, NULL);
	bool absent;

	if (fd < 0)
		return true; /* unknown: do not complain */
	absent = bind(fd, &any.any, len) < 0 && errno == EADDRNOTAVAIL;
	close(fd);
	return !absent;
}

int udp_ignore_id_zero(int fd, struct err *err)
{
	/* Load the identification from the IP header; 0: keep nothing of the packet. */
	static struct sock_filter program[] = {
		{ BPF_LD | BPF_H | BPF_ABS, 0, 0, (uint32_t)SKF_NET_OFF + 4 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0 },
		{ BPF_RET | BPF_K, 0, 0, 0 },
		{ BPF_RET | BPF_K, 0, 0, UINT32_MAX },
	};
	struct sock_fprog filter = {
		.len = sizeof(program) / sizeof(program[0]),
		.filter = program,
	};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
		return err_set(err, "SO_ATTACH_FILTER: %s", strerror(errno));
	return 0;
}

/* -- multicast ------------------------------------------------------------------------ */

static int udp_set_member_v4(int fd, const struct addr *group, unsigned ifindex,
			     bool member)
{
	struct ip_mreqn m = { .imr_ifindex = (int)ifindex };

	memcpy(&m.imr_multiaddr, group->octets, 4);
	return setsockopt(fd, IPPROTO_IP,
			  member ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &m,
			  sizeof(m));
}

static int udp_set_member_v6(int fd, const struct addr *group, unsigned ifindex,
			     bool member)
{
	struct ipv6_mreq m = { .ipv6mr_interface = ifindex };

	memcpy(&m.ipv6mr_multiaddr, group->octets, 16);
	return setsockopt(fd, IPPROTO_IPV6, member ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP,
			  &m, sizeof(m));
}

int udp_set_member(int fd, const struct addr *group, unsigned ifindex, bool member)
{
	return (group->family == ADDR_V6 ? udp_set_member_v6 : udp_set_member_v4)(
		fd, group, ifindex, member);
}

/* Bound to the group's address: the socket of our own gets everything else. */
int udp_join(const struct addr *group, unsigned ifindex, struct err *err)
{
	int fd = udp_socket(group->family, err), on = 1;

	if (fd < 0)
		return -1;
	/* Another program on this host may be a member, too. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (udp_bind(fd, group, ifindex, err) == 0) {
		if (udp_set_member(fd, group, ifindex, true) == 0)
			return fd;
		err_set(err, "cannot join %s: %s", ADDR_TEXT(group), strerror(errno));
	}
	close(fd);
	return -1;
}

/* -- ancillary data -------------------------------------------------------------------- */

union udp_control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

/* Only for IPv4 does the kernel say from which address to answer a multicast
 * datagram. */
static void udp_read_control(struct cmsghdr *c, struct udp_arrival *out)
{
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;

		memcpy(&info, CMSG_DATA(c), sizeof(info));
		out->to = addr_v4(ntohl(info.ipi_addr.s_addr));
		out->local = addr_v4(ntohl(info.ipi_spec_dst.s_addr));
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;

		memcpy(&info, CMSG_DATA(c), sizeof(info));
		out->to = addr_from_octets(ADDR_V6, info.ipi6_addr.s6_addr);
		if (!IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
			out->local = out->to;
	}
}

/* Append one item. */
static void udp_put(struct msghdr *msg, int level, int type, const void *data,
		    size_t len)
{
	struct cmsghdr *c =
		(struct cmsghdr *)((char *)msg->msg_control + msg->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	msg->msg_controllen += CMSG_SPACE(len);
}

/* If only an interface is named, the kernel chooses the source address by that.
 * Routers know us by one address, so name it, too. */
static void udp_put_info(struct msghdr *msg, const struct udp_way *way,
			 unsigned ifindex)
{
	struct in_pktinfo v4 = { .ipi_ifindex = (int)ifindex };
	struct in6_pktinfo v6 = { .ipi6_ifindex = ifindex };

	if (!ifindex && !addr_is_set(&way->local))
		return;
	if (way->to.family == ADDR_V6) {
		memcpy(&v6.ipi6_addr, way->local.octets, sizeof(v6.ipi6_addr));
		udp_put(msg, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
	} else {
		memcpy(&v4.ipi_spec_dst, way->local.octets, sizeof(v4.ipi_spec_dst));
		udp_put(msg, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	}
}

static void udp_put_hops(struct msghdr *msg, const struct udp_way *way)
{
	bool v6 = way->to.family == ADDR_V6;
	int hops = way->hops;

	if (hops)
		udp_put(msg, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
			v6 ? IPV6_HOPLIMIT : IP_TTL, &hops, sizeof(hops));
}

/* -- datagrams ------------------------------------------------------------------------- */

ssize_t udp_receive(int fd, void *octets, size_t size, struct udp_arrival *out)
{
	union sockaddr_any from;
	union udp_control control;
	struct iovec iov = { octets, size };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &msg, 0);

	if (n < 0)
		return -1;
	*out = (struct udp_arrival){ .from = sockaddr_address(&from.any) };
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		udp_read_control(c, out);
	return n;
}

/* With udp_tell_errors() the kernel may report the fate of an earlier datagram instead
 * of sending this one. */
static int udp_send_message(int fd, const struct msghdr *msg)
{
	enum { REPORTS = 4 };

	for (int i = 0; i < REPORTS; i++)
		if (sendmsg(fd, msg, 0) >= 0)
			return 0;
	return -1;
}

int udp_send(int fd, const struct udp_way *way, const void *octets, size_t len,
	     struct err *err)
{
	unsigned ifindex = udp_needs_interface(&way->to) ? way->ifindex : 0;
	union sockaddr_any to;
	union udp_control control = { .octets = { 0 } };
	struct iovec iov = { (void *)octets, len };
	struct msghdr msg = {
		.msg_name = &to,
		.msg_namelen = udp_fill(&way->to, ifindex, &to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
	};
	int error;

	udp_put_info(&msg, way, ifindex);
	udp_put_hops(&msg, way);
	if (!msg.msg_controllen)
		msg.msg_control = NULL;
	if (udp_send_message(fd, &msg) == 0)
		return 0;
	error = errno;
	err_set(err, "cannot send to %s: %s", ADDR_TEXT(&way->to), strerror(error));
	errno = error;
	return -1;
}
