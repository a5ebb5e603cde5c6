/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of inodes, of sockets. */
#ifndef WCCPD_WCCPD_DRAIN_INODE_SET_H
#define WCCPD_WCCPD_DRAIN_INODE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inode_set {
	size_t n, room;
	uint64_t *inodes;
};

/* false: memory is short. */
bool inode_set_add(struct inode_set *s, uint64_t inode);
/* To be called when all have been added. */
void inode_set_sort(struct inode_set *s);
bool inode_set_has(const struct inode_set *s, uint64_t inode);
void inode_set_free(struct inode_set *s);

#endif
