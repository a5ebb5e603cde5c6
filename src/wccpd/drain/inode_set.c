/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/drain/inode_set.h"

#include <stdlib.h>

bool inode_set_add(struct inode_set *s, uint64_t inode)
{
	if (s->n == s->room) {
		size_t room = s->room ? 2 * s->room : 256;
		uint64_t *more = realloc(s->inodes, room * sizeof(*more));

		if (!more)
			return false;
		s->inodes = more;
		s->room = room;
	}
	s->inodes[s->n++] = inode;
	return true;
}

static int inode_set_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void inode_set_sort(struct inode_set *s)
{
	if (s->n)
		qsort(s->inodes, s->n, sizeof(*s->inodes), inode_set_order);
}

bool inode_set_has(const struct inode_set *s, uint64_t inode)
{
	return s->n &&
	       bsearch(&inode, s->inodes, s->n, sizeof(*s->inodes), inode_set_order);
}

void inode_set_free(struct inode_set *s)
{
	free(s->inodes);
	*s = (struct inode_set){ 0 };
}
