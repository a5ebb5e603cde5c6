/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message as text for people: one line for each fact, indented below its
 * component.
 */
#include "codec.h"
#include "core/proto/component.h"

#include <stdarg.h>
#include <stdio.h>

/* Like snprintf() in several pieces: `len` counts what would be written if there
 * were room. */
struct text {
	char *at;
	size_t size, len;
};

static void print_say(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void print_say(struct text *t, const char *format, ...)
{
	bool room = t->len < t->size;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(room ? t->at + t->len : NULL, room ? t->size - t->len : 0, format,
		      ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
}

/* The counts may be wrong in a message that was built, not decoded. */
static uint32_t print_at_most(uint32_t n, uint32_t max)
{
	return n < max ? n : max;
}

static void print_security(struct text *t, const struct wccp_msg *m)
{
	switch (m->security) {
	case WCCP_SECURITY_NONE:
		print_say(t, "  none\n");
		break;
	case WCCP_SECURITY_MD5:
		print_say(t, "  md5\n");
		break;
	default:
		print_say(t, "  option %u\n", (unsigned)m->security);
	}
}

static void print_service(struct text *t, const struct wccp_msg *m)
{
	const struct wccp_service *s = &m->service;

	print_say(t, "  %s %u priority %u protocol %u flags 0x%04x",
		  s->type == WCCP_SERVICE_STANDARD ? "standard" : "dynamic", s->id,
		  s->priority, s->protocol, (unsigned)s->flags);
	if (s->ports[0])
		print_say(t, " ports");
	for (unsigned i = 0; i < WCCP_MAX_PORTS && s->ports[i]; i++)
		print_say(t, " %u", s->ports[i]);
	print_say(t, "\n");
}

static void print_addrs(struct text *t, const char *what, const struct addr *list,
			uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		print_say(t, "  %s %s\n", what, ADDR_TEXT(&list[i]));
}

static void print_key(struct text *t, const struct wccp_key *key)
{
	print_say(t, "  key %s change %u\n", ADDR_TEXT(&key->cache),
		  (unsigned)key->change_number);
}

/* IPv4 in hexadecimal, as router manuals write masks. */
static void print_bits(struct text *t, const char *what, const struct addr *a)
{
	if (a->family == ADDR_V6)
		print_say(t, "%s %s ", what, ADDR_TEXT(a));
	else
		print_say(t, "%s 0x%x ", what, (unsigned)addr_to_v4(a));
}

static void print_match(struct text *t, const struct wccp_mask *m)
{
	print_bits(t, "src", &m->src);
	print_bits(t, "dst", &m->dst);
	print_say(t, "sport 0x%x dport 0x%x", m->sport, m->dport);
}

static void print_values(struct text *t, const struct wccp_msg *m,
			 const struct wccp_set *set)
{
	for (uint32_t i = set->first, k = 0; k < set->n; i++, k++) {
		if (i >= print_at_most(m->n_values, WCCP_MAX_VALUES))
			return;
		print_say(t, "      value ");
		print_match(t, &m->values[i].match);
		print_say(t, " cache %s\n", ADDR_TEXT(&m->values[i].cache));
	}
}

static void print_vsns(struct text *t, const struct wccp_msg *m,
		       const struct wccp_cache_values *c)
{
	print_say(t, "      cache %s numbers", ADDR_TEXT(&c->cache));
	for (uint32_t i = c->first_vsn, k = 0; k < c->n_vsns; i++, k++) {
		if (i >= print_at_most(m->n_vsns, WCCP_MAX_VSNS))
			break;
		print_say(t, " %u", (unsigned)m->vsns[i]);
	}
	print_say(t, "\n");
}

static void print_cache_values(struct text *t, const struct wccp_msg *m,
			       const struct wccp_set *set)
{
	for (uint32_t i = set->first, k = 0; k < set->n; i++, k++) {
		if (i >= print_at_most(m->n_cache_values, WCCP_MAX_VALUES))
			return;
		print_vsns(t, m, &m->cache_values[i]);
	}
}

static void print_sets(struct text *t, const struct wccp_msg *m,
		       const struct wccp_set_list *list)
{
	for (uint32_t i = list->first, k = 0; k < list->n; i++, k++) {
		if (i >= print_at_most(m->n_sets, WCCP_MAX_SETS))
			return;
		print_say(t, "    %s ", list->alternate ? "alternate mask" : "mask");
		print_match(t, &m->sets[i].mask);
		print_say(t, "\n");
		if (list->alternate)
			print_cache_values(t, m, &m->sets[i]);
		else
			print_values(t, m, &m->sets[i]);
	}
}

/* "0-63 128", the set buckets of a vector as runs. */
static void print_vector(struct text *t, const struct wccp_bucket_vector *v)
{
	unsigned n = 0, first;

	print_say(t, "    buckets");
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		if (!wccp_vector_has(v, b))
			continue;
		for (first = b; b + 1 < WCCP_BUCKETS && wccp_vector_has(v, b + 1);)
			b++;
		n += b - first + 1;
		print_say(t, first == b ? " %u" : " %u-%u", first, b);
	}
	print_say(t, " (%u)\n", n);
}

static const char *print_kind_name(enum wccp_data_kind kind)
{
	switch (kind) {
	case WCCP_DATA_HASH:
		return "hash";
	case WCCP_DATA_MASK:
		return "mask";
	case WCCP_DATA_ALT_MASK:
		return "alternate-mask";
	case WCCP_DATA_NONE:
		return "none";
	case WCCP_DATA_WEIGHT:
		return "weight-only";
	}
	return "unknown";
}

static void print_identity(struct text *t, const struct wccp_msg *m,
			   const struct wccp_cache_id *id)
{
	print_say(t, "  cache %s data %s%s%s%s", ADDR_TEXT(&id->addr),
		  print_kind_name(id->kind), id->extended ? " extended" : "",
		  id->unassigned ? " unassigned" : "",
		  id->min_version ? " minimum-version" : "");
	if (id->kind != WCCP_DATA_NONE)
		print_say(t, " weight %u status %u", id->weight, id->status);
	print_say(t, "\n");
	if (id->kind == WCCP_DATA_HASH)
		print_vector(t, &id->buckets);
	else if (id->kind == WCCP_DATA_MASK || id->kind == WCCP_DATA_ALT_MASK)
		print_sets(t, m, &id->sets);
}

static void print_router_id(struct text *t, const struct wccp_router_id *r)
{
	print_say(t, "  router %s receive-id %u\n", ADDR_TEXT(&r->id),
		  (unsigned)r->receive_id);
}

static void print_router_identity(struct text *t, const struct wccp_msg *m)
{
	const struct wccp_router_identity *ri = &m->router_identity;

	print_router_id(t, &ri->self);
	print_say(t, "  sent-to %s\n", ADDR_TEXT(&ri->sent_to));
	print_addrs(t, "received-from", ri->from,
		    print_at_most(ri->n_from, WCCP_MAX_CACHES));
}

static void print_cache_identity(struct text *t, const struct wccp_msg *m)
{
	print_identity(t, m, &m->cache_identity);
}

static void print_router_view(struct text *t, const struct wccp_msg *m)
{
	const struct wccp_router_view *v = &m->router_view;

	print_say(t, "  change %u\n", (unsigned)v->change_number);
	print_key(t, &v->key);
	print_addrs(t, "router", v->routers,
		    print_at_most(v->n_routers, WCCP_MAX_ROUTERS));
	for (uint32_t i = 0; i < print_at_most(v->n_caches, WCCP_MAX_CACHES); i++)
		print_identity(t, m, &v->caches[i]);
}

static void print_cache_view(struct text *t, const struct wccp_msg *m)
{
	const struct wccp_cache_view *v = &m->cache_view;

	print_say(t, "  change %u\n", (unsigned)v->change_number);
	for (uint32_t i = 0; i < print_at_most(v->n_routers, WCCP_MAX_ROUTERS); i++)
		print_router_id(t, &v->routers[i]);
	print_addrs(t, "cache", v->caches, print_at_most(v->n_caches, WCCP_MAX_CACHES));
}

/* Runs of equal buckets: "0-127 index 0", with "alt" for the alternate hash. */
static void print_hash(struct text *t, const struct wccp_hash_table *h)
{
	unsigned first;

	for (uint32_t i = 0; i < print_at_most(h->n_caches, WCCP_MAX_CACHES); i++)
		print_say(t, "    cache %u %s\n", (unsigned)i,
			  ADDR_TEXT(&h->caches[i]));
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		uint8_t v = h->buckets[b];

		for (first = b; b + 1 < WCCP_BUCKETS && h->buckets[b + 1] == v;)
			b++;
		print_say(t, "    buckets %u-%u ", first, b);
		if (v == WCCP_BUCKET_NONE)
			print_say(t, "unassigned\n");
		else
			print_say(t, "cache %u%s\n", v & WCCP_BUCKET_INDEX,
				  v & WCCP_BUCKET_ALT ? " alt" : "");
	}
}

