/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A service section of wccprouter.conf. */
#include "wccprouter/conf/routerd_conf_service.h"

#include "conffile/password.h"
#include "wccprouter/conf/routerd_conf_interfaces.h"

#include <string.h>

/* The highest TTL of a group that other routers accept. */
enum { GROUP_TTL_MAX = 15 };

cfg_opt_t routerd_conf_service_options[] = {
	PASSWORD_OPTIONS,	 READ_LIST("forward"),
	READ_LIST("return"),	 READ_LIST("transmit-t"),
	READ_LIST("group-list"), READ_LIST("redirect-list"),
	READ_TEXT("closed"),	 READ_TEXT("echo-assignment"),
	READ_LIST("assign"),	 READ_TEXT("mask-identity"),
	READ_TEXT("version"),	 READ_TEXT("group-address"),
	READ_TEXT("group-ttl"),	 READ_LIST("redirect-in"),
	READ_LIST("redirect-out"), CFG_END(),
};

/* A service is "web-cache" or the number of a dynamic one. */
static int routerd_conf_service_read_title(struct reader *r, cfg_t *section,
					   struct routerd_conf_service *out)
{
	const char *title = cfg_title(section);
	uint32_t id = WCCP_WEB_CACHE_ID;

	out->router.service_type = WCCP_SERVICE_STANDARD;
	if (strcmp(title, "web-cache") != 0) {
		out->router.service_type = WCCP_SERVICE_DYNAMIC;
		if (strlen(title) >= sizeof(out->name) ||
		    read_digits(title, UINT8_MAX, &id) < 0)
			return read_fail(r, section, NULL,
					 "service %s is neither web-cache nor 0 to 255",
					 title);
	}
	out->router.service_id = (uint8_t)id;
	strcpy(out->name, title);
	return 0;
}

/* A set of methods; `out` stays as it is if the list is not set.  The words stand for
 * bits 1 and 2. */
static int routerd_conf_service_read_methods(struct reader *r, cfg_t *section,
					     const char *name,
					     const char *const words[], uint32_t *out)
{
	unsigned n = cfg_size(section, name), which = 0;

	if (n)
		*out = 0;
	for (unsigned i = 0; i < n; i++) {
		if (read_word(r, section, name, i, words, &which) < 0)
			return -1;
		*out |= 1u << which;
	}
	return 0;
}

static int routerd_conf_service_read_all_methods(struct reader *r, cfg_t *section,
						 struct router_conf *out)
{
	static const char *const ways[] = { "gre", "l2", NULL };
	static const char *const assign[] = { "hash", "mask", NULL };

	if (routerd_conf_service_read_methods(r, section, "forward", ways,
					      &out->forward) < 0 ||
	    routerd_conf_service_read_methods(r, section, "return", ways, &out->ret) <
		    0)
		return -1;
	return routerd_conf_service_read_methods(r, section, "assign", assign,
						 &out->assign);
}

static int routerd_conf_service_read_mask_identity(struct reader *r, cfg_t *section,
						   enum router_mask_identity *out)
{
	/* In the order of enum router_mask_identity. */
	static const char *const words[] = { "full", "empty-set", "no-sets", NULL };
	unsigned which = *out;

	if (read_word(r, section, "mask-identity", 0, words, &which) < 0)
		return -1;
	*out = (enum router_mask_identity)which;
	return 0;
}

static int routerd_conf_service_read_timers(struct reader *r, cfg_t *section,
					    struct router_conf *out)
{
	uint32_t lower, upper;

	if (!read_is_set(section, "transmit-t"))
		return 0;
	if (cfg_size(section, "transmit-t") != 2 ||
	    read_digits(cfg_getnstr(section, "transmit-t", 0), UINT16_MAX, &lower) <
		    0 ||
	    read_digits(cfg_getnstr(section, "transmit-t", 1), UINT16_MAX, &upper) <
		    0 ||
	    lower == 0 || lower > upper)
		return read_fail(r, section, "transmit-t",
				 "transmit-t: needs a lower and an upper limit, "
				 "1 to %d ms",
				 UINT16_MAX);
	router_offer_timers(out, (uint16_t)lower, (uint16_t)upper);
	return 0;
}

/* One web-cache, or a prefix of them. */
static int routerd_conf_service_read_allowed(struct reader *r, cfg_t *section,
					     unsigned index, struct addr_prefix *out)
{
	const char *text = cfg_getnstr(section, "group-list", index);
	struct addr one;
	struct err why;

	if (strchr(text, '/')) {
		if (addr_prefix_parse(text, out, &why) == 0)
			return 0;
		return read_fail_item(r, section, "group-list", index, "group-list: %s",
				      why.text);
	}
	if (read_address(r, section, "group-list", index, &one) < 0)
		return -1;
	*out = addr_prefix_of(&one);
	return 0;
}

static int routerd_conf_service_read_group_list(struct reader *r, cfg_t *section,
						struct router_conf *out)
{
	unsigned n = cfg_size(section, "group-list");

