/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDP socket of the router. */
#include "rudp.h"

#include "wccp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(sizeof(struct in_pktinfo))];
};

/* Without DONT, Linux gives datagrams that it may not fragment the IP
 * identification 0, which some peers take for duplicates. */
static int set_options(int fd, struct err *err)
{
	int discover = IP_PMTUDISC_DONT, on = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(discover)) <
	    0)
		return err_set(err, "IP_MTU_DISCOVER: %s", strerror(errno));
	if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) < 0)
		return err_set(err, "IP_PKTINFO: %s", strerror(errno));
	return 0;
}

int rudp_open(struct err *err)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET,
		.sin_port = htons(WCCP_PORT),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, "UDP socket: %s", strerror(errno));
	if (set_options(fd, err) == 0) {
		if (bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0)
			return fd;
		err_set(err, "UDP port %d: %s", WCCP_PORT, strerror(errno));
	}
	close(fd);
	return -1;
}

ssize_t rudp_receive(int fd, void *octets, size_t size, struct addr *from,
		     struct addr *to)
{
	struct sockaddr_in sin;
	union control control;
	struct iovec iov = { octets, size };
	struct msghdr msg = {
		.msg_name = &sin,
		.msg_namelen = sizeof(sin),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(fd, &msg, 0);
	struct cmsghdr *c;

	if (n < 0)
		return -1;
	*from = addr_v4(ntohl(sin.sin_addr.s_addr));
	*to = (struct addr){ 0 };
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		struct in_pktinfo info;

		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof(info));
		*to = addr_v4(ntohl(info.ipi_addr.s_addr));
	}
	return n;
}

int rudp_send(int fd, const struct addr *local, const struct addr *to,
	      const void *octets, size_t len, struct err *err)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(WCCP_PORT),
		.sin_addr.s_addr = htonl(addr_to_v4(to)),
	};
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(addr_to_v4(local)) };
	union control control = { .octets = { 0 } };
	struct iovec iov = { (void *)octets, len };
	struct msghdr msg = {
		.msg_name = &sin,
		.msg_namelen = sizeof(sin),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	struct cmsghdr *c;

	if (addr_is_set(local)) {
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
	}
	if (sendmsg(fd, &msg, 0) < 0)
		return err_set(err, "cannot send to %s: %s", ADDR_TEXT(to),
			       strerror(errno));
	return 0;
}
