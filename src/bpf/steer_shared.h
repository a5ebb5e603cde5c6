/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maps that the ingress program and the steering program share.  The driver loads the
 * steering program first and hands its maps to the other one.
 */
#ifndef WCCPD_BPF_STEER_SHARED_H
#define WCCPD_BPF_STEER_SHARED_H

#include "bpf/steer_maps.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* Prefixes that are the box's own. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, STEER_OWN_PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct steer_prefix);
	__type(value, __u8);
} own_prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct steer_probe);
} probes SEC(".maps");

#endif
