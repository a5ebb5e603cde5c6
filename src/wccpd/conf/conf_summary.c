/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The expanded configuration for people to read, with the fields that templates, defaults
 * and mirrors fill in. */
#include "wccpd/conf/conf.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

/* Append to a text of `size` octets, truncating it if necessary. */
static void conf_summary_add(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void conf_summary_add(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text + used, size - used, format, ap);
	va_end(ap);
}

struct conf_interfaces_text conf_interfaces_text(const struct conf *conf)
{
	struct conf_interfaces_text out = { "" };

	if (conf->any_interface)
		conf_summary_add(out.s, sizeof(out.s), "any");
	else if (!conf->n_interfaces)
		conf_summary_add(out.s, sizeof(out.s), "-");
	for (unsigned i = 0; i < conf->n_interfaces; i++)
		conf_summary_add(out.s, sizeof(out.s), "%s%s", i ? ", " : "",
				 conf->interfaces[i]);
	return out;
}

/* -- one service ---------------------------------------------------------------------- */

static void conf_summary_name_fields(uint32_t flags, char *out, size_t size)
{
	static const char *const names[] = { "src-ip", "dst-ip", "src-port",
					     "dst-port" };

	for (unsigned i = 0; i < 4; i++)
		if (flags & 1u << i)
			conf_summary_add(out, size, "%s%s", *out ? ", " : "", names[i]);
	if (!*out)
		conf_summary_add(out, size, "-");
}

static void conf_summary_name_ports(const struct wccp_service *s,
				    struct conf_description *out)
{
	out->port_type = "-";
	if (s->protocol != IPPROTO_TCP && s->protocol != IPPROTO_UDP) {
		strcpy(out->ports, "-");
		return;
	}
	if (!(s->flags & WCCP_F_PORTS_DEFINED)) {
		strcpy(out->ports, "any");
		return;
	}
	out->port_type = s->flags & WCCP_F_PORTS_SOURCE ? "source" : "destination";
	for (unsigned i = 0; i < WCCP_MAX_PORTS && s->ports[i]; i++)
		conf_summary_add(out->ports, sizeof(out->ports), "%s%u", i ? ", " : "",
				 s->ports[i]);
}

/* Messages do not describe the well-known service (2.0 section 5.4). */
static struct wccp_service conf_summary_spelled_out(const struct wccp_service *s)
{
	if (s->type == WCCP_SERVICE_DYNAMIC)
		return *s;
	return (struct wccp_service){
		.type = s->type,
		.id = s->id,
		.priority = WCCP_WEB_CACHE_PRIORITY,
		.protocol = IPPROTO_TCP,
		.flags = WCCP_F_PORTS_DEFINED | WCCP_F_DST_IP_HASH |
			 WCCP_F_SRC_IP_ALT_HASH | WCCP_F_SRC_PORT_ALT_HASH,
		.ports = { 80 },
	};
}

struct conf_description conf_describe(const struct wccp_service *service)
{
	struct wccp_service s = conf_summary_spelled_out(service);
	struct conf_description out = { .priority = s.priority };
	const char *protocol = conf_protocol_name(s.protocol);

	if (protocol)
		conf_summary_add(out.protocol, sizeof(out.protocol), "%s", protocol);
	else
		conf_summary_add(out.protocol, sizeof(out.protocol), "%u", s.protocol);
	conf_summary_name_ports(&s, &out);
	conf_summary_name_fields(s.flags, out.hash, sizeof(out.hash));
	conf_summary_name_fields(s.flags >> 8, out.alternate, sizeof(out.alternate));
	out.only_protocol_0 = s.flags & WCCP_F_ONLY_PROTOCOL_0;
	return out;
}

/* -- a mask ----------------------------------------------------------------------------- */

static void conf_summary_add_mask_address(const char *name, const struct addr *a,
					  struct conf_mask_text *out)
{
	const char *comma = *out->s ? ", " : "";

	if (a->family == ADDR_V4)
		conf_summary_add(out->s, sizeof(out->s), "%s%s 0x%x", comma, name,
				 addr_to_v4(a));
	else if (a->family == ADDR_V6)
		conf_summary_add(out->s, sizeof(out->s), "%s%s %s", comma, name,
				 ADDR_TEXT(a));
}

static void conf_summary_add_mask_port(const char *name, uint16_t port,
				       struct conf_mask_text *out)
{
	if (port)
		conf_summary_add(out->s, sizeof(out->s), "%s%s 0x%x",
				 *out->s ? ", " : "", name, port);
}

struct conf_mask_text conf_mask_text(const struct wccp_mask *mask)
{
	struct conf_mask_text out = { "" };

	conf_summary_add_mask_address("src-ip", &mask->src, &out);
	conf_summary_add_mask_address("dst-ip", &mask->dst, &out);
	conf_summary_add_mask_port("src-port", mask->sport, &out);
	conf_summary_add_mask_port("dst-port", mask->dport, &out);
	if (!*out.s)
		strcpy(out.s, "-");
	return out;
}

/* -- all ------------------------------------------------------------------------------- */

const char *conf_version_name(enum cache_version version)
{
	switch (version) {
	case CACHE_V201:
		return "2.01";
	case CACHE_NEGOTIATE:
		return "negotiate";
	default:
		return "2.0";
	}
}

