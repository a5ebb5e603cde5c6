/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/syn_ack_tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TAP_PROTOCOL = 9, /* offsets in an IPv4 header */
	TAP_SOURCE = 12,
	TAP_FLAGS = 13, /* in a TCP header */
	TAP_SYN_ACK = 0x12,
	TAP_HEADERS = 64 + 20, /* IPv4 with options, TCP */
	TAP_TAKEN_MAX = 256, /* in one call */
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

int syn_ack_tap_open(struct err *err)
{
	const struct sock_fprog program = {
		.len = sizeof(syn_ack_tap_filter) / sizeof(syn_ack_tap_filter[0]),
		.filter = syn_ack_tap_filter,
	};
	const struct sockaddr_ll all = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL), /* of others, only what comes in */
	};
	/* Protocol 0: it sees nothing until the filter is there. */
	int tap = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (tap >= 0 &&
	    setsockopt(tap, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0 &&
	    bind(tap, (const struct sockaddr *)&all, sizeof(all)) == 0)
		return tap;
	err_set(err, "cannot look for outgoing SYN-ACKs: %s", strerror(errno));
	if (tap >= 0)
		close(tap);
	return -1;
}

bool syn_ack_tap_seen(int tap, const struct addr *own,
		      bool (*wanted)(void *arg, uint16_t port), void *arg)
{
	uint8_t packet[TAP_HEADERS];
	bool seen = false;
	ssize_t n;

	for (int i = 0; i < TAP_TAKEN_MAX; i++) {
		struct addr from;
		size_t l4;

		n = recv(tap, packet, sizeof(packet), 0);
		if (n < 0)
			break;
		l4 = (size_t)(packet[0] & 0x0f) * 4;
		if ((size_t)n < l4 + 2 || (size_t)n < TAP_SOURCE + 4)
			continue;
		from = addr_from_octets(ADDR_V4, packet + TAP_SOURCE);
		if (!addr_equal(&from, own) &&
		    wanted(arg, (uint16_t)(packet[l4] << 8 | packet[l4 + 1])))
			seen = true;
	}
	return seen;
}
