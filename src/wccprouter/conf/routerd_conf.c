/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of wccprouter, read as wccpd reads its own (src/conffile/read.h). */
#include "wccprouter/conf/routerd_conf.h"

#include "conffile/read.h"
#include "wccprouter/conf/routerd_conf_interfaces.h"
#include "wccprouter/conf/routerd_conf_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static cfg_opt_t options[] = {
	READ_TEXT("profile"),
	READ_TEXT("router-id"),
	READ_TEXT("router-id6"),
	READ_TEXT("control"),
	READ_TEXT("pin-directory"),
	READ_TEXT("metrics"),
	READ_LIST("redirect-in"),
	READ_LIST("redirect-out"),
	READ_LIST("exclude-in"),
	READ_LIST("caches-in"),
	READ_SECTIONS("service", routerd_conf_service_options),
	CFG_END(),
};

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

		if (routerd_conf_service_read(r, section, out, s) < 0 ||
		    routerd_conf_check_duplicate(r, section, out, s) < 0)
			return -1;
		out->n_services++;
	}
	return 0;
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
	r->warnings = out->warnings;
	r->max_warnings = ROUTERD_MAX_WARNINGS;
	if (routerd_conf_read_profile(r, out) < 0 ||
	    read_host(r, r->root, "router-id", 0, &out->router_id) < 0 ||
	    routerd_conf_read_router_id6(r, &out->router_id6) < 0 ||
	    read_path(r, r->root, "control", out->control, sizeof(out->control)) < 0 ||
	    read_path_or_none(r, r->root, "pin-directory", out->pin_directory,
			      sizeof(out->pin_directory)) < 0 ||
	    routerd_conf_read_metrics(r, out) < 0 ||
	    routerd_conf_interfaces_read(r, out) < 0 ||
	    routerd_conf_read_services(r, out) < 0)
		return -1;
	out->n_warnings = r->n_warnings;
	return routerd_conf_interfaces_check(r, out);
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
	routerd_conf_free(conf);
	return NULL;
}

void routerd_conf_free(struct routerd_conf *conf)
{
	if (conf)
		explicit_bzero(conf, sizeof(*conf)); /* passwords */
	free(conf);
}

void routerd_conf_set_router_id(struct routerd_conf *conf, const struct addr *id)
{
	conf->router_id = *id;
	for (unsigned i = 0; i < conf->n_services; i++)
		conf->services[i].router.id = *id;
}