static void conf_summary_print_list(const char *label, const struct addr *list,
				    unsigned n, FILE *to)
{
	fprintf(to, "    %s", label);
	for (unsigned i = 0; i < n; i++)
		fprintf(to, "%s%s", i ? ", " : " ", ADDR_TEXT(&list[i]));
	fputs(n ? "\n" : " any\n", to);
}

static void conf_summary_print_methods(const char *label,
				       const struct cache_preference *p,
				       const char *one, const char *two, FILE *to)
{
	fprintf(to, "%s", label);
	for (unsigned i = 0; i < p->n; i++)
		fprintf(to, "%s%s", i ? ", " : " ", p->methods[i] == 1 ? one : two);
}

static void conf_summary_print_hot(const struct wccp_bucket_vector *v, FILE *to)
{
	bool any = false;

	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		unsigned first = b;

		if (!wccp_vector_has(v, b))
			continue;
		while (b + 1 < WCCP_BUCKETS && wccp_vector_has(v, b + 1))
			b++;
		fprintf(to, "%s%u", any ? ", " : "    hot buckets ", first);
		if (b > first)
			fprintf(to, "-%u", b);
		any = true;
	}
	if (any)
		fputc('\n', to);
}

static void conf_summary_print_what(const struct wccp_service *service, FILE *to)
{
	struct conf_description d = conf_describe(service);

	fprintf(to, "    protocol %s", d.protocol);
	if (strcmp(d.ports, "any") == 0)
		fputs(", any port", to);
	else if (strcmp(d.ports, "-") != 0)
		fprintf(to, ", %s ports %s", d.port_type, d.ports);
	fprintf(to, ", priority %u, hash %s", d.priority, d.hash);
	if (strcmp(d.alternate, "-") != 0)
		fprintf(to, ", alternate hash %s", d.alternate);
	fputs(d.only_protocol_0 ? ", only protocol 0\n" : "\n", to);
}

static void conf_summary_print_group(const struct conf_service *s, FILE *to)
{
	const struct cache_conf *g = &s->group;
	struct conf_mask_text mask = conf_mask_text(&g->mask);

	if (addr_is_set(&g->multicast))
		fprintf(to, "    multicast %s, ttl %u\n", ADDR_TEXT(&g->multicast),
			s->multicast_ttl);
	conf_summary_print_list("routers", g->routers, g->n_routers, to);
	if (g->n_allowed)
		conf_summary_print_list("web-caches", g->allowed, g->n_allowed, to);
	fprintf(to, "    version %s, ", conf_version_name(g->version));
	conf_summary_print_methods("forward", &g->forward, "gre", "l2", to);
	conf_summary_print_methods("; return", &g->ret, "gre", "l2", to);
	conf_summary_print_methods("; assign", &g->assign, "hash", "mask", to);
	fputc('\n', to);
	if (strcmp(mask.s, "-") != 0)
		fprintf(to, "    mask %s\n", mask.s);
	conf_summary_print_hot(&g->alt_buckets, to);
}

static void conf_summary_print_listens(const struct conf *conf, unsigned pool, FILE *to)
{
	const struct conf_pool *p = &conf->pools[pool];
	bool pass = false;

	fprintf(to, "pool %s: listens on", p->name);
	for (unsigned i = 0, n = 0; i < conf->n_listens; i++) {
		const struct plan_listen *l = &conf->listens[i];

		if (l->pool != pool)
			continue;
		fprintf(to, "%s %s", n++ ? "," : "",
			conf_endpoint_text(&l->addr, l->port).s);
		pass = l->pass_when_down;
	}
	fprintf(to, "; when down, %s\n    given to", pass ? "pass" : "refuse");
	for (unsigned i = 0; i < p->n_instances; i++)
		fprintf(to, "%s %s %s", i ? "," : "", p->instances[i].name,
			conf_endpoint_text(&p->instances[i].at, p->instances[i].port).s);
	fputc('\n', to);
}

static void conf_summary_print_bypass(const struct plan_bypass *b, FILE *to)
{
	unsigned exceptions = 0;

	for (unsigned i = 0; i < b->n; i++)
		exceptions += b->list[i].redirect;
	fprintf(to, "static bypass: prefixes of clients %u, of servers %u, exceptions %u\n",
		b->of_set[PLAN_BYPASS_CLIENTS] + b->of_set[PLAN_BYPASS_CLIENTS_V6],
		b->of_set[PLAN_BYPASS_SERVERS] + b->of_set[PLAN_BYPASS_SERVERS_V6], exceptions);
}

void conf_print(const struct conf *conf, FILE *to)
{
	for (unsigned i = 0; i < conf->n_warnings; i++)
		fprintf(to, "%s (warning)\n", conf->warnings[i].text);
	for (unsigned i = 0; i < conf->n_pools; i++)
		if (conf->pools[i].plain)
			conf_summary_print_listens(conf, i, to);
	if (conf->bypass)
		conf_summary_print_bypass(conf->bypass, to);
	for (unsigned i = 0; i < conf->n_services; i++) {
		const struct conf_service *s = &conf->services[i];
		const struct wccp_service *w = &s->group.service;

		fprintf(to, "service %s: %s %u, pool %s%s%s\n", s->name,
			w->type == WCCP_SERVICE_STANDARD ? "standard" : "dynamic",
			w->id, conf->pools[s->pool].name,
			s->pair >= 0 ? ", mirror of " : "",
			s->pair >= 0 ? conf->services[s->pair].name : "");
		conf_summary_print_what(w, to);
		conf_summary_print_group(s, to);
	}
}
