/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pool NAME { ... instance NAME { ... } } */
#include "wccpd/conf/conf_sections.h"

#include <stdio.h>
#include <string.h>

static cfg_opt_t instance_options[] = {
	READ_TEXT("port"),   READ_TEXT("https-port"), READ_LIST("ports"),
	READ_TEXT("check"),  READ_TEXT("weight"),     READ_TEXT("pid-file"),
	READ_TEXT("proxy"),
	CFG_END(),
};

cfg_opt_t pool_options[] = {
	READ_LIST("listen"),
	READ_TEXT("when-down"),
	READ_TEXT("min-instances"),
	READ_TEXT("interval"),
	READ_TEXT("timeout"),
	READ_TEXT("rise"),
	READ_TEXT("fall"),
	READ_TEXT("grace"),
	READ_TEXT("spread"),
	READ_TEXT("queue-high"),
	READ_SECTIONS("instance", instance_options),
	CFG_END(),
};

/* "127.0.0.1:4201" or "[::1]:4201" */
static int conf_pool_read_check(struct reader *r, cfg_t *section,
				struct conf_instance *out)
{
	const char *text = cfg_getstr(section, "check");

	if (conf_listen_parse(text, &out->check, &out->check_port) < 0)
		return read_fail(r, section, "check", "check: %s is not address:port",
				 text);
	return 0;
}

/* 3129, or "10.0.1.2:3129" */
static int conf_pool_read_endpoint(struct reader *r, cfg_t *section,
				   struct conf_instance *out)
{
	const char *text;

	if (!read_is_set(section, "port"))
		return 0;
	text = cfg_getstr(section, "port");
	if (!strchr(text, ':'))
		return read_number16(r, section, "port", 1, &out->port);
	if (conf_listen_parse(text, &out->at, &out->port) < 0)
		return read_fail(r, section, "port",
				 "port: %s is neither a port nor address:port", text);
	if (out->at.family != out->family)
		return read_fail(r, section, "port", "port: %s is IPv%d, the address of this "
						     "box is IPv%d",
				 text, out->at.family, out->family);
	return 0;
}

/* At the same port, also where one of them takes it at every address? */
static bool conf_pool_meets(const struct conf_instance *a, const struct conf_instance *b)
{
	return a->port && a->port == b->port &&
	       (!addr_is_set(&a->at) || !addr_is_set(&b->at) || addr_equal(&a->at, &b->at));
}

/* By their pid files. */
static bool conf_pool_tells_apart(const struct conf_instance *a,
				  const struct conf_instance *b)
{
	return a->pid_file[0] && b->pid_file[0] && strcmp(a->pid_file, b->pid_file) != 0;
}

/* A pool that listens needs no port for redirected connections. */
static int conf_pool_read_port(struct reader *r, cfg_t *section, bool listens,
			       struct conf_instance *out)
{
	if (!listens && read_require(r, section, "port") < 0)
		return -1;
	if (conf_pool_read_endpoint(r, section, out) < 0)
		return -1;
	if (!out->port && (read_is_set(section, "https-port") || cfg_size(section, "ports")))
		return read_require(r, section, "port");
	return conf_ports_read(r, section, out);
}

static int conf_pool_read_instance(struct reader *r, cfg_t *section, uint8_t family,
				   bool listens, struct conf_instance *out)
{
	*out = (struct conf_instance){ .family = family, .weight = 1 };
	if (conf_part_name(r, section, out->name, sizeof(out->name)) < 0 ||
	    conf_pool_read_port(r, section, listens, out) < 0 ||
	    read_require(r, section, "check") < 0 ||
	    conf_pool_read_check(r, section, out) < 0 ||
	    conf_listen_read_proxy(r, section, listens, out) < 0 ||
	    read_number16(r, section, "weight", 1, &out->weight) < 0)
		return -1;
	return read_path(r, section, "pid-file", out->pid_file, sizeof(out->pid_file));
}

