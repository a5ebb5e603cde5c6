/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to an interface that need no netlink: its hardware address, its offloads.
 */
#ifndef WCCPD_KERNEL_INTERFACE_IOCTL_H
#define WCCPD_KERNEL_INTERFACE_IOCTL_H

struct ifreq;

/* ioctl() about the interface `name`, which is put into `req`; -1 with errno. */
int interface_ioctl(const char *name, unsigned long request, struct ifreq *req);

#endif
