/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random service groups. */
#include "decide.h"

#include <netinet/in.h>
#include <string.h>

static struct addr parse(const char *text)
{
	struct addr a = { 0 };

	addr_parse(text, &a);
	return a;
}

struct addr world_cache(unsigned family, unsigned i)
{
	static const char *const v4[] = { "10.2.0.10", "10.2.0.11", "10.2.0.12",
					  "10.77.0.1" };
	static const char *const v6[] = { "2001:db8:2::10", "2001:db8:2::11",
					  "2001:db8:2::12", "2001:db8:77::1" };

	return parse(family == ADDR_V6 ? v6[i] : v4[i]);
}

bool world_is_reachable(const struct addr *cache)
{
	struct addr far = world_cache(cache->family, CACHES - 1);

	return !addr_equal(cache, &far);
}

/* -- the configuration ------------------------------------------------------------- */

static struct redirect_rule_end random_end(unsigned family)
{
	struct redirect_rule_end e = { .high = UINT16_MAX };

	if (chance(60)) {
		e.prefix = parse(family == ADDR_V6 ? "2001:db8:1::" : "10.1.0.0");
		e.bits = (uint8_t)(family == ADDR_V6 ? 48 : 16);
		if (chance(60)) { /* one more bit, of the two addresses halved */
			e.prefix.octets[family == ADDR_V6 ? 6 : 2] =
				chance(50) ? 0x80 : 0;
			e.bits++;
		}
	}
	if (chance(30)) {
		e.has_ports = true;
		e.low = (uint16_t)(chance(50) ? 80 : chance_below(30000));
		e.high = (uint16_t)(e.low + chance_below(30000));
	}
	return e;
}

static struct redirect_rule random_rule(unsigned family)
{
	static const uint8_t protocols[] = { 6, 6, 17, 1, 47, 58 };
	struct redirect_rule r = { .permit = chance(60), .has_protocol = chance(30) };

	if (r.has_protocol)
		r.protocol = protocols[chance_below(sizeof(protocols))];
	r.src = random_end(family);
	r.dst = random_end(family);
	return r;
}

static void random_rules(struct routerd_conf_service *s, unsigned family)
{
	s->n_rules = chance(30) ? 1 + chance_below(8) : 0;
	for (unsigned i = 0; i < s->n_rules; i++)
		s->rules[i] = random_rule(family);
	/* Mostly something is left. */
	if (s->n_rules && chance(80))
		s->rules[s->n_rules++] = (struct redirect_rule){
			.permit = true,
			.src.high = UINT16_MAX,
			.dst.high = UINT16_MAX,
		};
}

static void add_interface(struct routerd_interfaces *list, enum where at)
{
	strcpy(list->names[list->n++], kernel_interfaces[at]);
}

/* On the first interface mostly, in both directions, and anywhere else. */
static void choose_interfaces(struct routerd_conf_service *s)
{
	for (int at = 0; at < PLACES; at++) {
		if (chance(at == TRUNK ? 80 : 50))
			add_interface(&s->redirect_in, (enum where)at);
		if (chance(at == TRUNK ? 80 : 50))
			add_interface(&s->redirect_out, (enum where)at);
	}
}

/* The group-list tells the family, also while there is no web-cache. */
static void configure_service(struct routerd_conf_service *s, unsigned number)
{
	unsigned family = chance(50) ? ADDR_V6 : ADDR_V4;

	memset(s, 0, sizeof(*s));
	s->closed = chance(30);
	s->router.service_type = number == 0 && chance(50) ? WCCP_SERVICE_STANDARD
							   : WCCP_SERVICE_DYNAMIC;
	s->router.service_id = (uint8_t)(s->router.service_type ? 50 + number : 0);
	choose_interfaces(s);
	s->router.n_allowed = 1;
	s->router.allowed[0].addr = world_cache(family, 0);
	random_rules(s, family);
}

void world_configure(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->conf.router_id = parse("10.0.9.1");
	w->conf.router_id6 = parse("2001:db8:9::1");
	add_interface(&w->conf.caches_in, CACHES_SIDE);
	w->excluded = chance(30);
	if (w->excluded)
		add_interface(&w->conf.excluded_in, OF_VLAN);
	w->conf.n_services = 2 + chance_below(SERVICES - 1);
	for (unsigned i = 0; i < w->conf.n_services; i++)
		configure_service(&w->conf.services[i], i);
	/* So that every program is attached. */
	w->conf.services[0].redirect_in.n = w->conf.services[0].redirect_out.n = 0;
	for (int at = 0; at < PLACES; at++) {
		add_interface(&w->conf.services[0].redirect_in, (enum where)at);
		add_interface(&w->conf.services[0].redirect_out, (enum where)at);
	}
}

/* -- descriptions ------------------------------------------------------------------ */

static void random_ports(struct wccp_service *s)
{
	static const uint16_t usual[] = { 80, 443, 8080, 53 };
	unsigned n = chance(10) ? 8 : chance_below(5);

	for (unsigned i = 0; i < n; i++)
		s->ports[i] = chance(80) ? usual[chance_below(4)]
					 : (uint16_t)(1 + chance_below(65535));
	if (n >= 3 && chance(10))
		s->ports[1] = 0; /* what is behind it does not count */
}

