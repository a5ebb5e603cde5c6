/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/gre/gre_raw.h"

#include "dp/gre/gre_question.h"
#include "wccp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>

#ifndef IP_RECVFRAGSIZE
#define IP_RECVFRAGSIZE 25
#endif

enum {
	GRE_RAW_HEADERS = 8,	    /* GRE and redirect header, in octets */
	GRE_RAW_LONGEST = 65535,    /* an IPv4 packet */
	GRE_RAW_ROOM = 1024 * 1024, /* of the socket: a burst, no more */
};

/* -- opening ------------------------------------------------------------------------- */

/* Other GRE does not concern us.  Raw sockets see packets from the IP header on. */
static int gre_raw_attach_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* length of the IP header */
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0),
		/* No flags, as WCCP has none (2.0 section 4.12.1). */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, WCCP_GRE_PROTO, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, GRE_RAW_LONGEST),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int gre_raw_set_up(int fd, const struct addr *self, struct err *err)
{
	const int on = 1, room = GRE_RAW_ROOM;
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(addr_to_v4(self)),
	};

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (gre_raw_attach_filter(fd) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) == 0 &&
	    setsockopt(fd, IPPROTO_IP, IP_RECVFRAGSIZE, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return 0;
	return err_set(err, "raw socket for GRE: %s", strerror(errno));
}

/* -- reading ------------------------------------------------------------------------- */

static void gre_raw_take_notes(struct msghdr *msg, struct gre_raw_packet *out)
{
	struct cmsghdr *c;
	struct in_pktinfo info;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != IPPROTO_IP)
			continue;
		if (c->cmsg_type ==
		    IP_RECVFRAGSIZE) /* of whole packets there is none */
			out->was_fragmented = true;
		if (c->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			out->ifindex = (unsigned)info.ipi_ifindex;
		}
	}
}

/* Check everything again: packets may have arrived before the filter was attached. */
static bool gre_raw_parse(const uint8_t *octets, size_t len, struct gre_raw_packet *out)
{
	struct iphdr ip;
	const uint8_t *gre;

	if (len < sizeof(ip))
		return false;
	memcpy(&ip, octets, sizeof(ip));
	if (ip.version != 4 || ip.ihl < 5 || len < ip.ihl * 4u + GRE_RAW_HEADERS)
		return false;
	gre = octets + ip.ihl * 4u;
	if (gre[0] || gre[1] || (gre[2] << 8 | gre[3]) != WCCP_GRE_PROTO)
		return false;
	out->from = addr_v4(ntohl(ip.saddr));
	out->service_type =
		gre[4] & WCCP_RH_DYNAMIC ? WCCP_SERVICE_DYNAMIC : WCCP_SERVICE_STANDARD;
	out->service_id = gre[5];
	out->is_question = gre_question_is(gre, len - ip.ihl * 4u);
	out->octets = octets;
	out->len = len;
	return true;
}

bool gre_raw_read(int fd, struct gre_raw_packet *out)
{
	static uint8_t octets[GRE_RAW_LONGEST];
	uint8_t notes[256];
	struct iovec room = { octets, sizeof(octets) };
	struct msghdr msg = { .msg_iov = &room, .msg_iovlen = 1 };
	ssize_t n;

	do {
		msg.msg_control = notes;
		msg.msg_controllen = sizeof(notes);
		n = recvmsg(fd, &msg, 0);
		if (n < 0)
			return false;
		*out = (struct gre_raw_packet){ 0 };
	} while (!gre_raw_parse(octets, (size_t)n, out));
	gre_raw_take_notes(&msg, out);
	return true;
}
