/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoding the vectors: every field; and back to the same octets.
 */
#include "../datagram.h"
#include "codec_vectors.h"
#include "suite.h"

#include <string.h>

#define CACHE_1 0x0a01010b
#define CACHE_2 0x0a01010c
#define ROUTER_1 0x0a010101
#define ROUTER_2 0x0a010201

static struct wccp_msg m;

static void decode(const char *name)
{
	uint8_t octets[VECTOR_MAX];
	size_t len = vector_load(name, octets);
	struct err err = { { 0 } };
	enum codec_refusal r;

	/* Whatever was there before must not shine through. */
	memset(&m, 0xa5, sizeof(m));
	r = datagram_decode(octets, len, &m, &err);
	ck_assert_msg(r == CODEC_OK, "%s: %s: %s", name, codec_refusal_name(r),
		      err.text);
}

static void is_v4(const struct addr *a, uint32_t host_order)
{
	ck_assert_uint_eq(a->family, ADDR_V4);
	ck_assert_uint_eq(addr_to_v4(a), host_order);
}

static void is_text(const struct addr *a, const char *text)
{
	ck_assert_str_eq(ADDR_TEXT(a), text);
}

static uint32_t bits(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return 1u << WCCP_C_SECURITY | 1u << WCCP_C_SERVICE | 1u << a | 1u << b |
	       1u << c | 1u << d;
}

static void is_service_90(void)
{
	static const uint16_t ports[WCCP_MAX_PORTS] = { 80, 8080, 3306 };

	ck_assert_uint_eq(m.service.type, WCCP_SERVICE_DYNAMIC);
	ck_assert_uint_eq(m.service.id, 90);
	ck_assert_uint_eq(m.service.priority, 200);
	ck_assert_uint_eq(m.service.protocol, 6);
	ck_assert_uint_eq(m.service.flags, WCCP_F_SRC_IP_HASH | WCCP_F_PORTS_DEFINED |
						   WCCP_F_DST_IP_ALT_HASH);
	ck_assert_mem_eq(m.service.ports, ports, sizeof(ports));
}

static void is_web_cache(void)
{
	static const struct wccp_service zero;

	ck_assert_mem_eq(&m.service, &zero, sizeof(zero));
}

static void is_identity(const struct wccp_cache_id *id, uint32_t addr,
			enum wccp_data_kind kind, unsigned weight, unsigned status)
{
	is_v4(&id->addr, addr);
	ck_assert_int_eq(id->kind, kind);
	ck_assert_uint_eq(id->weight, weight);
	ck_assert_uint_eq(id->status, status);
}

static void is_mask(const struct wccp_mask *k, uint32_t src, uint32_t dst,
		    unsigned sport, unsigned dport)
{
	ck_assert_int_eq(addr_is_set(&k->src), src != 0);
	ck_assert_uint_eq(addr_to_v4(&k->src), src);
	ck_assert_int_eq(addr_is_set(&k->dst), dst != 0);
	ck_assert_uint_eq(addr_to_v4(&k->dst), dst);
	ck_assert_uint_eq(k->sport, sport);
	ck_assert_uint_eq(k->dport, dport);
}

static const struct wccp_set *set_of(const struct wccp_set_list *list, unsigned i)
{
	ck_assert_uint_lt(i, list->n);
	ck_assert_uint_le(list->first + list->n, m.n_sets);
	return &m.sets[list->first + i];
}

static const struct wccp_value *value_of(const struct wccp_set *set, unsigned i)
{
	ck_assert_uint_lt(i, set->n);
	ck_assert_uint_le(set->first + set->n, m.n_values);
	return &m.values[set->first + i];
}

static const struct wccp_cache_values *cache_of(const struct wccp_set *set, unsigned i)
{
	ck_assert_uint_lt(i, set->n);
	ck_assert_uint_le(set->first + set->n, m.n_cache_values);
	return &m.cache_values[set->first + i];
}

