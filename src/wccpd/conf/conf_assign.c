/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How traffic is divided: methods of assignment, masks, hot buckets. */
#include "wccpd/conf/conf_sections.h"

#include <stdlib.h>
#include <string.h>

enum {
	MANY_BITS = 7, /* every value is an entry in a switch's TCAM: more is a lot */
	MAX_BITS = 10,
	FEW_VALUES = 4, /* for each web-cache: with less, shares get uneven */
	DEFAULT_BITS = 6,
};

cfg_opt_t mask_options[] = {
	READ_TEXT("src-ip"),   READ_TEXT("dst-ip"), READ_TEXT("src-port"),
	READ_TEXT("dst-port"), CFG_END(),
};

static bool conf_assign_has_mask(const struct cache_conf *group)
{
	for (unsigned i = 0; i < group->assign.n; i++)
		if (group->assign.methods[i] == WCCP_ASSIGN_MASK)
			return true;
	return false;
}

/* Where to report something about the mask: at its section, or at the service. */
static cfg_t *conf_assign_mask_section(cfg_t *section)
{
	return cfg_size(section, "mask") ? cfg_getnsec(section, "mask", 0) : section;
}

/* -- the bits ----------------------------------------------------------------------- */

/* The low 32 bits of an address of the family; all zero is no address at all. */
static struct addr conf_assign_low_bits(uint8_t family, uint32_t bits)
{
	struct addr a = { 0 };
	size_t at = family == ADDR_V6 ? 12 : 0;

	if (bits == 0)
		return a;
	a.family = family;
	for (unsigned i = 0; i < 4; i++)
		a.octets[at + i] = (uint8_t)(bits >> (24 - 8 * i));
	return a;
}

static unsigned conf_assign_count_bits(const struct wccp_mask *m)
{
	unsigned n = (unsigned)__builtin_popcount(m->sport) +
		     (unsigned)__builtin_popcount(m->dport);

	for (size_t i = 0; i < sizeof(m->src.octets); i++)
		n += (unsigned)__builtin_popcount(m->src.octets[i]) +
		     (unsigned)__builtin_popcount(m->dst.octets[i]);
	return n;
}

/* A number for the low 32 bits, or an address for all of them. */
static int conf_assign_read_mask_address(struct reader *r, cfg_t *mask,
					 const char *name, uint8_t family,
					 struct addr *out)
{
	const char *text;
	uint32_t bits;

	if (!read_is_set(mask, name))
		return 0;
	text = cfg_getstr(mask, name);
	if (read_digits(text, UINT32_MAX, &bits) == 0)
		*out = conf_assign_low_bits(family, bits);
	else if (addr_parse(text, out) < 0 || out->family != family)
		return read_fail(r, mask, name,
				 "%s: %s is neither a 32-bit number nor the IPv%u "
				 "address of a mask",
				 name, text, family);
	if (conf_assign_count_bits(&(struct wccp_mask){ .src = *out }) == 0)
		*out = (struct addr){ 0 };
	return 0;
}

static int conf_assign_read_mask(struct reader *r, cfg_t *section,
				 struct cache_conf *out)
{
	cfg_t *mask = conf_assign_mask_section(section);
	uint8_t family = out->self.family;

	if (cfg_size(section, "mask") > 1)
		return read_fail(r, cfg_getnsec(section, "mask", 1), NULL,
				 "mask is set twice");
	if (read_is_set(section, "mask-bits"))
		return read_fail(r, section, "mask-bits",
				 "mask-bits: the bits are set by mask");
	if (conf_assign_read_mask_address(r, mask, "src-ip", family, &out->mask.src) <
		    0 ||
	    conf_assign_read_mask_address(r, mask, "dst-ip", family, &out->mask.dst) <
		    0 ||
	    read_number16(r, mask, "src-port", 0, &out->mask.sport) < 0 ||
	    read_number16(r, mask, "dst-port", 0, &out->mask.dport) < 0)
		return -1;
	if (conf_assign_count_bits(&out->mask) == 0)
		return read_fail(r, mask, NULL, "mask: no bit is set");
	return 0;
}

/* The low bits spread hosts in a subnet, the others spread subnets; six of them make
 * 0x1741, which Squid and others use, too. */
static uint32_t conf_assign_usual_bits(unsigned n)
{
	static const uint8_t order[MAX_BITS] = { 0, 8, 6, 9, 10, 12, 1, 2, 7, 3 };
	uint32_t bits = 0;

	for (unsigned i = 0; i < n; i++)
		bits |= 1u << order[i];
	return bits;
}

static int conf_assign_read_mask_bits(struct reader *r, cfg_t *section,
				      struct cache_conf *out)
{
	uint32_t n = DEFAULT_BITS;
	struct addr bits;

	if (read_number(r, section, "mask-bits", 1, MAX_BITS, &n) < 0)
		return -1;
	bits = conf_assign_low_bits(out->self.family, conf_assign_usual_bits(n));
	/* On the side that the hash looks at, so that both methods divide alike. */
	if (out->service.flags & WCCP_F_SRC_IP_HASH &&
	    !(out->service.flags & WCCP_F_DST_IP_HASH))
		out->mask.src = bits;
	else
		out->mask.dst = bits;
	return 0;
}

/* -- is it sensible? -------------------------------------------------------------------- */

/*
 * Octets of a REDIRECT_ASSIGN: what every message has, the key, the routers, and one
 * set with all values.  2.01 has sequence numbers instead of values (section 5.6.8).
 */
