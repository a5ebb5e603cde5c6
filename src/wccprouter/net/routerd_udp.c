/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDP sockets of the router. */
#define _GNU_SOURCE /* struct in6_pktinfo */
#include "wccprouter/net/routerd_udp.h"

#include "sockaddr.h"
#include "wccp.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Since Linux 4.20; not in every C library. */
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

union control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

/* ---- addresses ---- */

static struct addr routerd_udp_from_v4(const struct in_addr *a)
{
	return addr_from_octets(ADDR_V4, (const uint8_t *)a);
}

static struct addr routerd_udp_from_v6(const struct in6_addr *a)
{
	return addr_from_octets(ADDR_V6, a->s6_addr);
}

/* ---- open ---- */

struct option {
	int level, name, value;
	const char *words;
};

static const struct option options_v4[] = {
	/* Otherwise Linux gives datagrams that it may not fragment the IP
	 * identification 0, which some peers take for duplicates. */
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, "IP_MTU_DISCOVER" },
	{ IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO" },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP" },
	/* Groups that other programs have joined are not for us. */
	{ IPPROTO_IP, IP_MULTICAST_ALL, 0, "IP_MULTICAST_ALL" },
	{ 0 },
};

static const struct option options_v6[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY" },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO" },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, "IPV6_MULTICAST_LOOP" },
	{ IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, "IPV6_MULTICAST_ALL" },
	{ 0 },
};

static int routerd_udp_set_options(int fd, const struct option *o, struct err *err)
{
	for (; o->words; o++)
		if (setsockopt(fd, o->level, o->name, &o->value, sizeof(o->value)) < 0)
			return err_set(err, "%s: %s", o->words, strerror(errno));
	return 0;
}

int routerd_udp_open(enum addr_family family, struct err *err)
{
	bool v6 = family == ADDR_V6;
	struct addr nobody = { .family = (uint8_t)family };
	union sockaddr_any any;
	socklen_t len = sockaddr_fill(&nobody, WCCP_PORT, &any);
	int fd = socket(v6 ? AF_INET6 : AF_INET,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, "UDP socket: %s", strerror(errno));
	if (routerd_udp_set_options(fd, v6 ? options_v6 : options_v4, err) == 0) {
		if (bind(fd, &any.any, len) == 0)
			return fd;
		err_set(err, "UDP port %d%s: %s", WCCP_PORT, v6 ? " of IPv6" : "",
			strerror(errno));
	}
	close(fd);
	return -1;
}

/* ---- receive ---- */

/* Where a datagram to a multicast address would be answered from, the kernel tells
 * in IPv4 only. */
static void routerd_udp_read_control(struct cmsghdr *c, struct routerd_udp_arrival *out)
{
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;

		memcpy(&info, CMSG_DATA(c), sizeof(info));
		out->to = routerd_udp_from_v4(&info.ipi_addr);
		out->local = routerd_udp_from_v4(&info.ipi_spec_dst);
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;

		memcpy(&info, CMSG_DATA(c), sizeof(info));
		out->to = routerd_udp_from_v6(&info.ipi6_addr);
		if (!IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
			out->local = out->to;
	}
}

int routerd_udp_ignore_id_zero(int fd, struct err *err)
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

ssize_t routerd_udp_receive(int fd, void *octets, size_t size,
			    struct routerd_udp_arrival *out)
{
	union sockaddr_any from;
	union control control;
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
	struct cmsghdr *c;

	if (n < 0)
		return -1;
	*out = (struct routerd_udp_arrival){ .to = { 0 } };
	out->from = sockaddr_address(&from.any);
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		routerd_udp_read_control(c, out);
	return n;
}

/* ---- send ---- */

/* Append one item; returns what is used of the buffer then. */
static size_t routerd_udp_put(struct msghdr *msg, size_t used, int level, int type,
			      const void *data, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((char *)msg->msg_control + used);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	return used + CMSG_SPACE(len);
}

static size_t routerd_udp_put_v4(struct msghdr *msg, const struct routerd_udp_way *way)
{
	struct in_pktinfo info = { .ipi_ifindex = (int)way->ifindex };
	int hops = way->hops;
	size_t used = 0;

	memcpy(&info.ipi_spec_dst, way->local.octets, sizeof(info.ipi_spec_dst));
	if (way->ifindex || addr_is_set(&way->local))
		used = routerd_udp_put(msg, used, IPPROTO_IP, IP_PKTINFO, &info,
				       sizeof(info));
	if (hops)
		used = routerd_udp_put(msg, used, IPPROTO_IP, IP_TTL, &hops,
				       sizeof(hops));
	return used;
}

static size_t routerd_udp_put_v6(struct msghdr *msg, const struct routerd_udp_way *way)
{
	struct in6_pktinfo info = { .ipi6_ifindex = way->ifindex };
	int hops = way->hops;
	size_t used = 0;

	memcpy(&info.ipi6_addr, way->local.octets, sizeof(info.ipi6_addr));
	if (way->ifindex || addr_is_set(&way->local))
		used = routerd_udp_put(msg, used, IPPROTO_IPV6, IPV6_PKTINFO, &info,
				       sizeof(info));
	if (hops)
		used = routerd_udp_put(msg, used, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops,
				       sizeof(hops));
	return used;
}

int routerd_udp_send(int fd, const struct routerd_udp_way *way, const void *octets,
		     size_t len, struct err *err)
{
	union sockaddr_any to;
	union control control = { .octets = { 0 } };
	struct iovec iov = { (void *)octets, len };
	struct msghdr msg = {
		.msg_name = &to,
		.msg_namelen = sockaddr_fill(&way->to, WCCP_PORT, &to),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
	};

	msg.msg_controllen = way->to.family == ADDR_V6 ? routerd_udp_put_v6(&msg, way)
						       : routerd_udp_put_v4(&msg, way);
	if (!msg.msg_controllen)
		msg.msg_control = NULL;
	if (sendmsg(fd, &msg, 0) < 0)
		return err_set(err, "cannot send to %s: %s", ADDR_TEXT(&way->to),
			       strerror(errno));
	return 0;
}
