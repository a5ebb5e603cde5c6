/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the router as JSON. */
#include "config.h"

#include "wccprouter/show/show_json.h"

#include "clock.h"
#include "wccprouter/firewall/firewall.h"
#include "wccprouter/service/routerd_services.h"
#include "wccprouter/show/show_counters.h"
#include "wccprouter/show/show_mask.h"
#include "wccprouter/show/show_view.h"

#include <netinet/in.h>
#include <string.h>

static json_t *show_json_address(const struct addr *a)
{
	return addr_is_set(a) ? json_string(ADDR_TEXT(a)) : json_null();
}

/* Takes ownership of `value`; NULL (out of memory) leaves the member out. */
static void show_json_put(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

static void show_json_put_text(json_t *o, const char *key, const char *text)
{
	show_json_put(o, key, json_string(text));
}

static void show_json_put_number(json_t *o, const char *key, uint64_t n)
{
	show_json_put(o, key, json_integer((json_int_t)n));
}

static const char *show_json_method_name(uint32_t methods)
{
	return methods & WCCP_METHOD_GRE  ? "GRE"
	       : methods & WCCP_METHOD_L2 ? "L2"
					  : "-";
}

/* 64 hexadecimal digits, bucket 0 in the lowest bit of the first octet. */
static json_t *show_json_vector(const struct wccp_bucket_vector *v)
{
	char text[2 * sizeof(v->octets) + 1];
	unsigned i;

	for (i = 0; i < sizeof(v->octets); i++)
		snprintf(text + 2 * i, 3, "%02X", v->octets[i]);
	return json_string(text);
}

static json_t *show_json_client(const struct routerd_services *services,
				unsigned service, const struct router_cache_status *c,
				struct mono now)
{
	struct router_cache_packets packets;
	json_t *o = json_object();
	char version[8];

	forward_cache_packets(services->forward, service, &c->addr, &packets);
	snprintf(version, sizeof(version), "2.%02u", c->minor);
	show_json_put(o, "address", show_json_address(&c->addr));
	show_json_put_text(o, "state", c->usable ? "Usable" : "NOT Usable");
	show_json_put_text(o, "version", c->minor ? version : "2.0");
	show_json_put(o, "multicast", json_boolean(c->multicast));
	show_json_put_text(o, "forward", show_json_method_name(c->forward));
	show_json_put_text(o, "return", show_json_method_name(c->ret));
	show_json_put_text(o, "assign",
			   c->assign == WCCP_ASSIGN_MASK ? "MASK" : "HASH");
	show_json_put_number(o, "weight", c->weight);
	show_json_put_number(o, "connect_time_s",
			     c->usable ? (uint64_t)mono_ms_between(c->since, now) / 1000
				       : 0);
	show_json_put_number(o, "buckets", c->buckets);
	show_json_put(o, "bucket_vector", show_json_vector(&c->vector));
	show_json_put_number(o, "values", c->values);
	if (services->status[service].by_mask)
		show_json_put(
			o, "mask_values",
			show_mask_values(&services->status[service].masks, &c->addr));
	show_json_put_number(o, "redirected", packets.redirected);
	show_json_put_number(o, "redirected_octets", packets.redirected_octets);
	return o;
}

static json_t *show_json_clients(const struct routerd_services *services,
				 unsigned service, struct mono now)
{
	const struct router_status *st = &services->status[service];
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < st->n_caches; i++)
		json_array_append_new(
			list, show_json_client(services, service, &st->caches[i], now));
	return list;
}

static json_t *show_json_addresses(const struct addr *a, unsigned n)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, show_json_address(&a[i]));
	return list;
}

static json_t *show_json_prefixes(const struct addr_prefix *p, unsigned n)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, json_string(ADDR_PREFIX_TEXT(&p[i])));
	return list;
}

static json_t *show_json_interfaces(const struct routerd_interfaces *interfaces)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < interfaces->n; i++)
		json_array_append_new(list, json_string(interfaces->names[i]));
	return list;
}