static unsigned conf_assign_message_octets(const struct cache_conf *group,
					   unsigned bits)
{
	enum { FIXED = 84, DIGEST = 16, ROUTER = 12, VALUE = 16, NUMBER = 4 };
	unsigned value = group->version == CACHE_V20 ? VALUE : NUMBER;

	return FIXED + (group->password.set ? DIGEST : 0) + ROUTER * group->n_routers + (value << bits);
}

/* Warn of what many values cost. */
static void conf_assign_check_cost(struct reader *r, cfg_t *at, const char *name,
				   const struct cache_conf *group, unsigned bits)
{
	enum { WHOLE = 1400 }; /* as in cache_tx.c */
	unsigned octets = conf_assign_message_octets(group, bits);
	const char *shorter = group->version == CACHE_V20 ? " (less by version 2.01)" : "";

	if (bits > MANY_BITS)
		read_warn(r, at, name,
			  "mask: %u bits make %u values, which may be more than the "
			  "TCAM of a switch takes, and messages of %u octets%s, which "
			  "are lost where fragments are filtered",
			  bits, 1u << bits, octets, shorter);
	else if (octets > WHOLE)
		read_warn(r, at, name,
			  "mask: %u bits make messages of %u octets%s, which are lost "
			  "where fragments are filtered",
			  bits, octets, shorter);
}

static int conf_assign_check_mask(struct reader *r, cfg_t *section,
				  const struct cache_conf *group)
{
	unsigned n = conf_assign_count_bits(&group->mask);
	cfg_t *at = conf_assign_mask_section(section);
	const char *name = at == section ? "mask-bits" : NULL;

	if (n > MAX_BITS)
		return read_fail(r, at, name, "mask: %u bits, more than %d", n,
				 MAX_BITS);
	conf_assign_check_cost(r, at, name, group, n);
	if (group->n_allowed && 1u << n < FEW_VALUES * group->n_allowed)
		read_warn(r, at, name,
			  "mask: %u bits make %u values, too few to share evenly "
			  "among %u web-caches",
			  n, 1u << n, group->n_allowed);
	return 0;
}

static int conf_assign_read_masks(struct reader *r, cfg_t *section,
				  struct cache_conf *out)
{
	bool set = cfg_size(section, "mask") > 0;

	if (!conf_assign_has_mask(out)) {
		if (set || read_is_set(section, "mask-bits"))
			read_warn(r, conf_assign_mask_section(section),
				  set ? NULL : "mask-bits",
				  "mask: not used, assign does not have it");
		if (!set && !read_is_set(section, "mask-bits"))
			return 0;
	}
	if ((set ? conf_assign_read_mask : conf_assign_read_mask_bits)(r, section,
								       out) < 0)
		return -1;
	return conf_assign_check_mask(r, section, out);
}

/* -- hot buckets -------------------------------------------------------------------------- */

/* "17" or "200-210" */
static int conf_assign_parse_range(const char *text, uint32_t *first, uint32_t *last)
{
	const char *dash = strchr(text, '-');
	char begin[8];
	size_t len = dash ? (size_t)(dash - text) : strlen(text);

	if (len >= sizeof(begin))
		return -1;
	memcpy(begin, text, len);
	begin[len] = '\0';
	if (read_digits(begin, WCCP_BUCKETS - 1, first) < 0)
		return -1;
	*last = *first;
	if (dash && read_digits(dash + 1, WCCP_BUCKETS - 1, last) < 0)
		return -1;
	return *first <= *last ? 0 : -1;
}

static int conf_assign_read_hot_buckets(struct reader *r, cfg_t *section,
					struct cache_conf *out)
{
	const uint32_t alternate = 0xf00;
	unsigned n = cfg_size(section, "hot-buckets");
	uint32_t first, last;

	for (unsigned i = 0; i < n; i++) {
		const char *text = cfg_getnstr(section, "hot-buckets", i);

		if (conf_assign_parse_range(text, &first, &last) < 0)
			return read_fail_item(r, section, "hot-buckets", i,
					      "hot-buckets: %s is neither a number "
					      "from 0 to 255 nor a range of them",
					      text);
		for (uint32_t b = first; b <= last; b++)
			wccp_vector_add(&out->alt_buckets, b);
	}
	/* Routers know the alternate hash of the well-known service. */
	if (n && out->service.type == WCCP_SERVICE_DYNAMIC &&
	    !(out->service.flags & alternate))
		return read_fail(r, section, "hot-buckets",
				 "hot-buckets: the service has no alternate-hash");
	return 0;
}

int conf_assign_read(struct reader *r, cfg_t *section, const struct spoof *spoof,
		     struct cache_conf *out)
{
	static const char *const kinds[] = { "hash", "mask", NULL };
	static const uint32_t bits[] = { WCCP_ASSIGN_HASH, WCCP_ASSIGN_MASK };

	out->assign =
		(struct cache_preference){ 2, { WCCP_ASSIGN_HASH, WCCP_ASSIGN_MASK } };
	if (conf_part_methods(r, section, "assign", kinds, bits, &out->assign) < 0 ||
	    conf_assign_read_masks(r, section, out) < 0 ||
	    conf_assign_read_hot_buckets(r, section, out) < 0)
		return -1;
	return spoof->on ? conf_spoof_check(r, section, out) : 0;
}
