/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/ingress/ingress_strangers.h"

#include "bpf/ingress/ingress_maps.h"

#include <bpf/bpf.h>
#include <string.h>

static void ingress_strangers_name(const struct ingress_stranger_key *key,
				   struct dp_stranger *out)
{
	uint32_t first = (uint32_t)key->mac;
	uint16_t last = (uint16_t)(key->mac >> 32);

	out->by_mac = key->mac;
	if (!out->by_mac) {
		out->addr = packet_addr_to(&key->addr);
		return;
	}
	memcpy(out->mac, &first, sizeof(first));
	memcpy(out->mac + sizeof(first), &last, sizeof(last));
}

unsigned ingress_strangers_take(int map, struct dp_stranger *out, unsigned room)
{
	struct ingress_stranger_key keys[DP_MAX_STRANGERS];
	unsigned n = 0, taken = 0;

	while (n < DP_MAX_STRANGERS && n < room &&
	       bpf_map_get_next_key(map, n ? &keys[n - 1] : NULL, &keys[n]) == 0)
		n++;
	for (unsigned i = 0; i < n; i++) {
		struct ingress_stranger value;

		if (bpf_map_lookup_elem(map, &keys[i], &value) < 0 ||
		    bpf_map_delete_elem(map, &keys[i]) < 0)
			continue;
		out[taken] = (struct dp_stranger){ .packets = value.packets };
		ingress_strangers_name(&keys[i], &out[taken++]);
	}
	return taken;
}