/* Numbers `from`, `from` + 1, ... of a web-cache. */
static void is_vsns(const struct wccp_cache_values *c, uint32_t addr, uint32_t from,
		    unsigned n)
{
	is_v4(&c->cache, addr);
	ck_assert_uint_eq(c->n_vsns, n);
	ck_assert_uint_le(c->first_vsn + c->n_vsns, m.n_vsns);
	for (unsigned i = 0; i < n; i++)
		ck_assert_uint_eq(m.vsns[c->first_vsn + i], from + i);
}

static void is_router_assignment(unsigned i, uint32_t id, uint32_t receive_id,
				 uint32_t change)
{
	ck_assert_uint_lt(i, m.assignment.n_routers);
	is_v4(&m.assignment.routers[i].id, id);
	ck_assert_uint_eq(m.assignment.routers[i].receive_id, receive_id);
	ck_assert_uint_eq(m.assignment.routers[i].change_number, change);
}

/* Buckets of a table, 64 alike at a time. */
static void is_table(const struct wccp_hash_table *t, uint8_t a, uint8_t b, uint8_t c,
		     uint8_t d)
{
	const uint8_t quarter[4] = { a, b, c, d };

	ck_assert_uint_eq(t->n_caches, 2);
	is_v4(&t->caches[0], CACHE_1);
	is_v4(&t->caches[1], CACHE_2);
	for (unsigned i = 0; i < WCCP_BUCKETS; i++)
		ck_assert_uint_eq(t->buckets[i], quarter[i / 64]);
}

TEST(here_i_am)
{
	decode("here_i_am");
	ck_assert_uint_eq(m.type, WCCP_HERE_I_AM);
	ck_assert_uint_eq(m.minor, 0);
	ck_assert_uint_eq(m.table_family, 0);
	ck_assert_uint_eq(m.present, bits(WCCP_C_CACHE_ID, WCCP_C_CACHE_VIEW,
					  WCCP_C_CAPABILITIES, WCCP_C_COMMAND));
	ck_assert_uint_eq(m.security, WCCP_SECURITY_MD5);
	is_service_90();
	is_identity(&m.cache_identity, CACHE_1, WCCP_DATA_HASH, 100, 1);
	ck_assert(!m.cache_identity.unassigned);
	ck_assert(!m.cache_identity.min_version);
	ck_assert(!m.cache_identity.extended);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		ck_assert_int_eq(wccp_vector_has(&m.cache_identity.buckets, b),
				 b == 0 || b == 15 || b == 254 || b == 255);
	ck_assert_uint_eq(m.cache_view.change_number, 7);
	ck_assert_uint_eq(m.cache_view.n_routers, 1);
	is_v4(&m.cache_view.routers[0].id, ROUTER_1);
	ck_assert_uint_eq(m.cache_view.routers[0].receive_id, 5);
	ck_assert_uint_eq(m.cache_view.n_caches, 2);
	is_v4(&m.cache_view.caches[0], CACHE_1);
	is_v4(&m.cache_view.caches[1], CACHE_2);
	ck_assert_uint_eq(m.capabilities.present, 1u << WCCP_CAP_FORWARD |
							  1u << WCCP_CAP_ASSIGN |
							  1u << WCCP_CAP_RETURN);
	ck_assert_uint_eq(m.capabilities.forward, WCCP_METHOD_GRE);
	ck_assert_uint_eq(m.capabilities.assign, WCCP_ASSIGN_HASH);
	ck_assert_uint_eq(m.capabilities.ret, WCCP_METHOD_L2);
	ck_assert_uint_eq(m.n_commands, 1);
	ck_assert_uint_eq(m.commands[0].type, WCCP_CMD_SHUTDOWN);
	is_v4(&m.commands[0].cache, CACHE_1);
}

