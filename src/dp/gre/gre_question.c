/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/gre/gre_question.h"

#include "bpf/ingress/ingress_maps.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* TEST-NET-3 (RFC 5737): nobody has a flow to there. */
enum { GRE_QUESTION_SERVER = 0xcb007171, GRE_QUESTION_PORT = 2048 };

/* The kernel adds the outer header. */
struct gre_question {
	struct packet_gre_redirect gre;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static uint16_t gre_question_checksum(const void *octets, unsigned len)
{
	const uint8_t *o = octets;
	uint32_t sum = 0;

	for (unsigned i = 0; i < len; i += 2)
		sum += (uint32_t)(o[i] << 8 | o[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t) ~(sum + (sum >> 16)));
}

static struct iphdr gre_question_ip(uint32_t src, uint32_t dst)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.tot_len = htons(sizeof(ip) + sizeof(struct tcphdr)),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
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
		.gre = {
			.gre.protocol = htons(WCCP_GRE_PROTO),
			.redirect = { .bits = (uint8_t)(INGRESS_TRY_ANSWER
								<< INGRESS_RH_TRY_SHIFT |
							(dynamic ? WCCP_RH_DYNAMIC : 0)),
				      .service = service->id },
		},
		.ip = gre_question_ip(addr_to_v4(self), GRE_QUESTION_SERVER),
		.tcp = { .source = htons(GRE_QUESTION_PORT),
			 .dest = htons(dynamic ? service->ports[0] : 80),
			 .doff = 5,
			 .ack = 1 },
	};
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(addr_to_v4(cache)) };

	(void)!sendto(fd, &q, sizeof(q), 0, (struct sockaddr *)&to, sizeof(to));
}

bool gre_question_is(const uint8_t *octets, size_t len)
{
	struct gre_question q;

	if (len < sizeof(q))
		return false;
	memcpy(&q, octets, sizeof(q));
	return q.ip.daddr == htonl(GRE_QUESTION_SERVER) &&
	       q.tcp.source == htons(GRE_QUESTION_PORT);
}