	if (n > WCCP_MAX_CACHES)
		return read_fail_item(r, section, "group-list", WCCP_MAX_CACHES,
				      "group-list: more than %d entries",
				      WCCP_MAX_CACHES);
	for (unsigned i = 0; i < n; i++)
		if (routerd_conf_service_read_allowed(r, section, i,
						      &out->allowed[i]) < 0)
			return -1;
	out->n_allowed = n;
	return 0;
}

static int routerd_conf_service_read_redirect_list(struct reader *r, cfg_t *section,
						   struct routerd_conf_service *out)
{
	const char *name = "redirect-list";
	unsigned n = cfg_size(section, name);
	struct err why;

	if (n > ROUTERD_MAX_RULES)
		return read_fail_item(r, section, name, ROUTERD_MAX_RULES,
				      "redirect-list: more than %d rules",
				      ROUTERD_MAX_RULES);
	for (unsigned i = 0; i < n; i++)
		if (redirect_rule_parse(cfg_getnstr(section, name, i), &out->rules[i],
					&why) < 0)
			return read_fail_item(r, section, name, i, "redirect-list: %s",
					      why.text);
	out->n_rules = n;
	return 0;
}

static int routerd_conf_service_read_version(struct reader *r, cfg_t *section,
					     struct router_conf *out)
{
	static const char *const words[] = { "2.0", "2.01", NULL };
	unsigned which = out->max_minor;

	if (read_word(r, section, "version", 0, words, &which) < 0)
		return -1;
	out->max_minor = (uint8_t)which;
	return 0;
}

/* Web-caches that use the group's address must be able to talk to us. */
static int routerd_conf_service_check_group_family(struct reader *r, cfg_t *section,
						   const struct router_conf *out)
{
	if (out->multicast.family != ADDR_V6)
		return 0;
	if (!addr_is_set(&out->id6))
		return read_fail(r, section, "group-address",
				 "group-address: IPv6 needs a router-id6");
	if (out->max_minor == 0)
		return read_fail(r, section, "group-address",
				 "group-address: IPv6 needs version 2.01");
	return 0;
}

static int routerd_conf_service_read_group_address(struct reader *r, cfg_t *section,
						   struct routerd_conf_service *out)
{
	uint32_t ttl = 1;

	if (!read_is_set(section, "group-address")) {
		if (read_is_set(section, "group-ttl"))
			return read_fail(r, section, "group-ttl",
					 "group-ttl: group-address is not set");
		return 0;
	}
	if (read_multicast_address(r, section, "group-address",
				   &out->router.multicast) < 0 ||
	    routerd_conf_service_check_group_family(r, section, &out->router) < 0 ||
	    read_number(r, section, "group-ttl", 1, GROUP_TTL_MAX, &ttl) < 0)
		return -1;
	out->group_ttl = (uint8_t)ttl;
	return 0;
}

/* The defaults. */
static void routerd_conf_service_defaults(const struct routerd_conf *conf,
					  struct router_conf *out)
{
	out->id = conf->router_id;
	out->id6 = conf->router_id6;
	out->forward = out->ret = WCCP_METHOD_GRE | WCCP_METHOD_L2;
	out->assign = WCCP_ASSIGN_HASH;
	out->max_minor = 1;
	out->echo_assignment = true;
	out->mask_identity = ROUTER_MASK_EMPTY_SET;
	if (conf->profile)
		profile_apply(conf->profile, out);
}

/* Refuse what such a router does not have. */
static int routerd_conf_service_check_profile(struct reader *r, cfg_t *section,
					      const struct routerd_conf *conf,
					      const struct routerd_conf_service *s)
{
	const struct profile *p = conf->profile;

	if (p && !p->multicast && addr_is_set(&s->router.multicast))
		return read_fail(r, section, "group-address",
				 "group-address: profile %s has no multicast", p->name);
	if (p && p->max_services && conf->n_services == p->max_services)
		return read_fail(r, section, NULL,
				 "profile %s has no more than %u services", p->name,
				 p->max_services);
	return 0;
}

int routerd_conf_service_read(struct reader *r, cfg_t *section,
			      const struct routerd_conf *conf,
			      struct routerd_conf_service *out)
{
	struct router_conf *router = &out->router;

	routerd_conf_service_defaults(conf, router);
	if (routerd_conf_service_read_title(r, section, out) < 0 ||
	    password_read(r, section, &router->password) < 0 ||
	    routerd_conf_service_read_all_methods(r, section, router) < 0 ||
	    routerd_conf_service_read_mask_identity(r, section,
						    &router->mask_identity) < 0 ||
	    routerd_conf_service_read_timers(r, section, router) < 0 ||
	    routerd_conf_service_read_group_list(r, section, router) < 0 ||
	    routerd_conf_interfaces_read_service(r, section, conf, out) < 0 ||
	    routerd_conf_service_read_redirect_list(r, section, out) < 0 ||
	    read_flag(r, section, "echo-assignment", &router->echo_assignment) < 0 ||
	    routerd_conf_service_read_version(r, section, router) < 0 ||
	    routerd_conf_service_read_group_address(r, section, out) < 0 ||
	    routerd_conf_service_check_profile(r, section, conf, out) < 0)
		return -1;
	return read_flag(r, section, "closed", &out->closed);
}
