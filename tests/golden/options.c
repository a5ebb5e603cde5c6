/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a scenario can say of services, web-caches and routers.
 *
 *   service NAME well-known
 *   service NAME dynamic ID priority N protocol N flags 0xN ports N,N
 *   cache NAME ADDRESS ...      the names in `cache_options` below
 *   router NAME ADDRESS ...     the names in `router_options` below
 */
#include "golden.h"

#include <stdlib.h>
#include <string.h>

/* -- values ---------------------------------------------------------------------------- */

uint32_t options_methods(struct stage *st, const char *text,
			 struct cache_preference *pref)
{
	char copy[32], *save = NULL;
	uint32_t all = 0;
	unsigned n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, ",", &save); w && n < 2;
	     w = strtok_r(NULL, ",", &save)) {
		uint32_t bit = !strcmp(w, "gre") || !strcmp(w, "hash")	? 1
			       : !strcmp(w, "l2") || !strcmp(w, "mask") ? 2
									: 0;

		if (!bit)
			stage_fail(st, "no method: %s", w);
		if (pref)
			pref->methods[n] = bit;
		n++;
		all |= bit;
	}
	if (pref)
		pref->n = n;
	return all;
}

static void read_preference(struct stage *st, struct words *w,
			    struct cache_preference *pref)
{
	memset(pref, 0, sizeof(*pref));
	options_methods(st, words_need(st, w, "methods"), pref);
}

static uint32_t read_methods(struct stage *st, struct words *w)
{
	return options_methods(st, words_need(st, w, "methods"), NULL);
}

static struct addr read_bits(struct stage *st, struct words *w)
{
	const char *word = words_need(st, w, "bits");
	struct addr a;

	if (strchr(word, ':')) {
		if (addr_parse(word, &a) < 0)
			stage_fail(st, "no address: %s", word);
		return a;
	}
	return addr_v4((uint32_t)strtoul(word, NULL, 0));
}

void options_mask(struct stage *st, struct words *w, struct wccp_mask *mask)
{
	const char *field = words_need(st, w, "src, dst, sport or dport");

	if (!strcmp(field, "src"))
		mask->src = read_bits(st, w);
	else if (!strcmp(field, "dst"))
		mask->dst = read_bits(st, w);
	else if (!strcmp(field, "sport"))
		mask->sport = (uint16_t)words_number(st, w, "bits");
	else if (!strcmp(field, "dport"))
		mask->dport = (uint16_t)words_number(st, w, "bits");
	else
		stage_fail(st, "no field of a mask: %s", field);
}

static struct codec_password read_password(struct stage *st, struct words *w)
{
	struct codec_password p = { .set = false };
	const char *word = words_need(st, w, "password");
	struct err err = { "" };

	if (strcmp(word, "none") != 0 && codec_password(word, &p, &err) < 0)
		stage_fail(st, "%s", err.text);
	return p;
}

/* "0-15" */
static void read_buckets(struct stage *st, struct words *w,
			 struct wccp_bucket_vector *v)
{
	unsigned long first = words_number(st, w, "first bucket");
	unsigned long last = words_number(st, w, "last bucket");

	for (; first <= last && first < WCCP_BUCKETS; first++)
		wccp_vector_add(v, (unsigned)first);
}

/* -- services ---------------------------------------------------------------------------- */

static void read_ports(struct stage *st, const char *text, uint16_t *ports)
{
	char copy[64], *save = NULL;
	unsigned n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *w = strtok_r(copy, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		if (n == WCCP_MAX_PORTS) {
			stage_fail(st, "too many ports");
			return;
		}
		ports[n++] = (uint16_t)strtoul(w, NULL, 0);
	}
}

static void service_option(struct stage *st, struct wccp_service *s, const char *key,
			   struct words *w)
{
	if (!strcmp(key, "priority"))
		s->priority = (uint8_t)words_number(st, w, "priority");
	else if (!strcmp(key, "protocol"))
		s->protocol = (uint8_t)words_number(st, w, "protocol");
	else if (!strcmp(key, "flags"))
		s->flags = (uint32_t)words_number(st, w, "flags");
	else if (!strcmp(key, "ports"))
		read_ports(st, words_need(st, w, "ports"), s->ports);
	else
		stage_fail(st, "no option of a service: %s", key);
}

