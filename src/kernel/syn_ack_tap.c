/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/syn_ack_tap.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

enum {
	TAP_PROTOCOL = 9, /* offsets in an IPv4 header */
	TAP_SOURCE = 12,
	TAP_FLAGS = 13, /* in a TCP header */
	TAP_SYN_ACK = 0x12,
	TAP_HEADERS = 64 + 20, /* IPv4 with options, TCP */
	TAP_TAKEN_MAX = 1024, /* in one call */
};

/* Outgoing, IPv4, TCP, SYN and ACK.  The data begins with the IPv4 header. */
static struct sock_filter syn_ack_tap_filter[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 9),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 7),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, TAP_PROTOCOL),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 5),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
	BPF_STMT(BPF_LD | BPF_B | BPF_IND, TAP_FLAGS),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TAP_SYN_ACK),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TAP_SYN_ACK, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, TAP_HEADERS),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

/* Only an unusual protocol is left when it is parked: 0 would mean the one it has. */
enum { TAP_PARKED = 0x88b5 /* local experimental, IEEE 802 */ };

void syn_ack_tap_init(struct syn_ack_tap *tap, int fd)
{
	*tap = (struct syn_ack_tap){ .fd = fd };
}

static int syn_ack_tap_bind(const struct syn_ack_tap *tap, uint16_t protocol)
{
	const struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
	};

	return bind(tap->fd, (const struct sockaddr *)&at, sizeof(at));
}

void syn_ack_tap_wake(struct syn_ack_tap *tap)
{
	const struct sock_fprog program = {
		.len = sizeof(syn_ack_tap_filter) / sizeof(syn_ack_tap_filter[0]),
		.filter = syn_ack_tap_filter,
	};

	if (!tap->awake && tap->fd >= 0)
		/* Of others, ETH_P_ALL sees only what comes in. */
		tap->awake = setsockopt(tap->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
					sizeof(program)) == 0 &&
			     syn_ack_tap_bind(tap, ETH_P_ALL) == 0;
}

void syn_ack_tap_park(struct syn_ack_tap *tap)
{
	uint8_t octet;

	if (!tap->awake)
		return;
	tap->awake = false;
	syn_ack_tap_bind(tap, TAP_PARKED);
	while (recv(tap->fd, &octet, sizeof(octet), 0) >= 0)
		;
}

static void syn_ack_tap_note(struct syn_ack_tap *tap, uint16_t port)
{
	for (unsigned i = 0; i < tap->n_ports; i++)
		if (tap->ports[i] == port)
			return;
	if (tap->n_ports < SYN_ACK_TAP_PORTS)
		tap->ports[tap->n_ports++] = port;
}

void syn_ack_tap_read(struct syn_ack_tap *tap, const struct addr *own)
{
	uint8_t packet[TAP_HEADERS];
	ssize_t n;

	tap->n_ports = 0;
	for (int i = 0; tap->awake && i < TAP_TAKEN_MAX; i++) {
		struct addr from;
		size_t l4;

		n = recv(tap->fd, packet, sizeof(packet), 0);
		if (n < 0)
			break;
		l4 = (size_t)(packet[0] & 0x0f) * 4;
		if ((size_t)n < l4 + 2 || (size_t)n < TAP_SOURCE + 4)
			continue;
		from = addr_from_octets(ADDR_V4, packet + TAP_SOURCE);
		if (!addr_equal(&from, own))
			syn_ack_tap_note(tap, (uint16_t)(packet[l4] << 8 | packet[l4 + 1]));
	}
}
