/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/gre/gre_question.h"

#include "bpf/ingress_maps.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* TEST-NET-3 (RFC 5737): nobody has a flow to there. */
enum { GRE_QUESTION_SERVER = 0xcb007171, GRE_QUESTION_PORT = 2048 };

struct gre_question {
	struct iphdr outer;
	struct packet_gre_redirect gre;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

int gre_question_open(struct err *err)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);

	return fd < 0 ? err_set(err, "raw socket: %s", strerror(errno)) : fd;
}

static uint16_t gre_question_checksum(const void *octets, unsigned len)
{
	const uint8_t *o = octets;
	uint32_t sum = 0;

	for (unsigned i = 0; i < len; i += 2)
		sum += (uint32_t)(o[i] << 8 | o[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t) ~(sum + (sum >> 16)));
}

static struct iphdr gre_question_ip(uint32_t src, uint32_t dst, uint8_t protocol,
				    unsigned len)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons((uint16_t)len),
		.ttl = 64,
		.protocol = protocol,
		.saddr = htonl(src),
		.daddr = htonl(dst),
	};

	ip.check = gre_question_checksum(&ip, sizeof(ip));
	return ip;
}

void gre_question_ask(int fd, const struct addr *self, const struct addr *cache,
		      const struct wccp_service *service)
{
	bool dynamic = service->type == WCCP_SERVICE_DYNAMIC;
	struct gre_question q = {
		.outer = gre_question_ip(addr_to_v4(self), addr_to_v4(cache), IPPROTO_GRE,
					 sizeof(q)),
		.gre = {
			.gre.protocol = htons(WCCP_GRE_PROTO),
			.redirect = { .bits = (uint8_t)(INGRESS_TRY_ANSWER
								<< INGRESS_RH_TRY_SHIFT |
							(dynamic ? WCCP_RH_DYNAMIC : 0)),
				      .service = service->id },
		},
		.ip = gre_question_ip(addr_to_v4(self), GRE_QUESTION_SERVER, IPPROTO_TCP,
				      sizeof(q.ip) + sizeof(q.tcp)),
		.tcp = { .source = htons(GRE_QUESTION_PORT),
			 .dest = htons(dynamic ? service->ports[0] : 80),
			 .doff = 5,
			 .ack = 1 },
	};
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = q.outer.daddr };

	(void)!sendto(fd, &q, sizeof(q), 0, (struct sockaddr *)&to, sizeof(to));
}