static void print_body(struct text *t, const struct wccp_msg *m, uint16_t type,
		       const struct wccp_hash_table *hash,
		       const struct wccp_set_list *sets)
{
	if (type == WCCP_AT_HASH)
		print_hash(t, hash);
	else
		print_sets(t, m, sets);
}

static void print_assignment(struct text *t, const struct wccp_msg *m)
{
	const struct wccp_assignment *a = &m->assignment;

	print_say(t, "  type %u\n", a->type);
	print_key(t, &a->key);
	for (uint32_t i = 0; i < print_at_most(a->n_routers, WCCP_MAX_ROUTERS); i++)
		print_say(t, "  router %s receive-id %u change %u\n",
			  ADDR_TEXT(&a->routers[i].id),
			  (unsigned)a->routers[i].receive_id,
			  (unsigned)a->routers[i].change_number);
	print_body(t, m, a->type, &a->hash, &a->sets);
}

static void print_map(struct text *t, const struct wccp_msg *m)
{
	print_say(t, "  type %u\n", m->map.type);
	print_body(t, m, m->map.type, &m->map.hash, &m->map.sets);
}

static void print_query(struct text *t, const struct wccp_msg *m)
{
	print_router_id(t, &m->query.router);
	print_say(t, "  sent-to %s target %s\n", ADDR_TEXT(&m->query.sent_to),
		  ADDR_TEXT(&m->query.target));
}

