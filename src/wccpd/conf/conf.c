/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration of wccpd: the top level and what spans sections. */
#include "wccpd/conf/conf.h"
#include "wccpd/conf/conf_sections.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

cfg_opt_t conf_options[] = {
	READ_TEXT("address"),
	READ_LIST("interface"),
	READ_TEXT("control"),
	READ_TEXT("pid-file"),
	READ_TEXT("pin-directory"),
	READ_TEXT("log"),
	READ_TEXT("mark"),
	READ_TEXT("delivery"),
	READ_TEXT("delivery-interface"),
	READ_TEXT("table"),
	READ_TEXT("rule-priority"),
	READ_TEXT("tc-priority"),
	READ_TEXT("drain-time"),
	READ_TEXT("handover-memory"),
	READ_LIST("bypass-clients"),
	READ_LIST("bypass-servers"),
	READ_SECTIONS("pool", pool_options),
	READ_SECTIONS("service", service_options),
	CFG_END(),
};

/* All routers that services announce themselves to, each once. */
struct routers {
	unsigned n;
	struct addr list[CONF_MAX_ROUTERS];
};

/* "0x5743/0xffff", or a mark alone, which must then match in full. */
static int conf_read_mark(struct reader *r, cfg_t *root, struct conf *out)
{
	uint32_t mask = UINT32_MAX, mark;
	char text[32] = "";
	char *slash;

	if (!read_is_set(root, "mark"))
		return 0;
	if (read_text(r, root, "mark", text, sizeof(text)) < 0)
		return -1;
	slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	if (read_digits(text, UINT32_MAX, &mark) < 0 ||
	    (slash && read_digits(slash + 1, UINT32_MAX, &mask) < 0))
		return read_fail(r, root, "mark", "mark: %s is not mark/mask",
				 cfg_getstr(root, "mark"));
	if (mark == 0 || (mark & ~mask))
		return read_fail(r, root, "mark",
				 "mark: %s is zero or has bits outside its mask",
				 cfg_getstr(root, "mark"));
	out->mark = mark;
	out->mark_mask = mask;
	return 0;
}

static bool conf_is_interface_name(const char *name)
{
	return name[0] && !name[strcspn(name, "/ \t\n")];
}

static int conf_read_delivery(struct reader *r, cfg_t *root, struct conf *out)
{
	static const char *const ways[] = { "mark", "interface", NULL };
	char name[IF_NAMESIZE] = "wccp0";
	unsigned way = 0;

	if (read_word(r, root, "delivery", 0, ways, &way) < 0 ||
	    read_text(r, root, "delivery-interface", name, sizeof(name)) < 0)
		return -1;
	if (!conf_is_interface_name(name))
		return read_fail(r, root, "delivery-interface",
				 "delivery-interface: \"%s\" is not the name of one", name);
	for (unsigned i = 0; i < out->n_interfaces; i++)
		if (way == 1 && strcmp(out->interfaces[i], name) == 0)
			return read_fail(r, root, "delivery-interface",
					 "delivery-interface: redirected packets arrive on %s",
					 name);
	if (way == 1)
		memcpy(out->delivery_interface, name, sizeof(name));
	return 0;
}

static int conf_read_table(struct reader *r, cfg_t *root, struct conf *out)
{
	if (read_number(r, root, "table", 1, UINT32_MAX, &out->table) < 0)
		return -1;
	/* default, main and local */
	if (out->table >= 253 && out->table <= 255)
		return read_fail(r, root, "table", "table: %u belongs to the system",
				 out->table);
	/* 0 is that of the local table, 32766 that of main, after which nothing is
	 * looked up. */
	if (read_number(r, root, "rule-priority", 1, 32765, &out->rule_priority) < 0)
		return -1;
	return read_number(r, root, "tc-priority", 1, 65535, &out->tc_priority);
}

/* Pools that listen need no router, and nothing by which routers would know us. */
static bool conf_has_services(struct reader *r)
{
	return cfg_size(r->root, "service") > 0;
}

