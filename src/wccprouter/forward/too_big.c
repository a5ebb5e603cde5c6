/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP "fragmentation needed" (RFC 792, RFC 1191) and ICMPv6 "packet too big" (RFC
 * 4443 section 3.2), sent for the packet path.
 */
#include "wccprouter/forward/too_big.h"

#include "common/kept_sockets.h"
#include "sockaddr.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef ICMP_FILTER
#define ICMP_FILTER 1 /* linux/icmp.h, which clashes with netinet/ip_icmp.h */
#endif

struct too_big {
	int fd4, fd6; /* the latter -1 without IPv6 */
};

struct answer {
	struct icmphdr icmp;
	uint8_t quote[ROUTER_QUOTE_LEN];
};

struct answer6 {
	struct icmp6_hdr icmp;
	uint8_t quote[ROUTER_QUOTE6_LEN];
};

static int too_big_raw(enum kept_socket which, struct err *err)
{
	int fd = kept_socket(which);

	if (fd < 0)
		err_set(err, "raw socket: %s%s", strerror(errno),
			errno == EPERM ? " (needs CAP_NET_RAW)" : "");
	return fd;
}

/* They only send: let them receive no ICMP message of any type. */
static int too_big_open_all(struct too_big *t, bool v6, struct err *err)
{
	uint32_t no_type = UINT32_MAX;
	struct icmp6_filter no_type6;

	t->fd4 = too_big_raw(KEPT_ICMP, err);
	if (t->fd4 < 0)
		return -1;
	setsockopt(t->fd4, SOL_RAW, ICMP_FILTER, &no_type, sizeof(no_type));
	if (!v6)
		return 0;
	t->fd6 = too_big_raw(KEPT_ICMPV6, err);
	if (t->fd6 < 0)
		return -1;
	ICMP6_FILTER_SETBLOCKALL(&no_type6);
	setsockopt(t->fd6, IPPROTO_ICMPV6, ICMP6_FILTER, &no_type6, sizeof(no_type6));
	return 0;
}

struct too_big *too_big_open(bool v6, struct err *err)
{
	struct too_big *t = malloc(sizeof(*t));

	if (!t) {
		err_set(err, "out of memory");
		return NULL;
	}
	*t = (struct too_big){ -1, -1 };
	if (too_big_open_all(t, v6, err) == 0)
		return t;
	too_big_close(t);
	return NULL;
}

void too_big_close(struct too_big *t)
{
	free(t);
}

static uint16_t too_big_checksum(const void *octets, size_t len)
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

static void too_big_send(int fd, const void *octets, size_t len, const struct addr *to)
{
	union sockaddr_any at;
	socklen_t at_len = sockaddr_fill(to, 0, &at);

	sendto(fd, octets, len, MSG_DONTWAIT, &at.any, at_len);
}

static void too_big_answer_v4(int fd, const struct router_too_big *what)
{
	struct addr to;
	struct answer a = {
		.icmp = {
			.type = ICMP_DEST_UNREACH,
			.code = ICMP_FRAG_NEEDED,
			.un.frag.mtu = htons((uint16_t)what->mtu),
		},
	};

	memcpy(a.quote, what->quote, sizeof(a.quote));
	to = addr_from_octets(ADDR_V4, a.quote + offsetof(struct iphdr, saddr));
	a.icmp.checksum = too_big_checksum(&a, sizeof(a));
	too_big_send(fd, &a, sizeof(a), &to);
}

/* Leave the checksum, which includes the source address, to the kernel (RFC 3542
 * section 3.1). */
static void too_big_answer_v6(int fd, const struct router_too_big *what)
{
	struct addr to;
	struct answer6 a = {
		.icmp = { .icmp6_type = ICMP6_PACKET_TOO_BIG },
	};

	a.icmp.icmp6_mtu = htonl(what->mtu);
	memcpy(a.quote, what->quote, sizeof(a.quote));
	to = addr_from_octets(ADDR_V6, a.quote + offsetof(struct ip6_hdr, ip6_src));
	too_big_send(fd, &a, sizeof(a), &to);
}

void too_big_answer(const struct too_big *t, const struct router_too_big *what)
{
	if (what->v6)
		too_big_answer_v6(t->fd6, what);
	else
		too_big_answer_v4(t->fd4, what);
}
