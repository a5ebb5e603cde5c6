/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of wccprouter, by libconfuse. */
#include "rconf.h"

#include <confuse.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libconfuse reports through a callback without an argument of ours. */
static struct err *report;

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	struct err text;

	if (report->text[0]) /* the first one is the cause */
		return;
	vsnprintf(text.text, sizeof(text.text), format, args);
	err_set(report, "%s:%d: %s", cfg->filename ? cfg->filename : "?", cfg->line,
		text.text);
}

/* ---- checks of single values, called while their line is being read ---- */

static int check_address(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
	struct addr a;

	if (addr_parse(text, &a) == 0 && a.family == ADDR_V4)
		return 0;
	cfg_error(cfg, "%s: '%s' is not an IPv4 address", cfg_opt_name(opt), text);
	return -1;
}

static int check_interface(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);

	if (*text && strlen(text) < IF_NAMESIZE && !strpbrk(text, "/ "))
		return 0;
	cfg_error(cfg, "%s: '%s' is not an interface name", cfg_opt_name(opt), text);
	return -1;
}

static uint32_t method_bit(const char *text)
{
	if (strcmp(text, "gre") == 0)
		return WCCP_METHOD_GRE;
	return strcmp(text, "l2") == 0 ? WCCP_METHOD_L2 : 0;
}

static int check_method(cfg_t *cfg, cfg_opt_t *opt)
{
	const char *text = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);

	if (method_bit(text))
		return 0;
	cfg_error(cfg, "%s: '%s' is neither gre nor l2", cfg_opt_name(opt), text);
	return -1;
}

static int check_password(cfg_t *cfg, cfg_opt_t *opt)
{
	struct codec_password p;
	struct err err;

	if (codec_password(cfg_opt_getnstr(opt, 0), &p, &err) == 0)
		return 0;
	cfg_error(cfg, "%s", err.text);
	return -1;
}

static int check_path(cfg_t *cfg, cfg_opt_t *opt)
{
	if (strlen(cfg_opt_getnstr(opt, 0)) < RCONF_PATH_MAX)
		return 0;
	cfg_error(cfg, "%s: the path has more than %d characters", cfg_opt_name(opt),
		  RCONF_PATH_MAX - 1);
	return -1;
}

/* A service is "web-cache" or the number of a dynamic one. */
static int parse_service(const char *title, struct router_conf *out)
{
	char *end;
	unsigned long id = strtoul(title, &end, 10);

	if (strcmp(title, "web-cache") == 0) {
		out->service_type = WCCP_SERVICE_STANDARD;
		out->service_id = WCCP_WEB_CACHE_ID;
		return 0;
	}
	if (*title < '0' || *title > '9' || *end || id > 255)
		return -1;
	out->service_type = WCCP_SERVICE_DYNAMIC;
	out->service_id = (uint8_t)id;
	return 0;
}

static int check_transmit_t(cfg_t *sec, cfg_t *top)
{
	cfg_opt_t *opt = cfg_getopt(sec, "transmit-t");
	unsigned n = cfg_opt_size(opt);
	long lower, upper;

	if (n == 0)
		return 0;
	lower = cfg_opt_getnint(opt, 0);
	upper = cfg_opt_getnint(opt, n - 1);
	if (n <= 2 && lower >= 1 && upper <= UINT16_MAX && lower <= upper)
		return 0;
	cfg_error(top, "transmit-t: needs a lower and an upper limit, 1 to %d ms",
		  UINT16_MAX);
	return -1;
}