static int conf_read_interface(struct reader *r, cfg_t *root, unsigned i, struct conf *out)
{
	char *name = out->interfaces[i];

	if (read_text_item(r, root, "interface", i, name, IF_NAMESIZE) < 0)
		return -1;
	if (!conf_is_interface_name(name))
		return read_fail_item(r, root, "interface", i,
				      "interface: \"%s\" is not the name of one", name);
	/* The kernel allows it, but libconfuse takes "eth0;" for a name. */
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-@", *c)) {
			read_warn(r, root, "interface",
				  "interface: \"%s\" has a \"%c\", which is probably "
				  "a mistake",
				  name, *c);
			break;
		}
	for (unsigned k = 0; k < i; k++)
		if (strcmp(name, out->interfaces[k]) == 0)
			return read_fail_item(r, root, "interface", i,
					      "interface: %s is listed twice", name);
	out->n_interfaces++;
	return 0;
}

static int conf_read_interfaces(struct reader *r, cfg_t *root, struct conf *out)
{
	unsigned n = cfg_size(root, "interface");

	if (conf_has_services(r) && read_require(r, root, "interface") < 0)
		return -1;
	if (n > PLAN_MAX_INTERFACES)
		return read_fail_item(r, root, "interface", PLAN_MAX_INTERFACES,
				      "interface: more than %d", PLAN_MAX_INTERFACES);
	for (unsigned i = 0; i < n; i++)
		if (conf_read_interface(r, root, i, out) < 0)
			return -1;
	for (unsigned i = 0; i < n; i++)
		out->any_interface |= strcmp(out->interfaces[i], "any") == 0;
	if (out->any_interface && n > 1)
		return read_fail(r, root, "interface",
				 "interface: any stands for all and must be alone");
	if (out->any_interface)
		out->n_interfaces = 0;
	return 0;
}

static int conf_read_top(struct reader *r, struct conf *out)
{
	static const char *const logs[] = { "stderr", "syslog", NULL };
	cfg_t *root = r->root;
	unsigned log = 0;

	if ((conf_has_services(r) && read_require(r, root, "address") < 0) ||
	    read_address(r, root, "address", 0, &out->address) < 0 ||
	    conf_read_interfaces(r, root, out) < 0 ||
	    /* bounded by the address of a Unix socket, not by our own field */
	    read_path(r, root, "control", out->control,
		      sizeof(((struct sockaddr_un *)0)->sun_path)) < 0 ||
	    read_path(r, root, "pid-file", out->pid_file, sizeof(out->pid_file)) < 0 ||
	    read_path_or_none(r, root, "pin-directory", out->pin_directory,
			      sizeof(out->pin_directory)) < 0 ||
	    read_word(r, root, "log", 0, logs, &log) < 0 ||
	    read_number(r, root, "drain-time", 0, 86400, &out->drain_time_s) < 0 ||
	    read_number(r, root, "handover-memory", 0, 604800, &out->handover_memory_s) <
		    0 ||
	    conf_read_mark(r, root, out) < 0 || conf_read_delivery(r, root, out) < 0)
		return -1;
	out->log = log == 1 ? CONF_LOG_SYSLOG : CONF_LOG_STDERR;
	return conf_read_table(r, root, out);
}

static int conf_read_pools(struct reader *r, struct conf *out)
{
	unsigned n = cfg_size(r->root, "pool");

	if (n == 0)
		return read_fail(r, r->root, NULL, "no pool");
	if (n > PLAN_MAX_POOLS)
		return read_fail(r, r->root, NULL, "more than %d pools",
				 PLAN_MAX_POOLS);
	for (unsigned i = 0, all = 0; i < n; i++) {
		if (conf_pool_read(r, cfg_getnsec(r->root, "pool", i),
				   out->address.family, &out->pools[i]) <
		    0)
			return -1;
		out->n_pools++;
		all += out->pools[i].n_instances;
		if (all > CONF_MAX_INSTANCES)
			return read_fail(r, cfg_getnsec(r->root, "pool", i), NULL,
					 "more than %d instances in all pools together",
					 CONF_MAX_INSTANCES);
	}
	if (conf_ports_make_pools(r, out) < 0)
		return -1;
	return conf_listen_make_pools(r, out);
}

/* -- services --------------------------------------------------------------------- */