void options_service(struct stage *st, struct golden_service *s, struct words *w)
{
	const char *key = words_need(st, w, "well-known or dynamic");

	s->mirror_of = -1;
	if (!strcmp(key, "well-known")) {
		s->service = (struct wccp_service){ .type = WCCP_SERVICE_STANDARD };
		return;
	}
	s->service.type = WCCP_SERVICE_DYNAMIC;
	s->service.id = (uint8_t)words_number(st, w, "service id");
	while ((key = words_next(w))) {
		if (!strcmp(key, "mirror-of")) {
			const char *name = words_need(st, w, "service");

			for (unsigned i = 0; i < st->n_services; i++)
				if (!strcmp(st->services[i].name, name))
					s->mirror_of = (int)i;
			if (s->mirror_of < 0)
				stage_fail(st, "no service: %s", name);
		} else {
			service_option(st, &s->service, key, w);
		}
	}
}

/* -- web-caches ----------------------------------------------------------------------------- */

static enum cache_version read_version(struct stage *st, struct words *w)
{
	const char *word = words_need(st, w, "version");

	if (!strcmp(word, "negotiate"))
		return CACHE_NEGOTIATE;
	if (strcmp(word, "2.00") != 0 && strcmp(word, "2.01") != 0)
		stage_fail(st, "no version: %s", word);
	return strcmp(word, "2.01") == 0 ? CACHE_V201 : CACHE_V20;
}

enum cache_option {
	CACHE_ROUTERS,
	CACHE_MULTICAST,
	CACHE_PASSWORD,
	CACHE_FORWARD,
	CACHE_RETURN,
	CACHE_ASSIGN,
	CACHE_T,
	CACHE_TIMEOUT_SCALE,
	CACHE_RA_SCALE,
	CACHE_VERSION,
	CACHE_MASK,
	CACHE_ALT,
	CACHE_ALLOWED,
	CACHE_OFF_LINK,
};

static const char *const cache_options[] = {
	[CACHE_ROUTERS] = "routers", /* ADDRESS,ADDRESS; "any": with multicast */
	[CACHE_MULTICAST] = "multicast",
	[CACHE_PASSWORD] = "password",
	[CACHE_FORWARD] = "forward", /* in order of preference */
	[CACHE_RETURN] = "return",
	[CACHE_ASSIGN] = "assign",
	[CACHE_T] = "transmit-t", /* ms */
	[CACHE_TIMEOUT_SCALE] = "timeout-scale",
	[CACHE_RA_SCALE] = "ra-scale",
	[CACHE_VERSION] = "version",	   /* 2.00, 2.01, negotiate */
	[CACHE_MASK] = "mask",		   /* src|dst|sport|dport BITS */
	[CACHE_ALT] = "alternate-buckets", /* FIRST LAST */
	[CACHE_ALLOWED] = "caches",	   /* ADDRESS,ADDRESS; "any" */
	[CACHE_OFF_LINK] = "off-link",
};

static int find_option(const char *const *names, unsigned n, const char *key)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i], key) == 0)
			return (int)i;
	return -1;
}

static void cache_option(struct stage *st, struct node *n, const char *key,
			 struct words *w)
{
	struct cache_conf *c = &n->cache_conf;

	switch (find_option(cache_options, CACHE_OFF_LINK + 1, key)) {
	case CACHE_ROUTERS:
		c->n_routers = words_addrs(st, w, c->routers, WCCP_MAX_ROUTERS);
		break;
	case CACHE_MULTICAST:
		c->multicast = words_addr(st, w, "group address");
		break;
	case CACHE_PASSWORD:
		c->password = read_password(st, w);
		break;
	case CACHE_FORWARD:
		read_preference(st, w, &c->forward);
		break;
	case CACHE_RETURN:
		read_preference(st, w, &c->ret);
		break;
	case CACHE_ASSIGN:
		read_preference(st, w, &c->assign);
		break;
	case CACHE_T:
		c->transmit_t_ms = (uint32_t)words_number(st, w, "ms");
		break;
	case CACHE_TIMEOUT_SCALE:
		c->timeout_scale = (uint8_t)words_number(st, w, "scale");
		break;
	case CACHE_RA_SCALE:
		c->ra_scale = (uint8_t)words_number(st, w, "scale");
		break;
	case CACHE_VERSION:
		c->version = read_version(st, w);
		break;
	case CACHE_MASK:
		options_mask(st, w, &c->mask);
		break;
	case CACHE_ALT:
		read_buckets(st, w, &c->alt_buckets);
		break;
	case CACHE_ALLOWED:
		c->n_allowed = words_addrs(st, w, c->allowed, WCCP_MAX_CACHES);
		break;
	case CACHE_OFF_LINK:
		n->off_link = true;
		break;
	default:
		stage_fail(st, "no option of a web-cache: %s", key);
	}
}