/* Runs when the section's closing brace has been read. */
static int check_service(cfg_t *cfg, cfg_opt_t *opt)
{
	cfg_t *sec = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
	struct router_conf id;
	unsigned n_allowed = cfg_size(sec, "group-list");

	if (parse_service(cfg_title(sec), &id) < 0) {
		cfg_error(cfg, "service '%s' is neither web-cache nor 0 to 255",
			  cfg_title(sec));
		return -1;
	}
	if (cfg_opt_size(opt) > RCONF_MAX_SERVICES) {
		cfg_error(cfg, "more than %d services", RCONF_MAX_SERVICES);
		return -1;
	}
	if (n_allowed > WCCP_MAX_CACHES) {
		cfg_error(cfg, "group-list: more than %d web-caches", WCCP_MAX_CACHES);
		return -1;
	}
	if (!cfg_size(sec, "forward") || !cfg_size(sec, "return")) {
		cfg_error(cfg, "service %s: an empty list of methods", cfg_title(sec));
		return -1;
	}
	return check_transmit_t(sec, cfg);
}

/* ---- from libconfuse's tree to the struct ---- */

static uint32_t get_methods(cfg_t *sec, const char *name)
{
	uint32_t bits = 0;
	unsigned i;

	for (i = 0; i < cfg_size(sec, name); i++)
		bits |= method_bit(cfg_getnstr(sec, name, i));
	return bits;
}

static void get_timers(cfg_t *sec, struct router_conf *r)
{
	unsigned n = cfg_size(sec, "transmit-t");

	if (n == 0)
		return;
	r->advertise_timers = true;
	r->transmit_t.lower_ms = (uint16_t)cfg_getnint(sec, "transmit-t", 0);
	r->transmit_t.upper_ms = (uint16_t)cfg_getnint(sec, "transmit-t", n - 1);
	r->transmit_t.is_range = r->transmit_t.lower_ms != r->transmit_t.upper_ms;
	/* The limits that 2.01 section 6.11.5 suggests. */
	r->timer_scale = (struct wccp_cap_timer_scale){
		.is_range = true,
		.timeout_lower = 1,
		.timeout_upper = 5,
		.ra_lower = 1,
		.ra_upper = 5,
	};
}

static void get_service(cfg_t *sec, const struct addr *id, struct rconf_service *out)
{
	const char *password = cfg_getstr(sec, "password");
	struct router_conf *r = &out->router;
	unsigned i;

	snprintf(out->name, sizeof(out->name), "%s", cfg_title(sec));
	out->closed = cfg_getbool(sec, "closed");
	parse_service(out->name, r);
	r->id = *id;
	if (password)
		codec_password(password, &r->password, NULL);
	r->forward = get_methods(sec, "forward");
	r->ret = get_methods(sec, "return");
	r->assign = WCCP_ASSIGN_HASH;
	r->echo_assignment = cfg_getbool(sec, "echo-assignment");
	get_timers(sec, r);
	r->n_allowed = cfg_size(sec, "group-list");
	for (i = 0; i < r->n_allowed; i++)
		addr_parse(cfg_getnstr(sec, "group-list", i), &r->allowed[i]);
}

static int get_interfaces(cfg_t *cfg, const char *name, char out[][IF_NAMESIZE],
			  unsigned *n)
{
	unsigned i;

	*n = cfg_size(cfg, name);
	if (*n == 0 || *n > RCONF_MAX_INTERFACES) {
		cfg_error(cfg, "%s: needs 1 to %d interfaces", name,
			  RCONF_MAX_INTERFACES);
		return -1;
	}
	for (i = 0; i < *n; i++)
		snprintf(out[i], IF_NAMESIZE, "%s", cfg_getnstr(cfg, name, i));
	return 0;
}

static int fill(cfg_t *cfg, struct rconf *out)
{
	unsigned i;

	if (!cfg_getstr(cfg, "router-id")) {
		cfg_error(cfg, "router-id is missing");
		return -1;
	}
	addr_parse(cfg_getstr(cfg, "router-id"), &out->router_id);
	snprintf(out->control, sizeof(out->control), "%s", cfg_getstr(cfg, "control"));
	if (get_interfaces(cfg, "redirect-in", out->redirect_in, &out->n_redirect_in) <
		    0 ||
	    get_interfaces(cfg, "caches-in", out->caches_in, &out->n_caches_in) < 0)
		return -1;
	out->n_services = cfg_size(cfg, "service");
	if (out->n_services == 0) {
		cfg_error(cfg, "no service");
		return -1;
	}
	for (i = 0; i < out->n_services; i++)
		get_service(cfg_getnsec(cfg, "service", i), &out->router_id,
			    &out->services[i]);
	return 0;
}