/* Routers tell services apart by type and id, people by name. */
static int conf_check_unique(struct reader *r, cfg_t *section, const struct conf *conf,
			     const struct conf_service *s, bool mirror)
{
	const struct wccp_service *w = &s->group.service;
	const char *key =
		mirror || read_is_set(section, "spoof-ids") ? "spoof-ids" : "id";

	for (unsigned i = 0; i < conf->n_services; i++) {
		const struct conf_service *other = &conf->services[i];

		if (wccp_same_group(w, &other->group.service))
			return read_fail(r, section, key,
					 "%s: %u is that of service %s", key, w->id,
					 other->name);
		if (strcmp(s->name, other->name) == 0)
			return read_fail(r, section, NULL, "there are two services %s",
					 s->name);
	}
	return 0;
}

/* The kernel's tables have each router once, however many services it has. */
static int conf_count_routers(struct reader *r, cfg_t *section,
			      const struct conf_service *s, struct routers *all)
{
	for (unsigned i = 0; i < s->group.n_routers; i++) {
		const struct addr *a = &s->group.routers[i];

		if (addr_find(all->list, all->n, a) >= 0)
			continue;
		if (all->n == CONF_MAX_ROUTERS)
			return read_fail_item(r, section, "routers", i,
					      "routers: more than %d different ones in "
					      "all services together",
					      CONF_MAX_ROUTERS);
		all->list[all->n++] = *a;
	}
	return 0;
}

/* One section: a service, or a service and its mirror. */
static int conf_read_service(struct reader *r, cfg_t *section, struct routers *routers,
			     struct conf *out)
{
	struct conf_service made[2];
	int n = conf_service_read(r, section, out, made);

	if (n < 0 || conf_count_routers(r, section, made, routers) < 0)
		return -1;
	if (out->n_services + (unsigned)n > PLAN_MAX_SERVICES)
		return read_fail(r, section, NULL, "more than %d services",
				 PLAN_MAX_SERVICES);
	conf_ports_warn(r, section, out, made);
	for (int i = 0; i < n; i++) {
		if (conf_check_unique(r, section, out, &made[i], i > 0) < 0)
			return -1;
		out->services[out->n_services++] = made[i];
	}
	if (n == 2) {
		out->services[out->n_services - 2].pair = (int)out->n_services - 1;
		out->services[out->n_services - 1].pair = (int)out->n_services - 2;
	}
	return 0;
}

static int conf_read_services(struct reader *r, struct conf *out)
{
	unsigned n = cfg_size(r->root, "service");
	struct routers routers = { 0 };

	if (n == 0 && out->n_listens == 0)
		return read_fail(r, r->root, NULL, "no service, and no pool that listens");
	for (unsigned i = 0; i < n; i++)
		if (conf_read_service(r, cfg_getnsec(r->root, "service", i), &routers,
				      out) < 0)
			return -1;
	return 0;
}

static int conf_read_all(struct reader *r, struct conf *out)
{
	*out = (struct conf){ .mark = 0x5743, .mark_mask = 0xffff,
			       .table = 2048, .rule_priority = 100,
			       .drain_time_s = 120, .handover_memory_s = 3600 };
	strcpy(out->control, CONF_DEFAULT_CONTROL);
	r->warnings = out->warnings;
	r->max_warnings = CONF_MAX_WARNINGS;
	if (conf_read_top(r, out) < 0 || conf_bypass_read(r, out) < 0 || conf_read_pools(r, out) < 0 ||
	    conf_read_services(r, out) < 0)
		return -1;
	out->n_warnings = r->n_warnings;
	return 0;
}

struct conf *conf_load(const char *path, struct err *err)
{
	struct conf *conf = calloc(1, sizeof(*conf));
	struct reader r;
	int result;

	if (!conf) {
		err_set(err, "%s: out of memory", path);
		return NULL;
	}
	result = read_open(&r, path, conf_options, err);
	if (result == 0)
		result = conf_read_all(&r, conf);
	read_close(&r);
	if (result == 0)
		return conf;
	conf_free(conf);
	return NULL;
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	free(conf->bypass);
	explicit_bzero(conf, sizeof(*conf)); /* passwords */
	free(conf);
}
