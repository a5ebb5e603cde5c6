/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/ingress/ingress_answers.h"

#include "bpf/ingress/ingress_maps.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>

unsigned ingress_answers_read(int map, struct dp_answer *out, unsigned room)
{
	struct ingress_answer value;
	struct packet_addr key, next;
	unsigned n = 0;

	for (int rc = bpf_map_get_next_key(map, NULL, &key); rc == 0 && n < room;
	     rc = bpf_map_get_next_key(map, &key, &next), key = next)
		if (bpf_map_lookup_elem(map, &key, &value) == 0)
			out[n++] = (struct dp_answer){ packet_addr_to(&key),
						       { (int64_t)value.at } };
	return n;
}
