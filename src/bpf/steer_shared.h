/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Maps that the steering and the ingress program share.  The steering driver creates
 * them and passes them to the ingress driver. */
#ifndef WCCPD_BPF_STEER_SHARED_H
#define WCCPD_BPF_STEER_SHARED_H

#include "bpf/own_prefixes.h"
#include "bpf/proof_maps.h"
#include "bpf/steer_maps.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct steer_probe);
} probes SEC(".maps");

/* With each listener, its slot of the SOCKMAP: it says who completes a handshake without
 * asking for it once more. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} listener_slots SEC(".maps");

/* Per pool. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STEER_POOLS);
	__type(key, __u32);
	__type(value, struct steer_samples);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROOF_WAYS);
	__type(key, __u32);
	__type(value, struct proof_way);
} proofs SEC(".maps");

#endif