/* Two instances that nothing tells apart are a mistake of copy and paste. */
static int conf_pool_check_distinct(struct reader *r, cfg_t *section,
				    const struct conf_pool *pool,
				    const struct conf_instance *it)
{
	for (unsigned i = 0; i < pool->n_instances; i++) {
		const struct conf_instance *other = &pool->instances[i];

		if (!it->port != !other->port)
			return read_fail(r, section, "port",
					 "port: either all instances of a pool have one, or "
					 "none");
		if (conf_pool_meets(it, other) && !conf_pool_tells_apart(it, other))
			return read_fail(r, section, "port",
					 "port: %s is that of instance %s: they must differ by "
					 "port or address, or by pid-file",
					 cfg_getstr(section, "port"), other->name);
		if (it->pid_file[0] && strcmp(it->pid_file, other->pid_file) == 0)
			read_warn(r, section, "pid-file",
				  "pid-file: %s is that of instance %s, too",
				  it->pid_file, other->name);
		if (it->check_port == other->check_port &&
		    addr_equal(&it->check, &other->check))
			return read_fail(r, section, "check",
					 "check: %s is that of instance %s",
					 cfg_getstr(section, "check"), other->name);
	}
	return 0;
}

static int conf_pool_read_instances(struct reader *r, cfg_t *section,
				    uint8_t family, struct conf_pool *out)
{
	unsigned n = cfg_size(section, "instance");

	if (n == 0)
		return read_fail(r, section, NULL, "pool %s has no instance",
				 out->name);
	if (n > PLAN_MAX_INSTANCES)
		return read_fail(r, section, NULL, "pool %s has more than %d instances",
				 out->name, PLAN_MAX_INSTANCES);
	for (unsigned i = 0; i < n; i++) {
		cfg_t *sub = cfg_getnsec(section, "instance", i);
		struct conf_instance *it = &out->instances[i];

		if (conf_pool_read_instance(r, sub, family, cfg_size(section, "listen"),
					    it) < 0 ||
		    conf_pool_check_distinct(r, sub, out, it) < 0)
			return -1;
		out->n_instances++;
	}
	return 0;
}

/* -- what chooses the instance of a connection ------------------------------------------ */

/* In the order of enum plan_spread. */
static const char *const conf_pool_spreads[] = { "flow", "source", "destination", "cpu",
						 NULL };

const char *conf_spread_name(enum plan_spread spread)
{
	return conf_pool_spreads[spread];
}

static int conf_pool_read_spread(struct reader *r, cfg_t *section, struct conf_pool *out)
{
	unsigned which = PLAN_SPREAD_FLOW;

	if (cfg_size(section, "spread") > 0 &&
	    read_word(r, section, "spread", 0, conf_pool_spreads, &which) < 0)
		return -1;
	out->spread = (enum plan_spread)which;
	for (unsigned i = 1; which == PLAN_SPREAD_CPU && i < out->n_instances; i++)
		if (out->instances[i].weight != out->instances[0].weight) {
			read_warn(r, section, "spread",
				  "spread: by cpu, the weights of instances only say who "
				  "stands in for one that is down");
			break;
		}
	return 0;
}

int conf_pool_read(struct reader *r, cfg_t *section, uint8_t family, struct conf_pool *out)
{
	uint32_t min = 1, rise = 2, fall = 3;

	*out = (struct conf_pool){ .interval_ms = 1000, .timeout_ms = 1000,
				    .queue_high = 8 };
	out->health.grace_ms = 5000;
	if (conf_part_name(r, section, out->name, sizeof(out->name)) < 0 ||
	    conf_pool_read_instances(r, section, family, out) < 0 ||
	    conf_pool_read_spread(r, section, out) < 0 ||
	    read_number(r, section, "min-instances", 1, out->n_instances, &min) < 0 ||
	    read_number(r, section, "queue-high", 0, 65535, &out->queue_high) < 0 ||
	    read_number(r, section, "interval", 50, 600000, &out->interval_ms) < 0 ||
	    read_number(r, section, "timeout", 50, 600000, &out->timeout_ms) < 0 ||
	    read_number(r, section, "rise", 1, 100, &rise) < 0 ||
	    read_number(r, section, "fall", 1, 100, &fall) < 0 ||
	    read_number(r, section, "grace", 0, 600000, &out->health.grace_ms) < 0)
		return -1;
	out->min_instances = min;
	out->health.rise = rise;
	out->health.fall = fall;
	return 0;
}