TEST(i_see_you)
{
	const struct wccp_router_view *v = &m.router_view;

	decode("i_see_you");
	ck_assert_uint_eq(m.type, WCCP_I_SEE_YOU);
	ck_assert_uint_eq(m.minor, 0);
	ck_assert_uint_eq(m.present, bits(WCCP_C_ROUTER_ID, WCCP_C_ROUTER_VIEW,
					  WCCP_C_ASSIGNMENT, WCCP_C_CAPABILITIES));
	ck_assert_uint_eq(m.security, WCCP_SECURITY_NONE);
	is_web_cache();
	is_v4(&m.router_identity.self.id, ROUTER_2);
	ck_assert_uint_eq(m.router_identity.self.receive_id, 1000);
	is_v4(&m.router_identity.sent_to, ROUTER_1);
	ck_assert_uint_eq(m.router_identity.n_from, 2);
	is_v4(&m.router_identity.from[0], CACHE_1);
	is_v4(&m.router_identity.from[1], CACHE_2);
	ck_assert_uint_eq(v->change_number, 9);
	is_v4(&v->key.cache, CACHE_1);
	ck_assert_uint_eq(v->key.change_number, 3);
	ck_assert_uint_eq(v->n_routers, 2);
	is_v4(&v->routers[0], ROUTER_1);
	is_v4(&v->routers[1], ROUTER_2);
	ck_assert_uint_eq(v->n_caches, 2);
	is_identity(&v->caches[0], CACHE_1, WCCP_DATA_HASH, 1, 0);
	is_identity(&v->caches[1], CACHE_2, WCCP_DATA_HASH, 2, 3);
	ck_assert(!v->caches[0].unassigned);
	ck_assert(v->caches[1].unassigned);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++) {
		ck_assert_int_eq(wccp_vector_has(&v->caches[0].buckets, b), b < 128);
		ck_assert_int_eq(wccp_vector_has(&v->caches[1].buckets, b), b >= 128);
	}
	ck_assert_uint_eq(m.assignment.type, WCCP_AT_HASH);
	is_v4(&m.assignment.key.cache, CACHE_1);
	ck_assert_uint_eq(m.assignment.key.change_number, 3);
	ck_assert_uint_eq(m.assignment.n_routers, 2);
	is_router_assignment(0, ROUTER_1, 16, 8);
	is_router_assignment(1, ROUTER_2, 999, 9);
	is_table(&m.assignment.hash, 0, 0x80, 1, WCCP_BUCKET_NONE);
	ck_assert_uint_eq(m.capabilities.forward, WCCP_METHOD_GRE | WCCP_METHOD_L2);
	ck_assert_uint_eq(m.capabilities.assign, WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK);
	ck_assert_uint_eq(m.capabilities.ret, WCCP_METHOD_GRE);
	ck_assert_uint_eq(m.n_commands, 0);
}

TEST(assign_hash)
{
	decode("assign_hash");
	ck_assert_uint_eq(m.type, WCCP_REDIRECT_ASSIGN);
	ck_assert_uint_eq(m.present, bits(WCCP_C_ASSIGNMENT, WCCP_C_ASSIGNMENT,
					  WCCP_C_ASSIGNMENT, WCCP_C_ASSIGNMENT));
	is_service_90();
	ck_assert_uint_eq(m.assignment.type, WCCP_AT_HASH);
	is_v4(&m.assignment.key.cache, CACHE_1);
	ck_assert_uint_eq(m.assignment.key.change_number, 4);
	ck_assert_uint_eq(m.assignment.n_routers, 1);
	is_router_assignment(0, ROUTER_1, 6, 2);
	is_table(&m.assignment.hash, 0, 1, 0, 0x81);
}

