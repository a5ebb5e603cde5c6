/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose pins those in a directory are: the one value of a map of their own. */
#ifndef WCCPD_KERNEL_PINS_IDENTITY_H
#define WCCPD_KERNEL_PINS_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

/* This never changes, so that each build can read it. */
struct pins_identity {
	uint32_t magic, layout;
	uint64_t namespace_cookie; /* 0: the kernel does not tell */
	uint64_t seed;
	uint32_t pid;
	uint32_t complete; /* everything is pinned */
};

/* Of this network namespace, with a seed of its own; without process and layout. */
void pins_identity_init(struct pins_identity *out);
/* Read it from the map; false if that holds no such thing. */
bool pins_identity_read(int map, struct pins_identity *out);

#endif
