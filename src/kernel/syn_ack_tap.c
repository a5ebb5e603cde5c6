/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/syn_ack_tap.h"

#include "bpf/syn_ack.skel.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/stat.h>

static bool syn_ack_tap_load(struct syn_ack_tap *tap)
{
	struct stat here;

	if (tap->bpf || tap->is_impossible)
		return tap->bpf;
	if (stat("/proc/self/ns/net", &here) == 0)
		tap->bpf = syn_ack_bpf__open_and_load();
	tap->is_impossible = !tap->bpf;
	if (tap->bpf)
		tap->bpf->bss->here = (__u32)here.st_ino;
	return tap->bpf;
}

/* Read what has been seen, and forget it there. */
static void syn_ack_tap_take(struct syn_ack_tap *tap)
{
	int map = bpf_map__fd(tap->bpf->maps.syn_ack_ports);
	uint16_t port;

	tap->n_ports = 0;
	while (tap->n_ports < SYN_ACK_TAP_PORTS &&
	       bpf_map_get_next_key(map, NULL, &port) == 0) {
		bpf_map_delete_elem(map, &port);
		tap->ports[tap->n_ports++] = port;
	}
}

void syn_ack_tap_wake(struct syn_ack_tap *tap)
{
	if (tap->awake || !syn_ack_tap_load(tap))
		return;
	syn_ack_tap_take(tap);
	tap->n_ports = 0;
	tap->awake = syn_ack_bpf__attach(tap->bpf) == 0;
}

void syn_ack_tap_park(struct syn_ack_tap *tap)
{
	if (tap->awake)
		syn_ack_bpf__detach(tap->bpf);
	tap->awake = false;
}

void syn_ack_tap_free(struct syn_ack_tap *tap)
{
	syn_ack_bpf__destroy(tap->bpf);
	*tap = (struct syn_ack_tap){ 0 };
}

void syn_ack_tap_read(struct syn_ack_tap *tap, const struct addr *own)
{
	tap->n_ports = 0;
	if (!tap->bpf)
		return;
	memset(tap->bpf->bss->own, 0, sizeof(tap->bpf->bss->own));
	memcpy((uint8_t *)tap->bpf->bss->own + sizeof(own->octets) - addr_len(own), own->octets,
	       addr_len(own));
	if (tap->awake)
		syn_ack_tap_take(tap);
}