TEST(assign_mask)
{
	const struct wccp_set *set;

	decode("assign_mask");
	ck_assert_uint_eq(m.type, WCCP_REDIRECT_ASSIGN);
	ck_assert_uint_eq(m.present, bits(WCCP_C_ALT_ASSIGNMENT, WCCP_C_ALT_ASSIGNMENT,
					  WCCP_C_SERVICE, WCCP_C_SERVICE));
	ck_assert_uint_eq(m.assignment.type, WCCP_AT_MASK);
	is_v4(&m.assignment.key.cache, CACHE_1);
	ck_assert_uint_eq(m.assignment.key.change_number, 5);
	ck_assert_uint_eq(m.assignment.n_routers, 2);
	is_router_assignment(0, ROUTER_1, 6, 2);
	is_router_assignment(1, ROUTER_2, 7, 3);
	ck_assert_uint_eq(m.assignment.sets.n, 2);
	ck_assert(!m.assignment.sets.alternate);
	set = set_of(&m.assignment.sets, 0);
	is_mask(&set->mask, 0x100, 0, 0, 1);
	ck_assert_uint_eq(set->n, 2);
	is_mask(&value_of(set, 0)->match, 0, 0, 0, 0);
	is_v4(&value_of(set, 0)->cache, CACHE_1);
	is_mask(&value_of(set, 1)->match, 0x100, 0, 0, 1);
	is_v4(&value_of(set, 1)->cache, CACHE_2);
	set = set_of(&m.assignment.sets, 1);
	is_mask(&set->mask, 0, 0x1741, 0x8000, 0);
	ck_assert_uint_eq(set->n, 1);
	is_mask(&value_of(set, 0)->match, 0, 0x1000, 0x8000, 0);
	is_v4(&value_of(set, 0)->cache, CACHE_2);
}

TEST(assign_alt_mask)
{
	const struct wccp_set *set;

	decode("assign_alt_mask");
	ck_assert_uint_eq(m.minor, 1);
	ck_assert_uint_eq(m.assignment.type, WCCP_AT_ALT_MASK);
	ck_assert_uint_eq(m.assignment.key.change_number, 6);
	is_router_assignment(0, ROUTER_1, 8, 4);
	ck_assert_uint_eq(m.assignment.sets.n, 1);
	ck_assert(m.assignment.sets.alternate);
	set = set_of(&m.assignment.sets, 0);
	is_mask(&set->mask, 0x100, 0x3, 0, 1);
	ck_assert_uint_eq(set->n, 2);
	is_vsns(cache_of(set, 0), CACHE_1, 0, 8);
	is_vsns(cache_of(set, 1), CACHE_2, 8, 4);
}

TEST(assign_alt_hash)
{
	decode("assign_alt_hash");
	ck_assert(wccp_has(&m, WCCP_C_ALT_ASSIGNMENT));
	ck_assert(!wccp_has(&m, WCCP_C_ASSIGNMENT));
	ck_assert_uint_eq(m.assignment.type, WCCP_AT_HASH);
	is_v4(&m.assignment.key.cache, CACHE_2);
	ck_assert_uint_eq(m.assignment.n_routers, 1);
	is_router_assignment(0, ROUTER_1, 1, 1);
	is_table(&m.assignment.hash, 1, 1, 0, WCCP_BUCKET_NONE);
}

TEST(removal_query)
{
	decode("removal_query");
	ck_assert_uint_eq(m.type, WCCP_REMOVAL_QUERY);
	ck_assert(wccp_has(&m, WCCP_C_ROUTER_QUERY));
	is_v4(&m.query.router.id, ROUTER_2);
	ck_assert_uint_eq(m.query.router.receive_id, 1001);
	is_v4(&m.query.sent_to, ROUTER_1);
	is_v4(&m.query.target, CACHE_2);
}

