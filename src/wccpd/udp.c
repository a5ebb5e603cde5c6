/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDP sockets that WCCP messages go through, of either family. */
#define _GNU_SOURCE /* struct in6_pktinfo */
#include "wccpd/udp.h"

#include "wccp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* All services say HELLO to all their routers at about the same time, and all of
 * these answer at once: 64 times 32 messages of up to a few KB. */
enum { BUFFER_OCTETS = 4 << 20 };

union endpoint {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static bool is_link_local(const struct addr *a)
{
	if (a->family != ADDR_V6)
		return false;
	return (a->octets[0] == 0xfe && (a->octets[1] & 0xc0) == 0x80) ||
	       (a->octets[0] == 0xff && (a->octets[1] & 0x0f) <= 2);
}

static bool is_multicast(const struct addr *a)
{
	return a->family == ADDR_V6 ? a->octets[0] == 0xff :
				      (a->octets[0] & 0xf0) == 0xe0;
}

/* Returns the length of it. */
static socklen_t to_endpoint(const struct addr *a, unsigned ifindex, union endpoint *out)
{
	memset(out, 0, sizeof *out);
	if (a->family == ADDR_V6) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(WCCP_PORT);
		out->v6.sin6_scope_id = is_link_local(a) ? ifindex : 0;
		memcpy(&out->v6.sin6_addr, a->octets, 16);
		return sizeof out->v6;
	}
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = htons(WCCP_PORT);
	memcpy(&out->v4.sin_addr, a->octets, 4);
	return sizeof out->v4;
}

static int set(int fd, int level, int option, int value, const char *name, struct err *err)
{
	if (setsockopt(fd, level, option, &value, sizeof value) == 0)
		return 0;
	return err_set(err, "%s: %s", name, strerror(errno));
}

/*
 * Linux sends datagrams of sockets that do path MTU discovery with an IP
 * identification of 0, and IOS drops those as duplicates of each other.
 *
 * What we multicast must not come back to us.
 */
static int set_options(int fd, unsigned family, struct err *err)
{
	if (family == ADDR_V6) {
		if (set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY", err) < 0 ||
		    set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT,
			"IPV6_MTU_DISCOVER", err) < 0 ||
		    set(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1, "IPV6_FREEBIND", err) < 0)
			return -1;
		return set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0,
			   "IPV6_MULTICAST_LOOP", err);
	}
	if (set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT, "IP_MTU_DISCOVER",
		err) < 0 ||
	    set(fd, IPPROTO_IP, IP_FREEBIND, 1, "IP_FREEBIND", err) < 0)
		return -1;
	return set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0, "IP_MULTICAST_LOOP", err);
}

/* As much as may be had; less only costs repetitions. */
static void widen(int fd)
{
	int n = BUFFER_OCTETS;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof n) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof n);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &n, sizeof n) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof n);
}

static int new_socket(const struct addr *a, struct err *err)
{
	int fd = socket(a->family == ADDR_V6 ? AF_INET6 : AF_INET,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err_set(err, "UDP socket: %s", strerror(errno));
	else
		widen(fd);
	return fd;
}

static int bind_to(int fd, const struct addr *a, unsigned ifindex, struct err *err)
{
	union endpoint e;
	socklen_t len = to_endpoint(a, ifindex, &e);

	if (bind(fd, &e.sa, len) == 0)
		return 0;
	return err_set(err, "cannot bind to %s port %d: %s", ADDR_TEXT(a), WCCP_PORT,
		       strerror(errno));
}

int udp_open(const struct addr *self, struct err *err)
{
	int fd = new_socket(self, err);

	if (fd < 0)
		return -1;
	if (set_options(fd, self->family, err) == 0 && bind_to(fd, self, 0, err) == 0)
		return fd;
	close(fd);
	return -1;
}

bool udp_is_local(const struct addr *self)
{
	union endpoint e;
	socklen_t len = to_endpoint(self, 0, &e);
	int fd = new_socket(self, NULL);
	bool absent;

	if (fd < 0)
		return true; /* not known: then nothing is said of it */
	e.v4.sin_port = 0; /* at the same place in both */
	absent = bind(fd, &e.sa, len) < 0 && errno == EADDRNOTAVAIL;
	close(fd);
	return !absent;
}

/* -- multicast ------------------------------------------------------------------- */

static int join4(int fd, const struct addr *group, unsigned ifindex)
{
	struct ip_mreqn m = { .imr_ifindex = (int)ifindex };
	int off = 0;

	memcpy(&m.imr_multiaddr, group->octets, 4);
	/* Not what other programs have joined, on other interfaces. */
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off) < 0)
		return -1;
	return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m);
}

