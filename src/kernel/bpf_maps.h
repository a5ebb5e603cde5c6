/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers for eBPF maps. */
#ifndef WCCPD_KERNEL_BPF_MAPS_H
#define WCCPD_KERNEL_BPF_MAPS_H

#include "err.h"

#include <stddef.h>

/* Make a hash map hold these `n` keys (16 octets at most each) and values, and no
 * others.  Adds new keys first, then removes old ones. */
int bpf_maps_sync(int fd, const void *keys, size_t key_size, const void *values,
		  size_t value_size, unsigned n, struct err *err);

/* Sum a per-CPU value that consists of `n` 64-bit counters.  -1: no such key. */
int bpf_maps_sum(int fd, const void *key, unsigned long long *sum, unsigned n);

#endif
