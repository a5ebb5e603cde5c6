/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP "fragmentation needed", sent for the packet path (RFC 792, RFC 1191). */
#include "toobig.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>

#ifndef ICMP_FILTER
#define ICMP_FILTER 1 /* linux/icmp.h, which clashes with netinet/ip_icmp.h */
#endif

struct answer {
	struct icmphdr icmp;
	uint8_t quote[ROUTER_QUOTE_LEN];
};

int toobig_open(struct err *err)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	uint32_t no_type = UINT32_MAX;

	if (fd < 0)
		return err_set(err, "raw socket: %s", strerror(errno));
	/* It only sends: let it receive no ICMP message of any type. */
	setsockopt(fd, SOL_RAW, ICMP_FILTER, &no_type, sizeof(no_type));
	return fd;
}

static uint16_t checksum(const void *octets, size_t len)
{
	const uint8_t *at = octets;
	uint32_t sum = 0;
	uint16_t word;

	for (; len; len -= sizeof(word), at += sizeof(word)) { /* len is even */
		memcpy(&word, at, sizeof(word));
		sum += word;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

void toobig_answer(int fd, const struct router_too_big *what)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct answer a = {
		.icmp = {
			.type = ICMP_DEST_UNREACH,
			.code = ICMP_FRAG_NEEDED,
			.un.frag.mtu = htons((uint16_t)what->mtu),
		},
	};

	memcpy(a.quote, what->quote, sizeof(a.quote));
	memcpy(&to.sin_addr, a.quote + offsetof(struct iphdr, saddr), 4);
	a.icmp.checksum = checksum(&a, sizeof(a));
	sendto(fd, &a, sizeof(a), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
}
