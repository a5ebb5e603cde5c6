/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rtnl/nft_monitor.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NFT_MONITOR_READS_MAX = 64 }; /* in one call; more leave it readable */

int nft_monitor_open(struct err *err)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	const int group = NFNLGRP_NFTABLES;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_NETFILTER);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0 &&
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) == 0)
		return fd;
	err_set(err, "changes of the packet filter are not told: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

bool nft_monitor_read(int fd)
{
	char octets[8192]; /* cut off or not, it has arrived */
	bool changed = false;
	ssize_t n;

	for (int i = 0; i < NFT_MONITOR_READS_MAX; i++) {
		n = recv(fd, octets, sizeof(octets), 0);
		if (n < 0 && errno != ENOBUFS)
			break;
		changed = true;
	}
	return changed;
}
