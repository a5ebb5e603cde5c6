/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/interface_ioctl.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int interface_ioctl(const char *name, unsigned long request, struct ifreq *req)
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
