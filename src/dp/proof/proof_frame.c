/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/proof/proof_frame.h"

#include "wccp.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

enum {
	PROOF_IP_LEN = 20,
	PROOF_IP6_LEN = 40,
	PROOF_TCP_LEN = 20,
	PROOF_GRE_LEN = 8, /* with the redirect header */
	PROOF_TTL = 64,
	PROOF_SYN = 0x02,
};

static uint8_t *proof_put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t *proof_put32(uint8_t *at, uint32_t value)
{
	return proof_put16(proof_put16(at, value >> 16), value & 0xffff);
}

/* Internet checksum (RFC 1071) of `len` octets, an even number, on top of `sum`. */
static uint16_t proof_checksum(const uint8_t *octets, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)octets[i] << 8 | octets[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static uint8_t *proof_put_addr(uint8_t *at, const struct addr *a)
{
	memcpy(at, a->octets, addr_len(a));
	return at + addr_len(a);
}

/* An IP header without options for `payload` octets. */
static uint8_t *proof_put_ip4(uint8_t *at, const struct addr *from, const struct addr *to,
			      uint8_t protocol, size_t payload)
{
	uint8_t *ip = at;

	*at++ = 0x45;
	*at++ = 0;
	at = proof_put16(at, (uint32_t)(PROOF_IP_LEN + payload));
	at = proof_put32(at, 0); /* identification; a fragment of nothing */
	*at++ = PROOF_TTL;
	*at++ = protocol;
	at = proof_put16(at, 0);
	at = proof_put_addr(proof_put_addr(at, from), to);
	proof_put16(ip + 10, proof_checksum(ip, PROOF_IP_LEN, 0));
	return at;
}

static uint8_t *proof_put_ip6(uint8_t *at, const struct addr *from, const struct addr *to,
			      uint8_t protocol, size_t payload)
{
	at = proof_put32(at, 6U << 28);
	at = proof_put16(at, (uint32_t)payload);
	*at++ = protocol;
	*at++ = PROOF_TTL;
	return proof_put_addr(proof_put_addr(at, from), to);
}

static uint8_t *proof_put_ip(uint8_t *at, const struct addr *from, const struct addr *to,
			     uint8_t protocol, size_t payload)
{
	return from->family == ADDR_V6 ? proof_put_ip6(at, from, to, protocol, payload)
				       : proof_put_ip4(at, from, to, protocol, payload);
}

static uint8_t *proof_put_gre(uint8_t *at, const struct proof_frame *f)
{
	at = proof_put16(at, 0);
	at = proof_put16(at, WCCP_GRE_PROTO);
	*at++ = f->service_type == WCCP_SERVICE_DYNAMIC ? WCCP_RH_DYNAMIC : 0;
	*at++ = f->service_id;
	return proof_put16(at, 0);
}

static uint8_t *proof_put_syn(uint8_t *at, const struct proof_frame *f)
{
	uint8_t addrs[2 * sizeof(f->from.octets)] = { 0 }, *end;
	uint8_t *tcp = at;

	at = proof_put16(at, f->from_port);
	at = proof_put16(at, f->to_port);
	at = proof_put32(at, f->sequence);
	at = proof_put32(at, 0);
	*at++ = PROOF_TCP_LEN / 4 << 4;
	*at++ = PROOF_SYN;
	at = proof_put16(at, UINT16_MAX); /* window */
	at = proof_put32(at, 0);	  /* checksum, urgent pointer */
	end = proof_put_addr(proof_put_addr(addrs, &f->from), &f->to);
	proof_put16(tcp + 16,
		    proof_checksum(tcp, PROOF_TCP_LEN,
				   IPPROTO_TCP + PROOF_TCP_LEN +
					   (uint16_t)~proof_checksum(
						   addrs, (size_t)(end - addrs), 0)));
	return at;
}

size_t proof_frame_write(const struct proof_frame *f, uint8_t out[PROOF_FRAME_MAX])
{
	uint8_t *at = out;

	memcpy(at, f->to_mac, ETH_ALEN);
	memcpy(at + ETH_ALEN, f->from_mac, ETH_ALEN);
	at = proof_put16(at + 2 * ETH_ALEN, f->from.family == ADDR_V6 ? ETH_P_IPV6 : ETH_P_IP);
	if (f->by_gre) {
		at = proof_put_ip(at, &f->outer_from, &f->outer_to, IPPROTO_GRE,
				  PROOF_GRE_LEN + PROOF_TCP_LEN +
					  (f->from.family == ADDR_V6 ? PROOF_IP6_LEN
								     : PROOF_IP_LEN));
		at = proof_put_gre(at, f);
	}
	at = proof_put_ip(at, &f->from, &f->to, IPPROTO_TCP, PROOF_TCP_LEN);
	at = proof_put_syn(at, f);
	return (size_t)(at - out);
}
