/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints a sample of every kind of message, one a line: its name and its octets
 * in hexadecimal.  tests/net/test_tshark_codec.py has another program say what
 * they mean.  With the name of a folder, each becomes a file there instead, to
 * start fuzzing from.
 *
 * A name is kind.minor.security.addresses, as in "assign_mask.0.md5.ipv4".
 */
#include "codec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct wccp_msg m;

/* Web-caches and routers by number, in the family of the sample at hand. */
static bool ipv6;

static struct addr address(uint32_t v4, unsigned v6)
{
	struct addr a = addr_v4(v4);
	char text[ADDR_STRLEN];

	if (!ipv6)
		return a;
	snprintf(text, sizeof(text), "2001:db8::%x", v6);
	if (addr_parse(text, &a) < 0)
		abort();
	return a;
}

static struct addr cache(unsigned i)
{
	return address(0x0a01010a + i, 0x10 + i);
}

static struct addr router(unsigned i)
{
	return address(0x0a010001 + (i << 8), i);
}

/* A mask or value: bits of an address. */
static struct addr bits(unsigned n)
{
	struct addr a = addr_v4(n);

	if (!ipv6)
		return a;
	memset(&a, 0, sizeof(a));
	a.family = ADDR_V6;
	a.octets[14] = (uint8_t)(n >> 8);
	a.octets[15] = (uint8_t)n;
	return a;
}

static void add(unsigned component)
{
	m.present |= 1u << component;
}

static void web_cache_service(void)
{
	m.service = (struct wccp_service){ .type = WCCP_SERVICE_STANDARD };
	add(WCCP_C_SERVICE);
}

static void dynamic_service(void)
{
	m.service = (struct wccp_service){
		.type = WCCP_SERVICE_DYNAMIC,
		.id = 90,
		.priority = 200,
		.protocol = 6,
		.flags = WCCP_F_SRC_IP_HASH | WCCP_F_DST_IP_HASH |
			 WCCP_F_PORTS_DEFINED | WCCP_F_DST_PORT_ALT_HASH,
		.ports = { 80, 8080, 3128 },
	};
	add(WCCP_C_SERVICE);
}

static void hash_identity(struct wccp_cache_id *id, unsigned i, unsigned from,
			  unsigned to)
{
	*id = (struct wccp_cache_id){
		.addr = cache(i), .kind = WCCP_DATA_HASH, .weight = 100, .status = 1
	};
	for (unsigned b = from; b < to; b++)
		wccp_vector_add(&id->buckets, b);
}

static struct wccp_set *add_set(struct wccp_set_list *list, struct wccp_mask mask)
{
	struct wccp_set *set = &m.sets[m.n_sets];

	if (!list->n)
		list->first = (uint16_t)m.n_sets;
	list->n++;
	m.n_sets++;
	*set = (struct wccp_set){ .mask = mask };
	set->first = (uint16_t)(list->alternate ? m.n_cache_values : m.n_values);
	return set;
}

static void add_value(struct wccp_set *set, struct wccp_mask match, unsigned i)
{
	m.values[m.n_values++] = (struct wccp_value){ match, cache(i) };
	set->n++;
}

/* One bit of the source address, one of the destination port: four values. */
static void fill_mask_sets(struct wccp_set_list *list)
{
	struct wccp_set *set;

	*list = (struct wccp_set_list){ .n = 0 };
	set = add_set(list, (struct wccp_mask){ .src = bits(0x100), .dport = 1 });
	for (unsigned v = 0; v < 4; v++) {
		struct wccp_mask match = { .dport = (uint16_t)(v & 1) };

		if (v & 2)
			match.src = bits(0x100);
		add_value(set, match, 1 + v % 2);
	}
}