TEST(i_see_you_mask)
{
	const struct wccp_cache_id *id = m.router_view.caches;
	const struct wccp_set *set;

	decode("i_see_you_mask");
	ck_assert_uint_eq(m.present, bits(WCCP_C_ROUTER_ID, WCCP_C_ROUTER_VIEW,
					  WCCP_C_ASSIGN_MAP, WCCP_C_CAPABILITIES) |
					     1u << WCCP_C_COMMAND);
	ck_assert_uint_eq(m.router_identity.self.receive_id, 17);
	ck_assert_uint_eq(m.router_identity.n_from, 1);
	ck_assert(!addr_is_set(&m.router_view.key.cache));
	ck_assert_uint_eq(m.router_view.key.change_number, 0);
	ck_assert_uint_eq(m.router_view.n_caches, 2);
	is_identity(&id[0], CACHE_1, WCCP_DATA_MASK, 0, 0);
	ck_assert(id[0].unassigned);
	ck_assert_uint_eq(id[0].sets.n, 1);
	set = set_of(&id[0].sets, 0);
	is_mask(&set->mask, 0, 0x1741, 0, 0);
	ck_assert_uint_eq(set->n, 0);
	is_identity(&id[1], CACHE_2, WCCP_DATA_MASK, 10, 0);
	ck_assert(!id[1].unassigned);
	ck_assert_uint_eq(id[1].sets.n, 0);
	ck_assert_uint_eq(m.map.type, WCCP_AT_MASK);
	ck_assert_uint_eq(m.map.sets.n, 1);
	set = set_of(&m.map.sets, 0);
	is_mask(&set->mask, 0, 1, 0, 0);
	ck_assert_uint_eq(set->n, 1);
	is_mask(&value_of(set, 0)->match, 0, 1, 0, 0);
	is_v4(&value_of(set, 0)->cache, CACHE_2);
	ck_assert_uint_eq(m.capabilities.present,
			  1u << WCCP_CAP_TRANSMIT_T | 1u << WCCP_CAP_TIMER_SCALE);
	ck_assert(m.capabilities.transmit_t.is_range);
	ck_assert_uint_eq(m.capabilities.transmit_t.lower_ms, 500);
	ck_assert_uint_eq(m.capabilities.transmit_t.upper_ms, 60000);
	ck_assert(m.capabilities.timer_scale.is_range);
	ck_assert_uint_eq(m.capabilities.timer_scale.timeout_lower, 1);
	ck_assert_uint_eq(m.capabilities.timer_scale.timeout_upper, 5);
	ck_assert_uint_eq(m.capabilities.timer_scale.ra_lower, 2);
	ck_assert_uint_eq(m.capabilities.timer_scale.ra_upper, 4);
	ck_assert_uint_eq(m.n_commands, 1);
	ck_assert_uint_eq(m.commands[0].type, WCCP_CMD_SHUTDOWN_RESPONSE);
	is_v4(&m.commands[0].cache, CACHE_2);
}

TEST(i_see_you_alt_map)
{
	const struct wccp_cache_id *id = m.router_view.caches;
	const struct wccp_set *set;

	decode("i_see_you_alt_map");
	is_identity(&id[0], CACHE_1, WCCP_DATA_NONE, 0, 0);
	ck_assert(!id[0].unassigned && !id[0].min_version && !id[0].extended);
	is_identity(&id[1], CACHE_2, WCCP_DATA_NONE, 0, 0);
	ck_assert(id[1].unassigned && id[1].min_version && !id[1].extended);
	ck_assert(wccp_has(&m, WCCP_C_ALT_ASSIGN_MAP));
	ck_assert_uint_eq(m.map.type, WCCP_AT_ALT_MASK);
	ck_assert(m.map.sets.alternate);
	ck_assert_uint_eq(m.map.sets.n, 1);
	set = set_of(&m.map.sets, 0);
	is_mask(&set->mask, 0, 0, 0, 1);
	ck_assert_uint_eq(set->n, 1);
	is_vsns(cache_of(set, 0), CACHE_1, 0, 2);
}

TEST(i_see_you_hash_map)
{
	decode("i_see_you_hash_map");
	ck_assert_uint_eq(m.router_identity.n_from, 0);
	ck_assert_uint_eq(m.router_view.n_routers, 0);
	ck_assert_uint_eq(m.router_view.n_caches, 0);
	ck_assert_uint_eq(m.map.type, WCCP_AT_HASH);
	is_table(&m.map.hash, 0, 1, 0, 1);
	ck_assert(!m.capabilities.transmit_t.is_range);
	ck_assert_uint_eq(m.capabilities.transmit_t.lower_ms, 1000);
	ck_assert_uint_eq(m.capabilities.transmit_t.upper_ms, 1000);
	ck_assert(!m.capabilities.timer_scale.is_range);
	ck_assert_uint_eq(m.capabilities.timer_scale.timeout_lower, 3);
	ck_assert_uint_eq(m.capabilities.timer_scale.timeout_upper, 3);
	ck_assert_uint_eq(m.capabilities.timer_scale.ra_lower, 2);
	ck_assert_uint_eq(m.capabilities.timer_scale.ra_upper, 2);
}