void options_cache(struct stage *st, struct node *n, struct words *w)
{
	const char *key;

	while ((key = words_next(w)))
		cache_option(st, n, key, w);
}

/* -- routers ---------------------------------------------------------------------------------- */

/* "timers LEAST MOST TIMEOUT-SCALE RA-SCALE" */
static void read_timers(struct stage *st, struct words *w, struct router_conf *c)
{
	c->advertise_timers = true;
	c->transmit_t = (struct wccp_cap_transmit_t){ .is_range = true };
	c->transmit_t.lower_ms = (uint16_t)words_number(st, w, "least T");
	c->transmit_t.upper_ms = (uint16_t)words_number(st, w, "most T");
	c->timer_scale = (struct wccp_cap_timer_scale){ .is_range = true,
							.timeout_lower = 1,
							.ra_lower = 1 };
	c->timer_scale.timeout_upper =
		(uint8_t)words_number(st, w, "most timeout scale");
	c->timer_scale.ra_upper = (uint8_t)words_number(st, w, "most RA scale");
}

static enum router_mask_identity read_identity(struct stage *st, struct words *w)
{
	const char *word = words_need(st, w, "full, empty-set or no-sets");

	if (!strcmp(word, "empty-set"))
		return ROUTER_MASK_EMPTY_SET;
	if (strcmp(word, "full") != 0 && strcmp(word, "no-sets") != 0)
		stage_fail(st, "no form of identities: %s", word);
	return strcmp(word, "no-sets") == 0 ? ROUTER_MASK_NO_SETS : ROUTER_MASK_FULL;
}

enum router_option {
	ROUTER_ID,
	ROUTER_MULTICAST,
	ROUTER_PASSWORD,
	ROUTER_FORWARD,
	ROUTER_RETURN,
	ROUTER_ASSIGN,
	ROUTER_TIMERS,
	ROUTER_ECHO,
	ROUTER_IDENTITY,
	ROUTER_ALLOWED,
	ROUTER_VERSION,
};

static const char *const router_options[] = {
	[ROUTER_ID] = "id", /* its address if not said */
	[ROUTER_MULTICAST] = "multicast",
	[ROUTER_PASSWORD] = "password",
	[ROUTER_FORWARD] = "forward",
	[ROUTER_RETURN] = "return",
	[ROUTER_ASSIGN] = "assign",
	[ROUTER_TIMERS] = "timers", /* LEAST-T MOST-T TIMEOUT-SCALE RA-SCALE */
	[ROUTER_ECHO] = "echo",
	[ROUTER_IDENTITY] = "identity", /* full, empty-set, no-sets */
	[ROUTER_ALLOWED] = "caches",
	[ROUTER_VERSION] = "version", /* its highest */
};

static void router_option(struct stage *st, struct node *n, const char *key,
			  struct words *w)
{
	struct router_conf *c = &n->router_conf;
	struct addr list[WCCP_MAX_CACHES];

	switch (find_option(router_options, ROUTER_VERSION + 1, key)) {
	case ROUTER_ID:
		c->id = words_addr(st, w, "router id");
		break;
	case ROUTER_MULTICAST:
		c->multicast = words_addr(st, w, "group address");
		break;
	case ROUTER_PASSWORD:
		c->password = read_password(st, w);
		break;
	case ROUTER_FORWARD:
		c->forward = read_methods(st, w);
		break;
	case ROUTER_RETURN:
		c->ret = read_methods(st, w);
		break;
	case ROUTER_ASSIGN:
		c->assign = read_methods(st, w);
		break;
	case ROUTER_TIMERS:
		read_timers(st, w, c);
		break;
	case ROUTER_ECHO:
		c->echo_assignment = true;
		break;
	case ROUTER_IDENTITY:
		c->mask_identity = read_identity(st, w);
		break;
	case ROUTER_ALLOWED:
		c->n_allowed = words_addrs(st, w, list, WCCP_MAX_CACHES);
		for (unsigned i = 0; i < c->n_allowed; i++)
			c->allowed[i] = addr_prefix_of(&list[i]);
		break;
	case ROUTER_VERSION:
		c->max_minor = read_version(st, w) == CACHE_V20 ? 0 : 1;
		break;
	default:
		stage_fail(st, "no option of a router: %s", key);
	}
}

void options_router(struct stage *st, struct node *n, struct words *w)
{
	const char *key;

	while ((key = words_next(w)))
		router_option(st, n, key, w);
}