static void describe(struct wccp_service *s)
{
	static const uint8_t protocols[] = { 6, 6, 6, 6, 17, 17, 0, 0, 1, 47, 132 };

	s->priority = (uint8_t)(chance(50) ? 100 : chance_below(256));
	s->protocol = protocols[chance_below(sizeof(protocols))];
	s->flags = chance_below(16) | chance_below(16) << 8;
	if (chance(50))
		s->flags |= WCCP_F_PORTS_DEFINED;
	if (chance(30))
		s->flags |= WCCP_F_PORTS_SOURCE;
	if (chance(30))
		s->flags |= WCCP_F_ONLY_PROTOCOL_0;
	random_ports(s);
}

/* -- assignments ------------------------------------------------------------------- */

static void assign_buckets(struct router_status *st)
{
	st->table.n_caches = st->n_caches;
	for (unsigned i = 0; i < st->n_caches; i++)
		st->table.caches[i] = st->caches[i].addr;
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		uint8_t bucket = (uint8_t)chance_below(st->n_caches);

		st->table.buckets[b] = chance(10)   ? WCCP_BUCKET_NONE
				       : chance(20) ? bucket | WCCP_BUCKET_ALT
						    : bucket;
	}
}

/* One or two bits, where the packets of the test differ most. */
static void add_bits(struct addr *a, unsigned family)
{
	a->family = (uint8_t)family;
	for (unsigned n = 1 + chance_below(2); n; n--) {
		unsigned octet =
			(unsigned)addr_len(a) - 1 - chance_below(chance(80) ? 2 : 4);

		if (family == ADDR_V6 && chance(30))
			octet = chance_below(16);
		a->octets[octet] |= (uint8_t)(1u << chance_below(8));
	}
}

static struct wccp_mask random_mask(unsigned family)
{
	struct wccp_mask m = { .sport = 0 };

	if (chance(50))
		add_bits(&m.src, family);
	if (chance(60))
		add_bits(&m.dst, family);
	if (chance(20))
		m.sport = (uint16_t)(1u << chance_below(16));
	if (chance(20))
		m.dport = (uint16_t)(1u << chance_below(16));
	return m;
}

static void some_bits(struct addr *out, const struct addr *mask)
{
	bool any = false;

	for (unsigned i = 0; i < 16; i++) {
		out->octets[i] = mask->octets[i] & (uint8_t)chance_below(256);
		any |= out->octets[i] != 0;
	}
	out->family = any ? mask->family : ADDR_NONE; /* as it is decoded */
}

static struct wccp_mask random_value(const struct wccp_mask *mask)
{
	struct wccp_mask v;

	some_bits(&v.src, &mask->src);
	some_bits(&v.dst, &mask->dst);
	v.sport = mask->sport & (uint16_t)chance_below(65536);
	v.dport = mask->dport & (uint16_t)chance_below(65536);
	return v;
}

/* Random values: some come twice, for some there is nobody. */
static void assign_values(struct router_status *st)
{
	struct router_masks *m = &st->masks;

	st->by_mask = true;
	m->n_caches = st->n_caches;
	for (unsigned i = 0; i < st->n_caches; i++)
		m->caches[i] = st->caches[i].addr;
	m->n_sets = chance(10) ? ROUTER_MAX_SETS : 1 + chance_below(3);
	for (unsigned i = 0; i < m->n_sets; i++) {
		struct wccp_set *set = &m->sets[i];

		set->mask = random_mask(st->family);
		set->first = (uint16_t)m->n_values;
		set->n = (uint16_t)chance_below(24);
		for (unsigned v = 0; v < set->n; v++)
			m->values[m->n_values++] = (struct router_value){
				.match = random_value(&set->mask),
				.cache = (uint8_t)chance_below(st->n_caches),
			};
	}
}

/* -- members ----------------------------------------------------------------------- */

static void add_caches(struct router_status *st, unsigned family)
{
	unsigned i, skip = chance_below(2);

	for (i = skip; i < CACHES; i++) {
		struct router_cache_status *c = &st->caches[st->n_caches];

		if (chance(30) && st->n_caches)
			continue;
		c->addr = world_cache(family, i);
		c->usable = chance(85);
		c->forward = chance(75) ? WCCP_METHOD_GRE : WCCP_METHOD_L2;
		st->n_caches++;
	}
	for (i = 0; i < st->n_caches; i++)
		if (st->caches[i].usable)
			st->family = (uint8_t)family;
}

static void change_service(const struct routerd_conf_service *s, struct router_status *st)
{
	unsigned family = s->router.allowed[0].addr.family;

	memset(st, 0, sizeof(*st));
	if (chance(10))
		return; /* nobody has come yet, or it is shut */
	st->described = true;
	describe(&st->service);
	if (chance(10))
		return; /* all are gone */
	add_caches(st, family);
	st->assigned = st->family != ADDR_NONE && chance(90);
	if (!st->assigned)
		return;
	if (chance(50))
		assign_values(st);
	else
		assign_buckets(st);
}

void world_change(struct world *w)
{
	for (unsigned i = 0; i < w->conf.n_services; i++)
		change_service(&w->conf.services[i], &w->status[i]);
}
