/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers for eBPF maps. */
#include "kernel/bpf_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool bpf_maps_is_wanted(const void *key, const uint8_t *keys, size_t key_size,
			       unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (memcmp(keys + i * key_size, key, key_size) == 0)
			return true;
	return false;
}

static void bpf_maps_remove_others(int fd, const uint8_t *keys, size_t key_size,
				   unsigned n)
{
	uint8_t key[16], previous[16];
	void *from = NULL;

	while (bpf_map_get_next_key(fd, from, key) == 0) {
		if (bpf_maps_is_wanted(key, keys, key_size, n)) {
			memcpy(previous, key, key_size);
			from = previous;
		} else {
			/* The iteration resumes after `from`, which is still in the
			 * map. */
			bpf_map_delete_elem(fd, key);
		}
	}
}

int bpf_maps_sync(int fd, const void *keys, size_t key_size, const void *values,
		  size_t value_size, unsigned n, struct err *err)
{
	const uint8_t *key = keys, *value = values;
	unsigned i;

	for (i = 0; i < n; i++)
		if (bpf_map_update_elem(fd, key + i * key_size, value + i * value_size,
					BPF_ANY) < 0)
			return err_set(err, "eBPF map: %s", strerror(errno));
	bpf_maps_remove_others(fd, keys, key_size, n);
	return 0;
}

int bpf_maps_sum(int fd, const void *key, unsigned long long *sum, unsigned n)
{
	int cpus = libbpf_num_possible_cpus(), cpu;
	uint64_t *values;
	unsigned i;
	int r = -1;

	memset(sum, 0, n * sizeof(*sum));
	values = cpus > 0 ? calloc((size_t)cpus * n, sizeof(*values)) : NULL;
	if (values && bpf_map_lookup_elem(fd, key, values) == 0) {
		for (cpu = 0; cpu < cpus; cpu++)
			for (i = 0; i < n; i++)
				sum[i] += values[(size_t)cpu * n + i];
		r = 0;
	}
	free(values);
	return r;
}
