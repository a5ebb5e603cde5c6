/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/proof/proof_round.h"

#include "bpf/packet.h"
#include "bpf/proof_maps.h"

#include <arpa/inet.h>
#include <string.h>

/* A service without ports takes any; this one stands for all of them. */
enum { PROOF_ANY_PORT = 80 };

/* The `i`-th port of a service; 0: it has fewer.  Services that do not open connections
 * to us, such as answers of origins or UDP, have none. */
static uint16_t proof_round_port(const struct plan_service *from, unsigned i)
{
	struct packet_service s;

	packet_service_set(&s, &from->service);
	if ((s.protocol && s.protocol != IPPROTO_TCP) ||
	    (!s.protocol && s.flags & WCCP_F_ONLY_PROTOCOL_0))
		return 0;
	if (!(s.flags & WCCP_F_PORTS_DEFINED) || s.protocol != IPPROTO_TCP)
		return i == 0 ? PROOF_ANY_PORT : 0;
	if (s.flags & WCCP_F_PORTS_SOURCE || i >= WCCP_MAX_PORTS)
		return 0;
	return ntohs(s.ports[i]);
}

bool proof_round_serves(const struct plan_service *s, uint16_t port)
{
	uint16_t each;

	for (unsigned i = 0; (each = proof_round_port(s, i)); i++)
		if (each == port)
			return true;
	return !(s->service.flags & WCCP_F_PORTS_DEFINED) &&
	       s->service.type == WCCP_SERVICE_DYNAMIC;
}

static bool proof_round_next_port(struct proof_round *r, const struct plan *plan,
				  struct proof_target *out)
{
	while (r->service < plan->n_services) {
		uint16_t port = proof_round_port(&plan->services[r->service], r->port);

		if (port) {
			*out = (struct proof_target){
				.service = r->service,
				.router = -1,
				.port = port,
			};
			r->port++;
			return true;
		}
		r->service++;
		r->port = 0;
	}
	return false;
}

bool proof_round_next(struct proof_round *r, const struct plan *plan,
		      struct proof_target *out)
{
	if (proof_round_next_port(r, plan, out))
		return true;
	while (r->router < plan->n_routers) {
		unsigned i = r->router++;
		unsigned service = plan->routers[i].service;
		uint16_t port = proof_round_port(&plan->services[service], 0);

		if (!port || plan->routers[i].guessed)
			continue;
		*out = (struct proof_target){
			.service = service,
			.router = (int)i,
			.port = port,
		};
		return true;
	}
	return false;
}

void proof_round_frame(const struct proof_target *t, const struct plan *plan,
		       const struct facts *facts, struct proof_frame *out)
{
	const struct wccp_service *s = &plan->services[t->service].service;
	const struct plan_router *r = t->router < 0 ? NULL : &plan->routers[t->router];

	*out = (struct proof_frame){
		.service_type = s->type,
		.service_id = s->id,
		.outer_to = plan->self,
		.to_port = t->port,
	};
	memcpy(out->to_mac, facts->links[r ? facts->macs[t->router].link : 0].mac, sizeof(out->to_mac));
	memcpy(out->from_mac, facts->proof_mac, sizeof(out->from_mac));
	out->from = plan->services[t->service].proof_source;
	if (out->from.family != plan->self.family)
		out->from = facts->proof_source;
	if (!r)
		return;
	out->by_gre = r->forward & WCCP_METHOD_GRE;
	out->from = r->address;
	out->outer_from = r->id;
	if (facts->macs[t->router].state == NEIGHBOUR_KNOWN)
		memcpy(out->from_mac, facts->macs[t->router].octets,
		       sizeof(out->from_mac));
}