/* The owner of the bucket, or null. */
static json_t *show_json_owner(const struct router_status *st, unsigned b)
{
	uint8_t value = st->table.buckets[b];

	if (!st->assigned || st->by_mask || value == WCCP_BUCKET_NONE)
		return json_null();
	return show_json_address(&st->table.caches[value & WCCP_BUCKET_INDEX]);
}

static json_t *show_json_buckets(const struct routerd_services *services,
				 unsigned service)
{
	const struct router_status *st = &services->status[service];
	uint64_t packets[WCCP_BUCKETS];
	json_t *list = json_array();
	unsigned b;

	forward_bucket_packets(services->forward, service, packets);
	for (b = 0; b < WCCP_BUCKETS; b++) {
		uint8_t value = st->table.buckets[b];
		json_t *o = json_object();

		show_json_put_number(o, "bucket", b);
		show_json_put(o, "client", show_json_owner(st, b));
		show_json_put(o, "alternate",
			      json_boolean(value != WCCP_BUCKET_NONE &&
					   value & WCCP_BUCKET_ALT));
		show_json_put_number(o, "redirected", packets[b]);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *show_json_packets(const struct routerd_services *services,
				 unsigned service)
{
	struct router_packets p;
	json_t *o = json_object();

	forward_packets(services->forward, service, &p);
	show_json_put_number(o, "redirected", p.redirected);
	show_json_put_number(o, "redirected_octets", p.redirected_octets);
	show_json_put_number(o, "unassigned", p.unassigned);
	show_json_put_number(o, "denied", p.denied);
	show_json_put_number(o, "returned", p.returned);
	show_json_put_number(o, "unreturnable", p.unreturnable);
	show_json_put_number(o, "bypassed", p.bypassed);
	show_json_put_number(o, "dropped", p.dropped);
	show_json_put_number(o, "too_big", p.too_big);
	return o;
}

/* Only those that have occurred: most never do. */
static json_t *show_json_refusals(const uint64_t refused[CODEC_REFUSALS])
{
	json_t *all = json_object();
	int i;

	for (i = CODEC_OK + 1; i < CODEC_REFUSALS; i++)
		if (refused[i])
			json_object_set_new(all,
					    codec_refusal_name((enum codec_refusal)i),
					    json_integer((json_int_t)refused[i]));
	return all;
}

static json_t *show_json_by_type(const uint64_t counts[4])
{
	json_t *o = json_object();

	show_json_put_number(o, "here_i_am", counts[0]);
	show_json_put_number(o, "i_see_you", counts[1]);
	show_json_put_number(o, "redirect_assign", counts[2]);
	show_json_put_number(o, "removal_query", counts[3]);
	return o;
}

static json_t *show_json_counters(const struct router_counters *all)
{
	json_t *o = json_object();

	show_json_put(o, "received", show_json_by_type(all->rx));
	show_json_put(o, "sent", show_json_by_type(all->tx));
	show_json_put(o, "refused", show_json_refusals(all->refused));
	for (const struct show_counter *c = show_counters; c->name; c++)
		show_json_put_number(o, c->name, show_counter_value(c, all));
	return o;
}

static unsigned show_json_unassigned_buckets(const struct router_status *st)
{
	unsigned b, n = 0;

	if (!st->assigned || st->by_mask)
		return WCCP_BUCKETS;
	for (b = 0; b < WCCP_BUCKETS; b++)
		n += st->table.buckets[b] == WCCP_BUCKET_NONE;
	return n;
}

static void show_json_put_masks(json_t *o, const struct router_status *st)
{
	unsigned long long slots;

	show_json_put(o, "by_mask", json_boolean(st->by_mask));
	if (!st->by_mask)
		return;
	slots = show_mask_slots(&st->masks);
	show_json_put(o, "alternate_sets", json_boolean(st->masks.alternate));
	show_json_put(o, "masks", show_mask_sets(&st->masks));
	show_json_put_number(o, "mask_slots", slots);
	show_json_put_number(o, "unassigned_values",
			     slots > st->masks.n_values ? slots - st->masks.n_values
							: 0);
}

static json_t *show_json_service(const struct routerd_services *services, unsigned i,
				 struct mono now)
{
	const struct routerd_service *own = &services->list[i];
	const struct routerd_conf_service *conf = own->conf;
	const struct router_status *st = &services->status[i];
	const struct addr nobody = { 0 };
	json_t *o = json_object();

	show_json_put_text(o, "name", conf->name);
	show_json_put_text(o, "type",
			   conf->router.service_type == WCCP_SERVICE_STANDARD
				   ? "standard"
				   : "dynamic");
	show_json_put_number(o, "id", conf->router.service_id);
	show_json_put_text(o, "version", conf->router.max_minor ? "2.01" : "2.0");
	show_json_put(o, "shut", json_boolean(own->shut));
	show_json_put(o, "closed", json_boolean(conf->closed));
	show_json_put(
		o, "group_list",
		show_json_prefixes(own->in_force.allowed, own->in_force.n_allowed));
	show_json_put(o, "redirect_in", show_json_interfaces(&conf->redirect_in));
	show_json_put(o, "redirect_out", show_json_interfaces(&conf->redirect_out));
	show_json_put(o, "group_address", show_json_address(&conf->router.multicast));
	show_json_put_text(o, "family",
			   st->family == ADDR_V6   ? "IPv6"
			   : st->family == ADDR_V4 ? "IPv4"
						   : "-");
	show_json_put(o, "assigned", json_boolean(st->assigned));
	show_json_put(o, "assigned_by",
		      show_json_address(st->assigned ? &st->key.cache : &nobody));
	show_json_put_number(o, "key_change", st->key.change_number);
	show_json_put_number(o, "member_change", st->change_number);
	show_json_put_number(o, "unassigned_buckets", show_json_unassigned_buckets(st));
	show_json_put_masks(o, st);
	show_json_put(o, "clients", show_json_clients(services, i, now));
	show_json_put(o, "routers", show_json_addresses(st->routers, st->n_routers));
	show_json_put(o, "packets", show_json_packets(services, i));
	show_json_put(o, "counters", show_json_counters(&st->counters));
	return o;
}

/* What is wrong on this host, and what to do about it. */
static json_t *show_json_problems(const struct routerd_services *services)
{
	const struct conntrack_advice *a = firewall_advice(services->firewall);
	json_t *list = json_array(), *o;

	if (!*a->text)
		return list;
	o = json_object();
	show_json_put_text(o, "problem", "conntrack-drops");
	show_json_put_text(o, "text", a->text);
	show_json_put_text(o, "remedy", a->remedy);
	json_array_append_new(list, o);
	return list;
}

json_t *show_json_all(const struct routerd_services *services)
{
	struct mono now = clock_now();
	json_t *o = json_object(), *list = json_array();
	unsigned i;

	for (i = 0; i < services->n; i++)
		json_array_append_new(list, show_json_service(services, i, now));
	show_json_put_text(o, "version", PACKAGE_VERSION);
	show_json_put(o, "router_id", show_json_address(&services->conf->router_id));
	show_json_put(o, "router_id6", show_json_address(&services->conf->router_id6));
	show_json_put(o, "problems", show_json_problems(services));
	show_json_put(o, "services", list);
	show_json_put(o, "other_packets",
		      show_json_packets(services, ROUTER_MAX_SERVICES));
	show_json_put_number(o, "unknown_service", services->unknown_service);
	show_json_put(o, "refused", show_json_refusals(services->refused));
	return o;
}

json_t *show_json_answer(const struct routerd_services *services,
			 const struct show_request *r, struct err *err)
{
	json_t *all = show_json_all(services), *part = NULL;
	int i = r->view == SHOW_BUCKETS ? show_view_find(all, r->service, err) : -1;

	if (i >= 0)
		show_json_put(
			json_array_get(json_object_get(all, "services"), (size_t)i),
			"buckets", show_json_buckets(services, (unsigned)i));
	if (i >= 0 || r->view != SHOW_BUCKETS)
		part = show_view_select(all, r, err);
	json_decref(all);
	return part;
}
