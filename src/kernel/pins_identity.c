/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/pins_identity.h"

#include <bpf/bpf.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define PINS_MAGIC 0x57434350 /* "WCCP" */

static const uint32_t pins_identity_key;

static uint64_t pins_identity_cookie(void)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (s < 0 || getsockopt(s, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		cookie = 0;
	if (s >= 0)
		close(s);
	return cookie;
}

bool pins_identity_read(int map, struct pins_identity *out)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	return map >= 0 && bpf_obj_get_info_by_fd(map, &info, &len) == 0 &&
	       info.type == BPF_MAP_TYPE_ARRAY && info.value_size == sizeof(*out) &&
	       bpf_map_lookup_elem(map, &pins_identity_key, out) == 0 &&
	       out->magic == PINS_MAGIC;
}

void pins_identity_init(struct pins_identity *out)
{
	*out = (struct pins_identity){
		.magic = PINS_MAGIC,
		.namespace_cookie = pins_identity_cookie(),
	};
	if (getrandom(&out->seed, sizeof(out->seed), GRND_NONBLOCK) !=
	    sizeof(out->seed))
		out->seed = (uint64_t)getpid(); /* too early after boot */
}
