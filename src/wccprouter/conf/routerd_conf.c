/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of wccprouter, read as wccpd reads its own (src/conffile/read.h). */
#include "wccprouter/conf/routerd_conf.h"

#include "conffile/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What other routers take as the TTL of a group at most. */
enum { GROUP_TTL_MAX = 15 };

static cfg_opt_t service_options[] = {
	READ_TEXT("password"),	 READ_LIST("forward"),
	READ_LIST("return"),	 READ_LIST("transmit-t"),
	READ_LIST("group-list"), READ_LIST("redirect-list"),
	READ_TEXT("closed"),	 READ_TEXT("echo-assignment"),
	READ_LIST("assign"),	 READ_TEXT("mask-identity"),
	READ_TEXT("version"),	 READ_TEXT("group-address"),
	READ_TEXT("group-ttl"),	 CFG_END(),
};

static cfg_opt_t options[] = {
	READ_TEXT("profile"),
	READ_TEXT("router-id"),
	READ_TEXT("router-id6"),
	READ_TEXT("control"),
	READ_TEXT("metrics"),
	READ_LIST("redirect-in"),
	READ_LIST("redirect-out"),
	READ_LIST("exclude-in"),
	READ_LIST("caches-in"),
	READ_SECTIONS("service", service_options),
	CFG_END(),
};