static void print_methods(struct text *t, const struct wccp_capabilities *c,
			  unsigned type, const char *what, uint32_t methods,
			  const char *first, const char *second)
{
	if (!(c->present >> type & 1))
		return;
	print_say(t, "  %s%s%s%s", what, methods & 1 ? first : "",
		  methods & 2 ? second : "", methods ? "" : " none");
	if (methods & ~3u)
		print_say(t, " 0x%x", (unsigned)(methods & ~3u));
	print_say(t, "\n");
}

static void print_capabilities(struct text *t, const struct wccp_msg *m)
{
	const struct wccp_capabilities *c = &m->capabilities;
	const struct wccp_cap_timer_scale *s = &c->timer_scale;

	print_methods(t, c, WCCP_CAP_FORWARD, "forward", c->forward, " gre", " l2");
	print_methods(t, c, WCCP_CAP_ASSIGN, "assign", c->assign, " hash", " mask");
	print_methods(t, c, WCCP_CAP_RETURN, "return", c->ret, " gre", " l2");
	if (c->present >> WCCP_CAP_TRANSMIT_T & 1)
		print_say(t, "  transmit-t %u-%u ms\n", c->transmit_t.lower_ms,
			  c->transmit_t.upper_ms);
	if (c->present >> WCCP_CAP_TIMER_SCALE & 1)
		print_say(t, "  timer-scale timeout %u-%u ra %u-%u\n", s->timeout_lower,
			  s->timeout_upper, s->ra_lower, s->ra_upper);
}

static void print_commands(struct text *t, const struct wccp_msg *m)
{
	for (uint32_t i = 0; i < print_at_most(m->n_commands, WCCP_MAX_COMMANDS); i++)
		print_say(t, "  %s %s\n",
			  m->commands[i].type == WCCP_CMD_SHUTDOWN
				  ? "shutdown"
				  : "shutdown-response",
			  ADDR_TEXT(&m->commands[i].cache));
}

static void print_table(struct text *t, const struct wccp_msg *m)
{
	print_say(t, "  family %u\n", m->table_family);
}

static void (*const printers[])(struct text *t, const struct wccp_msg *m) = {
	[WCCP_C_SECURITY] = print_security,
	[WCCP_C_SERVICE] = print_service,
	[WCCP_C_ROUTER_ID] = print_router_identity,
	[WCCP_C_CACHE_ID] = print_cache_identity,
	[WCCP_C_ROUTER_VIEW] = print_router_view,
	[WCCP_C_CACHE_VIEW] = print_cache_view,
	[WCCP_C_ASSIGNMENT] = print_assignment,
	[WCCP_C_ROUTER_QUERY] = print_query,
	[WCCP_C_CAPABILITIES] = print_capabilities,
	[WCCP_C_ALT_ASSIGNMENT] = print_assignment,
	[WCCP_C_ASSIGN_MAP] = print_map,
	[WCCP_C_COMMAND] = print_commands,
	[WCCP_C_ALT_ASSIGN_MAP] = print_map,
	[WCCP_C_ADDRESS_TABLE] = print_table,
};

int codec_print(const struct wccp_msg *msg, char *text, size_t size)
{
	struct text t = { .at = text, .size = size };

	print_say(&t, "%s version 2.%02u\n", codec_type_name(msg->type), msg->minor);
	for (unsigned c = 0; c < sizeof(printers) / sizeof(printers[0]); c++) {
		if (!wccp_has(msg, c) || !printers[c])
			continue;
		print_say(&t, "%s\n", component_name(c));
		printers[c](&t, msg);
	}
	return (int)t.len;
}