static int join6(int fd, const struct addr *group, unsigned ifindex)
{
	struct ipv6_mreq m = { .ipv6mr_interface = ifindex };
	int off = 0;

	memcpy(&m.ipv6mr_multiaddr, group->octets, 16);
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, &off, sizeof off) < 0)
		return -1;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof m);
}

/* Bound to the group's address: the socket of our own gets everything else. */
int udp_join(const struct addr *group, unsigned ifindex, struct err *err)
{
	int fd = new_socket(group, err);

	if (fd < 0)
		return -1;
	/* Another program on this host may be a member, too. */
	if (set(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR", err) < 0 ||
	    bind_to(fd, group, ifindex, err) < 0)
		goto fail;
	if ((group->family == ADDR_V6 ? join6 : join4)(fd, group, ifindex) < 0) {
		err_set(err, "cannot join %s: %s", ADDR_TEXT(group), strerror(errno));
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}

/* -- datagrams ----------------------------------------------------------------------- */

ssize_t udp_receive(int fd, void *octets, size_t size, struct addr *from)
{
	union endpoint e;
	socklen_t len = sizeof e;
	ssize_t n = recvfrom(fd, octets, size, 0, &e.sa, &len);

	if (n < 0)
		return n;
	if (e.sa.sa_family == AF_INET6)
		*from = addr_from_octets(ADDR_V6, (const uint8_t *)&e.v6.sin6_addr);
	else
		*from = addr_from_octets(ADDR_V4, (const uint8_t *)&e.v4.sin_addr);
	return n;
}

/* Interface and TTL of one datagram: several groups share the socket. */
union control {
	struct cmsghdr align;
	uint8_t octets[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

static void put(struct cmsghdr *c, int level, int type, const void *data, size_t len)
{
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
}

/* With an interface named the kernel would choose the source by that: it is told
 * the socket's own, by which routers know us. */
static void set_way(struct msghdr *msg, union control *control,
		    const union endpoint *self, unsigned ifindex, int ttl)
{
	struct in_pktinfo info4 = { .ipi_ifindex = (int)ifindex };
	struct in6_pktinfo info6 = { .ipi6_ifindex = ifindex };
	bool v6 = self->sa.sa_family == AF_INET6;
	size_t info = v6 ? sizeof info6 : sizeof info4;
	struct cmsghdr *c;

	memset(control, 0, sizeof *control);
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(info) + CMSG_SPACE(sizeof ttl);
	c = CMSG_FIRSTHDR(msg);
	if (v6) {
		info6.ipi6_addr = self->v6.sin6_addr;
		put(c, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof info6);
		put(CMSG_NXTHDR(msg, c), IPPROTO_IPV6, IPV6_HOPLIMIT, &ttl, sizeof ttl);
		return;
	}
	info4.ipi_spec_dst = self->v4.sin_addr;
	put(c, IPPROTO_IP, IP_PKTINFO, &info4, sizeof info4);
	put(CMSG_NXTHDR(msg, c), IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
}

int udp_send(int fd, const struct addr *to, unsigned ifindex, unsigned ttl,
	     const void *octets, size_t len, struct err *err)
{
	union endpoint e, self = { .sa.sa_family = AF_INET };
	socklen_t self_len = sizeof self;
	union control control;
	struct iovec iov = { (void *)octets, len };
	struct msghdr msg = {
		.msg_name = &e,
		.msg_namelen = to_endpoint(to, ifindex, &e),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	if (is_multicast(to)) {
		getsockname(fd, &self.sa, &self_len);
		set_way(&msg, &control, &self, ifindex, ttl ? (int)ttl : 1);
	}
	if (sendmsg(fd, &msg, 0) < 0)
		return err_set(err, "cannot send to %s: %s", ADDR_TEXT(to),
			       strerror(errno));
	return 0;
}