/* Two titles may name one service ("7" and "07"). */
static int check_duplicates(cfg_t *cfg, const struct rconf *conf)
{
	unsigned i, j;

	for (i = 0; i < conf->n_services; i++)
		for (j = 0; j < i; j++) {
			const struct router_conf *a = &conf->services[i].router;
			const struct router_conf *b = &conf->services[j].router;

			if (a->service_type != b->service_type ||
			    a->service_id != b->service_id)
				continue;
			cfg_error(cfg, "service %s and service %s are the same",
				  conf->services[j].name, conf->services[i].name);
			return -1;
		}
	return 0;
}

static cfg_t *grammar(void)
{
	cfg_opt_t service[] = {
		CFG_STR("password", NULL, CFGF_NONE),
		CFG_STR_LIST("forward", "{gre, l2}", CFGF_NONE),
		CFG_STR_LIST("return", "{gre, l2}", CFGF_NONE),
		CFG_INT_LIST("transmit-t", NULL, CFGF_NONE),
		CFG_BOOL("echo-assignment", cfg_true, CFGF_NONE),
		CFG_STR_LIST("group-list", NULL, CFGF_NONE),
		CFG_BOOL("closed", cfg_false, CFGF_NONE),
		CFG_END(),
	};
	cfg_opt_t top[] = {
		CFG_STR("router-id", NULL, CFGF_NONE),
		CFG_STR("control", "/run/wccprouter.sock", CFGF_NONE),
		CFG_STR_LIST("redirect-in", NULL, CFGF_NONE),
		CFG_STR_LIST("caches-in", NULL, CFGF_NONE),
		CFG_SEC("service", service,
			CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		CFG_END(),
	};
	cfg_t *cfg = cfg_init(top, CFGF_NONE);

	if (!cfg)
		return NULL;
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "router-id", check_address);
	cfg_set_validate_func(cfg, "control", check_path);
	cfg_set_validate_func(cfg, "redirect-in", check_interface);
	cfg_set_validate_func(cfg, "caches-in", check_interface);
	cfg_set_validate_func(cfg, "service", check_service);
	cfg_set_validate_func(cfg, "service|password", check_password);
	cfg_set_validate_func(cfg, "service|forward", check_method);
	cfg_set_validate_func(cfg, "service|return", check_method);
	cfg_set_validate_func(cfg, "service|group-list", check_address);
	return cfg;
}

static int load(cfg_t *cfg, const char *path, struct rconf *out, struct err *err)
{
	int r = cfg_parse(cfg, path);

	if (r == CFG_FILE_ERROR)
		return err_set(err, "%s: %s", path, strerror(errno));
	if (r == CFG_PARSE_ERROR || fill(cfg, out) < 0 ||
	    check_duplicates(cfg, out) < 0)
		return err->text[0]
			       ? -1
			       : err_set(err, "%s:%d: not understood", path, cfg->line);
	return 0;
}

struct rconf *rconf_load(const char *path, struct err *err)
{
	struct rconf *conf = calloc(1, sizeof(*conf));
	cfg_t *cfg = grammar();

	err->text[0] = '\0';
	report = err;
	if (!conf || !cfg) {
		err_set(err, "%s: out of memory", path);
	} else if (load(cfg, path, conf, err) == 0) {
		cfg_free(cfg);
		return conf;
	}
	if (cfg)
		cfg_free(cfg);
	free(conf);
	return NULL;
}

void rconf_free(struct rconf *conf)
{
	free(conf);
}