TEST(i_see_you_extended)
{
	const struct wccp_cache_id *id = m.router_view.caches;
	const struct wccp_set *set;

	decode("i_see_you_extended");
	ck_assert_uint_eq(m.router_view.n_caches, 4);
	is_identity(&id[0], CACHE_1, WCCP_DATA_HASH, 1, 2);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		ck_assert_int_eq(wccp_vector_has(&id[0].buckets, b),
				 b < 128 ? b % 2 : !(b % 2));
	is_identity(&id[1], CACHE_2, WCCP_DATA_MASK, 3, 4);
	set = set_of(&id[1].sets, 0);
	is_mask(&set->mask, 0, 0, 0, 1);
	is_mask(&value_of(set, 0)->match, 0, 0, 0, 1);
	is_v4(&value_of(set, 0)->cache, CACHE_2);
	is_identity(&id[2], 0x0a01010d, WCCP_DATA_ALT_MASK, 5, 6);
	ck_assert(id[2].sets.alternate);
	set = set_of(&id[2].sets, 0);
	is_mask(&set->mask, 0, 0, 0, 3);
	is_vsns(cache_of(set, 0), 0x0a01010d, 2, 1);
	is_vsns(cache_of(set, 1), CACHE_1, 3, 1);
	is_identity(&id[3], 0x0a01010e, WCCP_DATA_WEIGHT, 7, 8);
	for (unsigned i = 0; i < 4; i++)
		ck_assert(id[i].extended);
}

TEST(here_i_am_ipv6)
{
	const struct wccp_set *set;

	decode("here_i_am_ipv6");
	ck_assert_uint_eq(m.table_family, 2);
	ck_assert(wccp_has(&m, WCCP_C_ADDRESS_TABLE));
	is_text(&m.cache_identity.addr, "2001:db8::11");
	ck_assert(m.cache_identity.extended);
	ck_assert(m.cache_identity.min_version);
	ck_assert_int_eq(m.cache_identity.kind, WCCP_DATA_MASK);
	ck_assert_uint_eq(m.cache_identity.weight, 50);
	set = set_of(&m.cache_identity.sets, 0);
	is_text(&set->mask.src, "::ff");
	ck_assert(!addr_is_set(&set->mask.dst));
	is_text(&value_of(set, 0)->match.src, "::7");
	is_text(&value_of(set, 0)->cache, "2001:db8::11");
	is_text(&m.cache_view.routers[0].id, "2001:db8::1");
	ck_assert_uint_eq(m.cache_view.routers[0].receive_id, 33);
	is_text(&m.cache_view.caches[0], "2001:db8::11");
	is_text(&m.cache_view.caches[1], "2001:db8::12");
}

TEST(removal_query_table)
{
	decode("removal_query_table");
	ck_assert_uint_eq(m.table_family, 1);
	is_v4(&m.query.router.id, ROUTER_1);
	is_v4(&m.query.sent_to, ROUTER_1);
	is_v4(&m.query.target, CACHE_1);
}

/* One test for each vector. */
TEST_LOOP(back_to_the_same_octets, 0, (int)n_vectors)
{
	const struct vector *v = &vectors[_i];
	uint8_t octets[VECTOR_MAX], again[VECTOR_MAX];
	size_t len = vector_octets(v->hex, octets, sizeof(octets));
	struct codec_password password;
	struct err err = { { 0 } };
	int n;

	decode(v->name);
	n = codec_encode(&m, vector_password(v, &password), again, sizeof(again), &err);
	ck_assert_msg(n >= 0, "%s: %s", v->name, err.text);
	ck_assert_uint_eq((size_t)n, len);
	for (size_t i = 0; i < len; i++)
		ck_assert_msg(again[i] == octets[i], "%s: octet %zu is %02x, not %02x",
			      v->name, i, again[i], octets[i]);
}
