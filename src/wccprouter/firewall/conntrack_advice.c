/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that drop packets because connection tracking has seen only half of the
 * connection. */
#include "wccprouter/firewall/conntrack_advice.h"

#include "bpf/packet.h"
#include "wccprouter/firewall/ruleset.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { SOME_PORT = 40000 /* of a client */ };

/* The findings: services whose answers are dropped, and what they need. */
struct conntrack_findings {
	uint64_t dropped, need_notrack;
	bool need_accept;
	struct ruleset_chain where, accept_where;
};

struct conntrack_text {
	char *at;
	size_t left;
};

static void __attribute__((format(printf, 2, 3)))
conntrack_print(struct conntrack_text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(t->at, t->left, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= t->left)
		n = t->left ? (int)t->left - 1 : 0;
	t->at += n;
	t->left -= (size_t)n;
}

/* -- looking ----------------------------------------------------------------------- */

/* The other direction of what the service redirects. */
static struct ruleset_packet conntrack_answer(const struct packet_service *s, bool v6)
{
	bool ports = s->flags & WCCP_F_PORTS_DEFINED && s->ports[0];
	int port = ports ? ntohs(s->ports[0]) : SOME_PORT + 1;
	bool from = !(s->flags & WCCP_F_PORTS_SOURCE); /* answers come from that port */

	return (struct ruleset_packet){
		.v6 = v6,
		.protocol = s->protocol ? s->protocol : IPPROTO_TCP,
		.sport = from ? port : SOME_PORT,
		.dport = from ? SOME_PORT : port,
	};
}

/* One way of the answers. */
static void conntrack_look(struct conntrack_findings *out, const json_t *ruleset,
			   unsigned service, struct ruleset_packet p)
{
	bool untracked = ruleset_untracks(ruleset, &p);
	struct ruleset_chain where, ignored;

	p.state = untracked ? RULESET_UNTRACKED : RULESET_INVALID;
	if (!ruleset_drops(ruleset, &p, &where))
		return;
	p.state = RULESET_ESTABLISHED;
	if (ruleset_drops(ruleset, &p, &ignored))
		return; /* connection tracking is not the reason */
	if (!out->dropped)
		out->where = where;
	out->dropped |= 1ull << service;
	if (!untracked)
		out->need_notrack |= 1ull << service;
	p.state = RULESET_UNTRACKED;
	if (ruleset_drops(ruleset, &p, &where)) {
		out->need_accept = true;
		out->accept_where = where;
	}
}

static void conntrack_look_at_service(struct conntrack_findings *out, const json_t *ruleset,
				      const struct routerd_conf *conf, unsigned service,
				      const struct packet_service *s, bool v6)
{
	const struct routerd_interfaces *back = &conf->services[service].redirect_in;
	struct ruleset_packet p = conntrack_answer(s, v6);

	for (unsigned i = 0; i < conf->caches_in.n; i++) {
		p.in = conf->caches_in.names[i];
		p.out = NULL;
		if (!back->n)
			conntrack_look(out, ruleset, service, p);
		for (unsigned k = 0; k < back->n; k++) {
			p.out = back->names[k];
			conntrack_look(out, ruleset, service, p);
		}
	}
}

/* -- telling ----------------------------------------------------------------------- */

static void conntrack_print_interfaces(struct conntrack_text *t,
				       const struct routerd_interfaces *list)
{
	conntrack_print(t, "iifname { ");
	for (unsigned i = 0; i < list->n; i++)
		conntrack_print(t, "%s\"%s\"", i ? ", " : "", list->names[i]);
	conntrack_print(t, " }");
}

static void conntrack_print_match(struct conntrack_text *t, const struct packet_service *s)
{
	const char *protocol = s->protocol == IPPROTO_UDP ? "udp" : "tcp";

	if (!(s->flags & WCCP_F_PORTS_DEFINED) || !s->ports[0] ||
	    (s->protocol != IPPROTO_TCP && s->protocol != IPPROTO_UDP)) {
		if (s->protocol)
			conntrack_print(t, " meta l4proto %u", s->protocol);
		return;
	}
	conntrack_print(t, " %s %s { ", protocol,
			s->flags & WCCP_F_PORTS_SOURCE ? "dport" : "sport");
	for (unsigned i = 0; i < WCCP_MAX_PORTS && s->ports[i]; i++)
		conntrack_print(t, "%s%u", i ? ", " : "", ntohs(s->ports[i]));
	conntrack_print(t, " }");
}

static void conntrack_print_remedy(struct conntrack_text *t, const struct routerd_conf *conf,
				   const struct packet_service *services,
				   const struct conntrack_findings *f)
{
	conntrack_print(t, "nft '");
	if (f->need_notrack) {
		conntrack_print(t, "table inet wccprouter { chain prerouting { "
				   "type filter hook prerouting priority raw; ");
		for (unsigned i = 0; i < conf->n_services; i++) {
			if (!(f->need_notrack >> i & 1))
				continue;
			conntrack_print_interfaces(t, &conf->caches_in);
			conntrack_print_match(t, &services[i]);
			conntrack_print(t, " notrack; ");
		}
		conntrack_print(t, "}; }%s", f->need_accept ? "; " : "");
	}
	if (f->need_accept) {
		conntrack_print(t, "insert rule %s %s %s ", f->accept_where.family,
				f->accept_where.table, f->accept_where.name);
		conntrack_print_interfaces(t, &conf->caches_in);
		conntrack_print(t, " ct state untracked accept");
	}
	conntrack_print(t, "'");
}

void conntrack_advise(const struct routerd_conf *conf, const struct router_status *status,
		      const json_t *ruleset, struct conntrack_advice *out)
{
	struct packet_service services[ROUTERD_MAX_SERVICES];
	struct conntrack_findings found = { 0 };
	struct conntrack_text text = { out->text, sizeof(out->text) };
	struct conntrack_text remedy = { out->remedy, sizeof(out->remedy) };

	*out->text = *out->remedy = '\0';
	for (unsigned i = 0; ruleset && i < conf->n_services; i++) {
		struct wccp_service described = status[i].service;

		described.type = conf->services[i].router.service_type;
		packet_service_set(&services[i], &described);
		if (status[i].described)
			conntrack_look_at_service(&found, ruleset, conf, i, &services[i],
						  status[i].family == ADDR_V6);
	}
	if (!found.dropped)
		return;
	conntrack_print(&text, "connection tracking sees one half of what is redirected, and "
			       "chain %s of table %s %s drops what web-caches answer for "
			       "service", found.where.name, found.where.family,
			found.where.table);
	for (unsigned i = 0; i < conf->n_services; i++)
		if (found.dropped >> i & 1)
			conntrack_print(&text, " %s", conf->services[i].name);
	conntrack_print_remedy(&remedy, conf, services, &found);
}