/* A service is "web-cache" or the number of a dynamic one. */
static int routerd_conf_read_title(struct reader *r, cfg_t *section,
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

/* A set of methods; `out` stays as it is when the list is not set.  Word by word
 * they are bits 1 and 2. */
static int routerd_conf_read_methods(struct reader *r, cfg_t *section, const char *name,
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

static int routerd_conf_read_all_methods(struct reader *r, cfg_t *section,
					 struct router_conf *out)
{
	static const char *const ways[] = { "gre", "l2", NULL };
	static const char *const assign[] = { "hash", "mask", NULL };

	if (routerd_conf_read_methods(r, section, "forward", ways, &out->forward) < 0 ||
	    routerd_conf_read_methods(r, section, "return", ways, &out->ret) < 0)
		return -1;
	return routerd_conf_read_methods(r, section, "assign", assign, &out->assign);
}

static int routerd_conf_read_mask_identity(struct reader *r, cfg_t *section,
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

static int routerd_conf_read_password(struct reader *r, cfg_t *section,
				      struct codec_password *out)
{
	char text[WCCP_PASSWORD_LEN + 1];
	struct err why;

	if (!read_is_set(section, "password"))
		return 0;
	if (read_text(r, section, "password", text, sizeof(text)) < 0)
		return -1;
	if (codec_password(text, out, &why) < 0)
		return read_fail(r, section, "password", "password: %s", why.text);
	return 0;
}

static int routerd_conf_read_timers(struct reader *r, cfg_t *section,
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

static int routerd_conf_read_group_list(struct reader *r, cfg_t *section,
					struct router_conf *out)
{
	unsigned n = cfg_size(section, "group-list");

	if (n > WCCP_MAX_CACHES)
		return read_fail_item(r, section, "group-list", WCCP_MAX_CACHES,
				      "group-list: more than %d web-caches",
				      WCCP_MAX_CACHES);
	for (unsigned i = 0; i < n; i++)
		if (read_address(r, section, "group-list", i, &out->allowed[i]) < 0)
			return -1;
	out->n_allowed = n;
	return 0;
}

static int routerd_conf_read_redirect_list(struct reader *r, cfg_t *section,
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

static int routerd_conf_read_version(struct reader *r, cfg_t *section,
				     struct router_conf *out)
{
	static const char *const words[] = { "2.0", "2.01", NULL };
	unsigned which = out->max_minor;

	if (read_word(r, section, "version", 0, words, &which) < 0)
		return -1;
	out->max_minor = (uint8_t)which;
	return 0;
}

/* Whom the group's address is for must be able to speak to us. */
static int routerd_conf_check_group_family(struct reader *r, cfg_t *section,
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

static int routerd_conf_read_group_address(struct reader *r, cfg_t *section,
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
	    routerd_conf_check_group_family(r, section, &out->router) < 0 ||
	    read_number(r, section, "group-ttl", 1, GROUP_TTL_MAX, &ttl) < 0)
		return -1;
	out->group_ttl = (uint8_t)ttl;
	return 0;
}

/* What is so unless the file says otherwise. */
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

/* What such a device has not got. */
static int routerd_conf_check_profile(struct reader *r, cfg_t *section,
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

static int routerd_conf_read_service(struct reader *r, cfg_t *section,
				     const struct routerd_conf *conf,
				     struct routerd_conf_service *out)
{
	struct router_conf *router = &out->router;

	routerd_conf_service_defaults(conf, router);
	if (routerd_conf_read_title(r, section, out) < 0 ||
	    routerd_conf_read_password(r, section, &router->password) < 0 ||
	    routerd_conf_read_all_methods(r, section, router) < 0 ||
	    routerd_conf_read_mask_identity(r, section, &router->mask_identity) < 0 ||
	    routerd_conf_read_timers(r, section, router) < 0 ||
	    routerd_conf_read_group_list(r, section, router) < 0 ||
	    routerd_conf_read_redirect_list(r, section, out) < 0 ||
	    read_flag(r, section, "echo-assignment", &router->echo_assignment) < 0 ||
	    routerd_conf_read_version(r, section, router) < 0 ||
	    routerd_conf_read_group_address(r, section, out) < 0 ||
	    routerd_conf_check_profile(r, section, conf, out) < 0)
		return -1;
	return read_flag(r, section, "closed", &out->closed);
}

/* Two titles may name one service ("7" and "07"). */
static int routerd_conf_check_duplicate(struct reader *r, cfg_t *section,
					const struct routerd_conf *conf,
					const struct routerd_conf_service *s)
{
	for (unsigned i = 0; i < conf->n_services; i++) {
		const struct routerd_conf_service *other = &conf->services[i];

		if (s->router.service_type == other->router.service_type &&
		    s->router.service_id == other->router.service_id)
			return read_fail(r, section, NULL,
					 "service %s and service %s are the same",
					 other->name, s->name);
	}
	return 0;
}

static int routerd_conf_read_services(struct reader *r, struct routerd_conf *out)
{
	unsigned n = cfg_size(r->root, "service");

	if (n == 0)
		return read_fail(r, r->root, NULL, "no service");
	if (n > ROUTERD_MAX_SERVICES)
		return read_fail(r, r->root, NULL, "more than %d services",
				 ROUTERD_MAX_SERVICES);
	for (unsigned i = 0; i < n; i++) {
		cfg_t *section = cfg_getnsec(r->root, "service", i);
		struct routerd_conf_service *s = &out->services[i];

		if (routerd_conf_read_service(r, section, out, s) < 0 ||
		    routerd_conf_check_duplicate(r, section, out, s) < 0)
			return -1;
		out->n_services++;
	}
	return 0;
}

static int routerd_conf_read_interfaces(struct reader *r, const char *name,
					char out[][IF_NAMESIZE], unsigned *n)
{
	*n = cfg_size(r->root, name);
	if (*n > ROUTERD_MAX_INTERFACES)
		return read_fail_item(r, r->root, name, ROUTERD_MAX_INTERFACES,
				      "%s: more than %d interfaces", name,
				      ROUTERD_MAX_INTERFACES);
	for (unsigned i = 0; i < *n; i++) {
		const char *text = cfg_getnstr(r->root, name, i);

		if (!*text || strlen(text) >= IF_NAMESIZE || strpbrk(text, "/ \t\n"))
			return read_fail_item(
				r, r->root, name, i,
				"%s: \"%s\" is not the name of an interface", name,
				text);
		strcpy(out[i], text);
	}
	return 0;
}

/* Is one of these among the others, where it makes no sense? */
static int routerd_conf_check_disjoint(struct reader *r, const char *name,
				       char list[][IF_NAMESIZE], unsigned n,
				       const char *other_name,
				       char others[][IF_NAMESIZE], unsigned n_others)
{
	for (unsigned i = 0; i < n; i++)
		for (unsigned j = 0; j < n_others; j++)
			if (strcmp(list[i], others[j]) == 0)
				return read_fail_item(r, r->root, name, i,
						      "%s: %s is in %s, too", name,
						      list[i], other_name);
	return 0;
}

/* What goes to a web-cache must not be redirected again, and what comes in cannot be
 * redirected and excluded at once. */
static int routerd_conf_check_interfaces(struct reader *r, struct routerd_conf *c)
{
	if (!c->n_redirect_out && read_require(r, r->root, "redirect-in") < 0)
		return -1;
	if (read_require(r, r->root, "caches-in") < 0)
		return -1;
	if (c->n_excluded_in && !c->n_redirect_out)
		return read_fail(r, r->root, "exclude-in",
				 "exclude-in: redirect-out is not set");
	if (routerd_conf_check_disjoint(r, "redirect-out", c->redirect_out,
					c->n_redirect_out, "caches-in", c->caches_in,
					c->n_caches_in) < 0)
		return -1;
	return routerd_conf_check_disjoint(r, "exclude-in", c->excluded_in,
					   c->n_excluded_in, "redirect-in",
					   c->redirect_in, c->n_redirect_in);
}

static int routerd_conf_read_all_interfaces(struct reader *r, struct routerd_conf *c)
{
	if (routerd_conf_read_interfaces(r, "redirect-in", c->redirect_in,
					 &c->n_redirect_in) < 0 ||
	    routerd_conf_read_interfaces(r, "redirect-out", c->redirect_out,
					 &c->n_redirect_out) < 0 ||
	    routerd_conf_read_interfaces(r, "exclude-in", c->excluded_in,
					 &c->n_excluded_in) < 0 ||
	    routerd_conf_read_interfaces(r, "caches-in", c->caches_in,
					 &c->n_caches_in) < 0)
		return -1;
	return routerd_conf_check_interfaces(r, c);
}

static int routerd_conf_read_router_id6(struct reader *r, struct addr *out)
{
	if (read_address(r, r->root, "router-id6", 0, out) < 0)
		return -1;
	if (out->family != ADDR_V4)
		return 0;
	return read_fail(r, r->root, "router-id6", "router-id6: %s is not IPv6",
			 ADDR_TEXT(out));
}

/* "127.0.0.1:9102" or "[::1]:9102" */
static int routerd_conf_read_metrics(struct reader *r, struct routerd_conf *out)
{
	const char *text, *colon;
	char host[ADDR_STRLEN + 2];
	size_t len;
	uint32_t port;

	if (!read_is_set(r->root, "metrics"))
		return 0;
	text = cfg_getstr(r->root, "metrics");
	colon = strrchr(text, ':');
	len = colon ? (size_t)(colon - text) : sizeof(host);
	if (len >= sizeof(host) || read_digits(colon + 1, UINT16_MAX, &port) < 0 ||
	    port == 0)
		return read_fail(r, r->root, "metrics",
				 "metrics: %s is not address:port", text);
	snprintf(host, sizeof(host), "%.*s", (int)len, text);
	if (host[0] == '[' && host[len - 1] == ']') {
		memmove(host, host + 1, len);
		host[len - 2] = '\0';
	}
	if (addr_parse(host, &out->metrics) < 0 ||
	    (text[0] == '[') != (out->metrics.family == ADDR_V6))
		return read_fail(r, r->root, "metrics",
				 "metrics: %s is not address:port", text);
	out->metrics_port = (uint16_t)port;
	return 0;
}

static int routerd_conf_read_profile(struct reader *r, struct routerd_conf *out)
{
	const char *name;

	if (!read_is_set(r->root, "profile"))
		return read_require(r, r->root, "router-id");
	name = cfg_getstr(r->root, "profile");
	out->profile = profile_find(name);
	if (out->profile)
		return 0;
	return read_fail(r, r->root, "profile", "profile: %.40s is not one of %s", name,
			 profile_names());
}

static int routerd_conf_read_all(struct reader *r, struct routerd_conf *out)
{
	strcpy(out->control, "/run/wccprouter.sock");
	if (routerd_conf_read_profile(r, out) < 0 ||
	    read_host(r, r->root, "router-id", 0, &out->router_id) < 0 ||
	    routerd_conf_read_router_id6(r, &out->router_id6) < 0 ||
	    read_path(r, r->root, "control", out->control, sizeof(out->control)) < 0 ||
	    routerd_conf_read_metrics(r, out) < 0 ||
	    routerd_conf_read_all_interfaces(r, out) < 0)
		return -1;
	return routerd_conf_read_services(r, out);
}

struct routerd_conf *routerd_conf_load(const char *path, struct err *err)
{
	struct routerd_conf *conf = calloc(1, sizeof(*conf));
	struct reader r;
	int result;

	if (!conf) {
		err_set(err, "%s: out of memory", path);
		return NULL;
	}
	result = read_open(&r, path, options, err);
	if (result == 0)
		result = routerd_conf_read_all(&r, conf);
	read_close(&r);
	if (result == 0)
		return conf;
	free(conf);
	return NULL;
}

void routerd_conf_free(struct routerd_conf *conf)
{
	free(conf);
}

void routerd_conf_set_router_id(struct routerd_conf *conf, const struct addr *id)
{
	conf->router_id = *id;
	for (unsigned i = 0; i < conf->n_services; i++)
		conf->services[i].router.id = *id;
}
