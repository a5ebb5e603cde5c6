/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why datagrams did not arrive, as far as the network tells us (ip(7), IP_RECVERR). */
#include "sockaddr.h"
#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <linux/errqueue.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

int udp_tell_errors(int fd, unsigned family, struct err *err)
{
	bool v6 = family == ADDR_V6;
	int on = 1;

	if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
		       v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof(on)) == 0)
		return 0;
	return err_set(err, "%s: %s", v6 ? "IPV6_RECVERR" : "IP_RECVERR",
		       strerror(errno));
}

static bool udp_is_prohibited(const struct sock_extended_err *e)
{
	return e->ee_origin == SO_EE_ORIGIN_ICMP && e->ee_type == ICMP_DEST_UNREACH &&
	       (e->ee_code == ICMP_PKT_FILTERED || e->ee_code == ICMP_NET_ANO ||
		e->ee_code == ICMP_HOST_ANO);
}

const char *udp_error_text(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "nothing has UDP port 2048 there: it speaks no WCCP, or only at "
		       "another address";
	case EHOSTUNREACH:
		return "it cannot be reached: no route to that host";
	case ENETUNREACH:
		return "it cannot be reached: no route to its network";
	case EACCES:
		return "a packet filter on the way refuses UDP port 2048";
	case EPERM:
		return "a packet filter of this host refuses UDP port 2048";
	default:
		return NULL;
	}
}

static int udp_read_error(const struct msghdr *msg)
{
	int error = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR((struct msghdr *)msg, c)) {
		struct sock_extended_err e;

		if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
		    (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR))
			continue;
		memcpy(&e, CMSG_DATA(c), sizeof(e));
		error = udp_is_prohibited(&e) ? EACCES : (int)e.ee_errno;
	}
	return error;
}

int udp_take_error(int fd, struct addr *to)
{
	union sockaddr_any dst;
	/* The error, followed by the address of the host that reports it. */
	union {
		struct cmsghdr align;
		char octets[256];
	} control;
	char octets[1];
	struct iovec iov = { octets, sizeof(octets) };
	struct msghdr msg = {
		.msg_name = &dst,
		.msg_namelen = sizeof(dst),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	if (recvmsg(fd, &msg, MSG_ERRQUEUE) < 0)
		return 0;
	*to = sockaddr_address(&dst.any);
	return udp_read_error(&msg);
}
