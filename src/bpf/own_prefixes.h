/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The prefixes that are the box's own: maps of the steering program, whose driver passes
 * them to those of the other programs. */
#ifndef WCCPD_BPF_OWN_PREFIXES_H
#define WCCPD_BPF_OWN_PREFIXES_H

#include "bpf/steer_maps.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, STEER_OWN_PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct steer_prefix);
	__type(value, __u8); /* enum ingress_place */
} own_prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, STEER_OWN_PREFIXES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct steer_prefix6);
	__type(value, __u8);
} own_prefixes6 SEC(".maps");

#endif
