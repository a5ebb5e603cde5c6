/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Redirect lists, from the configuration to the packet path. */
#include "wccprouter/forward/redirect_list.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

_Static_assert((int)ROUTERD_MAX_RULES == (int)ROUTER_MAX_RULES, "room for each rule");

/* The mask of the first `bits` bits of 128. */
static struct packet_addr redirect_list_mask_of(unsigned bits)
{
	struct packet_addr m = { { 0 } };

	for (unsigned i = 0; i < bits; i++)
		m.words[i / 32] |= htonl(1u << (31 - i % 32));
	return m;
}

static struct router_rule_end
redirect_list_render_end(const struct redirect_rule_end *e)
{
	/* IPv4 addresses are the last 32 of 128 bits. */
	unsigned before = e->prefix.family == ADDR_V4 ? 96 : 0;

	return (struct router_rule_end){
		.prefix = packet_addr_of(&e->prefix),
		.mask = redirect_list_mask_of(before + e->bits),
		.low = e->low,
		.span = (__u16)(e->high - e->low),
	};
}

void redirect_list_render(const struct routerd_conf_service *service,
			  struct router_list *out)
{
	memset(out, 0, sizeof(*out));
	out->n = service->n_rules;
	for (unsigned i = 0; i < service->n_rules; i++) {
		const struct redirect_rule *r = &service->rules[i];

		out->rules[i] = (struct router_rule){
			.src = redirect_list_render_end(&r->src),
			.dst = redirect_list_render_end(&r->dst),
			.permit = r->permit,
			.has_ports = r->src.has_ports || r->dst.has_ports,
			.has_protocol = r->has_protocol,
			.protocol = r->protocol,
		};
	}
}

int redirect_list_fill(int fd, const struct routerd_conf *conf, struct err *err)
{
	struct router_list list;

	for (__u32 i = 0; i < conf->n_services; i++) {
		redirect_list_render(&conf->services[i], &list);
		if (bpf_map_update_elem(fd, &i, &list, BPF_ANY) < 0)
			return err_set(err, "eBPF map: %s", strerror(errno));
	}
	return 0;
}