/* The same mask with the numbers 0 and 1 for one web-cache, 2 and 3 for another. */
static void fill_alternate_sets(struct wccp_set_list *list)
{
	struct wccp_set *set;

	*list = (struct wccp_set_list){ .alternate = true };
	set = add_set(list, (struct wccp_mask){ .src = bits(0x100), .dport = 1 });
	for (unsigned i = 1; i <= 2; i++) {
		m.cache_values[m.n_cache_values++] = (struct wccp_cache_values){
			.cache = cache(i), .first_vsn = (uint16_t)m.n_vsns, .n_vsns = 2
		};
		set->n++;
		m.vsns[m.n_vsns++] = 2 * i - 2;
		m.vsns[m.n_vsns++] = 2 * i - 1;
	}
}

static void fill_hash(struct wccp_hash_table *t)
{
	t->n_caches = 2;
	t->caches[0] = cache(1);
	t->caches[1] = cache(2);
	for (unsigned b = 0; b < WCCP_BUCKETS; b++)
		t->buckets[b] = (uint8_t)(b % 2);
	t->buckets[254] = 1 | WCCP_BUCKET_ALT;
	t->buckets[255] = WCCP_BUCKET_NONE;
}

static void capabilities(uint32_t methods, uint32_t assign)
{
	m.capabilities = (struct wccp_capabilities){
		.present = 1u << WCCP_CAP_FORWARD | 1u << WCCP_CAP_ASSIGN |
			   1u << WCCP_CAP_RETURN,
		.forward = methods,
		.assign = assign,
		.ret = methods,
	};
	add(WCCP_C_CAPABILITIES);
}

static void timers(bool range)
{
	m.capabilities.present |=
		1u << WCCP_CAP_TRANSMIT_T | 1u << WCCP_CAP_TIMER_SCALE;
	m.capabilities.transmit_t = (struct wccp_cap_transmit_t){ range, 500, 60000 };
	m.capabilities.timer_scale = (struct wccp_cap_timer_scale){ range, 1, 5, 2, 4 };
}

static void command(unsigned type, unsigned i)
{
	m.n_commands = 1;
	m.commands[0] = (struct wccp_command){ (uint16_t)type, cache(i) };
	add(WCCP_C_COMMAND);
}

static void cache_view(void)
{
	struct wccp_cache_view *v = &m.cache_view;

	v->change_number = 7;
	v->n_routers = 2;
	v->n_caches = 2;
	for (unsigned i = 0; i < 2; i++) {
		v->routers[i] = (struct wccp_router_id){ router(i + 1), 1000 + i };
		v->caches[i] = cache(i + 1);
	}
	add(WCCP_C_CACHE_VIEW);
}

static void here_hash(void)
{
	dynamic_service();
	hash_identity(&m.cache_identity, 1, 0, 128);
	add(WCCP_C_CACHE_ID);
	cache_view();
	capabilities(WCCP_METHOD_GRE, WCCP_ASSIGN_HASH);
}

/* The first message to a group: nobody is seen yet. */
static void here_first(void)
{
	web_cache_service();
	hash_identity(&m.cache_identity, 1, 0, 0);
	m.cache_identity.unassigned = true;
	add(WCCP_C_CACHE_ID);
	m.cache_view = (struct wccp_cache_view){ .change_number = 1 };
	add(WCCP_C_CACHE_VIEW);
	capabilities(WCCP_METHOD_L2, WCCP_ASSIGN_HASH);
}

static void here_mask(void)
{
	dynamic_service();
	m.cache_identity = (struct wccp_cache_id){
		.addr = cache(1), .kind = WCCP_DATA_MASK, .weight = 3, .status = 4
	};
	fill_mask_sets(&m.cache_identity.sets);
	add(WCCP_C_CACHE_ID);
	cache_view();
	capabilities(WCCP_METHOD_L2, WCCP_ASSIGN_MASK);
}

static void here_shutdown(void)
{
	here_hash();
	command(WCCP_CMD_SHUTDOWN, 1);
}

static void here_none(void)
{
	here_hash();
	m.cache_identity = (struct wccp_cache_id){ .addr = cache(1),
						   .kind = WCCP_DATA_NONE,
						   .min_version = true };
	timers(false);
}

static void here_weight(void)
{
	here_hash();
	m.cache_identity = (struct wccp_cache_id){
		.addr = cache(1), .kind = WCCP_DATA_WEIGHT, .weight = 5, .status = 6
	};
}

