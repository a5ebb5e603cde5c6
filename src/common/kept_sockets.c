/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/kept_sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* "3,-1,4,-1": descriptors, in the order of enum kept_socket. */
#define KEPT_VARIABLE "WCCP_KEPT_SOCKETS"

static struct {
	int fd; /* -1: there is none ... */
	int error; /* ... and why */
} kept[KEPT_SOCKETS] = {
	[KEPT_GRE] = { -1, EPERM },
	[KEPT_ICMP] = { -1, EPERM },
	[KEPT_ICMPV6] = { -1, EPERM },
	[KEPT_UDP4] = { -1, 0 },
	[KEPT_UDP6] = { -1, 0 },
	[KEPT_CONTROL] = { -1, 0 },
};

static const struct {
	int family, type, protocol;
} kinds[KEPT_SOCKETS] = {
	[KEPT_GRE] = { AF_INET, SOCK_RAW, IPPROTO_GRE },
	[KEPT_ICMP] = { AF_INET, SOCK_RAW, IPPROTO_ICMP },
	[KEPT_ICMPV6] = { AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 },
	[KEPT_UDP4] = { AF_INET, SOCK_DGRAM, IPPROTO_UDP },
	[KEPT_UDP6] = { AF_INET6, SOCK_DGRAM, IPPROTO_UDP },
	[KEPT_CONTROL] = { AF_UNIX, SOCK_STREAM, 0 },
};

static bool kept_has(int fd, int option, int value)
{
	socklen_t len = sizeof(int);
	int is = -1;

	return getsockopt(fd, SOL_SOCKET, option, &is, &len) == 0 && is == value;
}

static bool kept_is_of_kind(int fd, unsigned i)
{
	return kept_has(fd, SO_DOMAIN, kinds[i].family) &&
	       kept_has(fd, SO_TYPE, kinds[i].type) &&
	       kept_has(fd, SO_PROTOCOL, kinds[i].protocol);
}

static void kept_take_over(const char *list)
{
	for (unsigned i = 0; i < KEPT_SOCKETS && list; i++) {
		int fd = atoi(list);

		if (fd > STDERR_FILENO && kept_is_of_kind(fd, i)) {
			kept[i].fd = fd;
			fcntl(fd, F_SETFD, FD_CLOEXEC);
		}
		list = strchr(list, ',');
		list = list ? list + 1 : NULL;
	}
}

void kept_sockets_open(unsigned which)
{
	kept_take_over(getenv(KEPT_VARIABLE));
	unsetenv(KEPT_VARIABLE);
	for (unsigned i = 0; i < KEPT_SOCKETS; i++) {
		if (!(which & 1u << i) || kept[i].fd >= 0)
			continue;
		kept[i].fd = socket(kinds[i].family,
				    kinds[i].type | SOCK_CLOEXEC | SOCK_NONBLOCK,
				    kinds[i].protocol);
		kept[i].error = errno;
	}
}

int kept_socket(enum kept_socket which)
{
	errno = kept[which].error;
	return kept[which].fd;
}

int kept_socket_take(enum kept_socket which)
{
	int fd = kept[which].fd;

	kept[which].fd = -1;
	return fd;
}

void kept_socket_lend(enum kept_socket which, int fd)
{
	kept[which].fd = fd;
}

void kept_sockets_hand_on(void)
{
	char list[KEPT_SOCKETS * 12] = "";
	size_t len = 0;

	for (unsigned i = 0; i < KEPT_SOCKETS; i++) {
		if (kept[i].fd >= 0)
			fcntl(kept[i].fd, F_SETFD, 0);
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%d",
					i ? "," : "", kept[i].fd);
	}
	setenv(KEPT_VARIABLE, list, 1);
}
