/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The UDP socket that WCCP messages go through. */
#include "udp.h"

#include "wccp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in to_sockaddr(const struct addr *a)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(WCCP_PORT),
		.sin_addr.s_addr = htonl(addr_to_v4(a)),
	};
}

/* Linux sends datagrams of sockets that do path MTU discovery with an IP
 * identification of 0, and IOS drops those as duplicates of each other. */
static int set_options(int fd, struct err *err)
{
	int discover = IP_PMTUDISC_DONT, on = 1;

	if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof discover) < 0)
		return err_set(err, "IP_MTU_DISCOVER: %s", strerror(errno));
	if (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on) < 0)
		return err_set(err, "IP_FREEBIND: %s", strerror(errno));
	return 0;
}

int udp_open(const struct addr *self, struct err *err)
{
	struct sockaddr_in sin = to_sockaddr(self);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, "UDP socket: %s", strerror(errno));
	if (set_options(fd, err) < 0)
		goto fail;
	if (bind(fd, (struct sockaddr *)&sin, sizeof sin) < 0) {
		err_set(err, "cannot bind to %s port %d: %s", ADDR_TEXT(self), WCCP_PORT,
			strerror(errno));
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return -1;
}

ssize_t udp_receive(int fd, void *octets, size_t size, struct addr *from)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof sin;
	ssize_t n = recvfrom(fd, octets, size, 0, (struct sockaddr *)&sin, &len);

	if (n >= 0)
		*from = addr_v4(ntohl(sin.sin_addr.s_addr));
	return n;
}

int udp_send(int fd, const struct addr *to, const void *octets, size_t len,
	     struct err *err)
{
	struct sockaddr_in sin = to_sockaddr(to);

	if (sendto(fd, octets, len, 0, (struct sockaddr *)&sin, sizeof sin) < 0)
		return err_set(err, "cannot send to %s: %s", ADDR_TEXT(to), strerror(errno));
	return 0;
}