static void here_alt_mask(void)
{
	here_mask();
	m.n_sets = m.n_values = 0;
	m.cache_identity.kind = WCCP_DATA_ALT_MASK;
	fill_alternate_sets(&m.cache_identity.sets);
}

static void see(void)
{
	m.router_identity = (struct wccp_router_identity){
		.self = { router(1), 4242 },
		.sent_to = router(2),
		.n_from = 2,
		.from = { cache(1), cache(2) },
	};
	add(WCCP_C_ROUTER_ID);
	m.router_view.change_number = 9;
	m.router_view.key = (struct wccp_key){ cache(1), 3 };
	m.router_view.n_routers = 2;
	m.router_view.routers[0] = router(1);
	m.router_view.routers[1] = router(2);
	add(WCCP_C_ROUTER_VIEW);
	capabilities(WCCP_METHOD_GRE | WCCP_METHOD_L2,
		     WCCP_ASSIGN_HASH | WCCP_ASSIGN_MASK);
}

static void see_hash(void)
{
	dynamic_service();
	see();
	m.router_view.n_caches = 2;
	hash_identity(&m.router_view.caches[0], 1, 0, 128);
	hash_identity(&m.router_view.caches[1], 2, 128, 256);
}

/* The assignment key and its buckets, in 2.0 by component 6. */
static void assignment(void)
{
	struct wccp_assignment *a = &m.assignment;

	a->type = WCCP_AT_HASH;
	a->key = (struct wccp_key){ cache(1), 12 };
	a->n_routers = 2;
	for (unsigned i = 0; i < 2; i++)
		a->routers[i] = (struct wccp_router_assignment){ router(i + 1),
								 2000 + i, 30 + i };
}

static void see_hash_echo(void)
{
	see_hash();
	assignment();
	fill_hash(&m.assignment.hash);
	add(WCCP_C_ASSIGNMENT);
}

static void see_shutdown(void)
{
	see_hash();
	command(WCCP_CMD_SHUTDOWN_RESPONSE, 2);
}

static void see_mask(void)
{
	web_cache_service();
	see();
	m.router_view.n_caches = 2;
	for (unsigned i = 0; i < 2; i++) {
		m.router_view.caches[i] =
			(struct wccp_cache_id){ .addr = cache(i + 1),
						.kind = WCCP_DATA_MASK };
	}
	m.map.type = WCCP_AT_MASK;
	fill_mask_sets(&m.map.sets);
	add(WCCP_C_ASSIGN_MAP);
}

static void see_timers(void)
{
	see_mask();
	timers(true);
}

static void see_alt_map(void)
{
	see_mask();
	m.n_sets = m.n_values = 0;
	m.present ^= 1u << WCCP_C_ASSIGN_MAP | 1u << WCCP_C_ALT_ASSIGN_MAP;
	m.map.type = WCCP_AT_ALT_MASK;
	fill_alternate_sets(&m.map.sets);
}

static void see_hash_map(void)
{
	see_hash();
	m.map.type = WCCP_AT_HASH;
	fill_hash(&m.map.hash);
	add(WCCP_C_ALT_ASSIGN_MAP);
}

static void assign_hash(void)
{
	dynamic_service();
	assignment();
	fill_hash(&m.assignment.hash);
	add(WCCP_C_ASSIGNMENT);
}

static void assign_alt_hash(void)
{
	assign_hash();
	m.present ^= 1u << WCCP_C_ASSIGNMENT | 1u << WCCP_C_ALT_ASSIGNMENT;
}

static void assign_mask(void)
{
	dynamic_service();
	assignment();
	m.assignment.type = WCCP_AT_MASK;
	fill_mask_sets(&m.assignment.sets);
	add(WCCP_C_ALT_ASSIGNMENT);
}

static void assign_alt_mask(void)
{
	dynamic_service();
	assignment();
	m.assignment.type = WCCP_AT_ALT_MASK;
	fill_alternate_sets(&m.assignment.sets);
	add(WCCP_C_ALT_ASSIGNMENT);
}

static void query(void)
{
	web_cache_service();
	m.query = (struct wccp_router_query){ { router(1), 77 }, router(2), cache(1) };
	add(WCCP_C_ROUTER_QUERY);
}

static const struct kind {
	const char *name;
	enum wccp_type type;
	uint8_t minor, last; /* the versions that have it */
	void (*fill)(void);
} kinds[] = {
	{ "here_first", WCCP_HERE_I_AM, 0, 1, here_first },
	{ "here_hash", WCCP_HERE_I_AM, 0, 1, here_hash },
	{ "here_mask", WCCP_HERE_I_AM, 0, 1, here_mask },
	{ "here_shutdown", WCCP_HERE_I_AM, 0, 1, here_shutdown },
	{ "here_none", WCCP_HERE_I_AM, 1, 1, here_none },
	{ "here_weight", WCCP_HERE_I_AM, 1, 1, here_weight },
	{ "here_alt_mask", WCCP_HERE_I_AM, 1, 1, here_alt_mask },
	{ "see_hash", WCCP_I_SEE_YOU, 0, 1, see_hash },
	{ "see_hash_echo", WCCP_I_SEE_YOU, 0, 0, see_hash_echo },
	{ "see_shutdown", WCCP_I_SEE_YOU, 0, 1, see_shutdown },
	{ "see_mask", WCCP_I_SEE_YOU, 0, 1, see_mask },
	{ "see_timers", WCCP_I_SEE_YOU, 1, 1, see_timers },
	{ "see_alt_map", WCCP_I_SEE_YOU, 1, 1, see_alt_map },
	{ "see_hash_map", WCCP_I_SEE_YOU, 1, 1, see_hash_map },
	{ "assign_hash", WCCP_REDIRECT_ASSIGN, 0, 1, assign_hash },
	{ "assign_alt_hash", WCCP_REDIRECT_ASSIGN, 0, 1, assign_alt_hash },
	{ "assign_mask", WCCP_REDIRECT_ASSIGN, 0, 1, assign_mask },
	{ "assign_alt_mask", WCCP_REDIRECT_ASSIGN, 1, 1, assign_alt_mask },
	{ "query", WCCP_REMOVAL_QUERY, 0, 1, query },
};

static void print_octets(const char *name, const uint8_t *octets, size_t len)
{
	printf("%s ", name);
	for (size_t i = 0; i < len; i++)
		printf("%02x", octets[i]);
	printf("\n");
}

static void write_octets(const char *folder, const char *name, const uint8_t *octets,
			 size_t len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "wb");
	if (!f || fwrite(octets, 1, len, f) != len || fclose(f) != 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static void sample(const struct kind *kind, uint8_t minor,
		   const struct codec_password *password, const char *folder)
{
	static uint8_t octets[WCCP_MAX_DATAGRAM];
	char name[64];
	struct err err;
	int len;

	codec_begin(&m, kind->type);
	m.minor = minor;
	m.table_family = ipv6 ? 2 : 0;
	kind->fill();
	len = codec_encode(&m, password, octets, sizeof(octets), &err);
	if (len < 0) {
		fprintf(stderr, "%s: %s\n", kind->name, err.text);
		exit(EXIT_FAILURE);
	}
	snprintf(name, sizeof(name), "%s.%u.%s.%s", kind->name, minor,
		 password ? "md5" : "none", ipv6 ? "ipv6" : "ipv4");
	if (folder)
		write_octets(folder, name, octets, (size_t)len);
	else
		print_octets(name, octets, (size_t)len);
}

int main(int argc, char **argv)
{
	const char *folder = argc > 1 ? argv[1] : NULL;
	struct codec_password password;

	if (codec_password("s3cret", &password, NULL) < 0)
		return EXIT_FAILURE;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (uint8_t minor = kinds[k].minor; minor <= kinds[k].last; minor++) {
			for (unsigned tables = 0; tables <= minor; tables++) {
				ipv6 = tables;
				sample(&kinds[k], minor, NULL, folder);
				sample(&kinds[k], minor, &password, folder);
			}
		}
	}
	return EXIT_SUCCESS;
}
