/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the router as JSON. */
#include "config.h"

#include "wccprouter/show/show_json.h"

#include "clock.h"
#include "wccprouter/routerd.h"
#include "wccprouter/show/show_mask.h"
#include "wccprouter/show/show_view.h"

#include <netinet/in.h>
#include <string.h>

static json_t *address(const struct addr *a)
{
	return addr_is_set(a) ? json_string(ADDR_TEXT(a)) : json_null();
}

/* Takes `value` over.  Out of memory (NULL) leaves the member out. */
static void put(json_t *o, const char *key, json_t *value)
{
	json_object_set_new(o, key, value);
}

static void put_text(json_t *o, const char *key, const char *text)
{
	put(o, key, json_string(text));
}

static void put_number(json_t *o, const char *key, uint64_t n)
{
	put(o, key, json_integer((json_int_t)n));
}

static const char *method_name(uint32_t methods)
{
	return methods & WCCP_METHOD_GRE  ? "GRE"
	       : methods & WCCP_METHOD_L2 ? "L2"
					  : "-";
}

/* 64 hexadecimal digits, bucket 0 in the lowest bit of the first octet. */
static json_t *vector(const struct wccp_bucket_vector *v)
{
	char text[2 * sizeof(v->octets) + 1];
	unsigned i;

	for (i = 0; i < sizeof(v->octets); i++)
		snprintf(text + 2 * i, 3, "%02X", v->octets[i]);
	return json_string(text);
}

static json_t *client(const struct engine *e, unsigned service,
		      const struct router_cache_status *c, struct mono now)
{
	struct router_cache_packets packets;
	json_t *o = json_object();
	char version[8];

	forward_cache_packets(e->forward, service, &c->addr, &packets);
	snprintf(version, sizeof(version), "2.%02u", c->minor);
	put(o, "address", address(&c->addr));
	put_text(o, "state", c->usable ? "Usable" : "NOT Usable");
	put_text(o, "version", c->minor ? version : "2.0");
	put(o, "multicast", json_boolean(c->multicast));
	put_text(o, "forward", method_name(c->forward));
	put_text(o, "return", method_name(c->ret));
	put_text(o, "assign", c->assign == WCCP_ASSIGN_MASK ? "MASK" : "HASH");
	put_number(o, "weight", c->weight);
	put_number(o, "connect_time_s",
		   c->usable ? (uint64_t)mono_ms_between(c->since, now) / 1000 : 0);
	put_number(o, "buckets", c->buckets);
	put(o, "bucket_vector", vector(&c->vector));
	put_number(o, "values", c->values);
	if (e->status[service].by_mask)
		put(o, "mask_values",
		    show_mask_values(&e->status[service].masks, &c->addr));
	put_number(o, "redirected", packets.redirected);
	put_number(o, "redirected_octets", packets.redirected_octets);
	return o;
}

static json_t *clients(const struct engine *e, unsigned service, struct mono now)
{
	const struct router_status *st = &e->status[service];
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < st->n_caches; i++)
		json_array_append_new(list, client(e, service, &st->caches[i], now));
	return list;
}

static json_t *addresses(const struct addr *a, unsigned n)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, address(&a[i]));
	return list;
}

/* Who has the bucket, or null. */
static json_t *owner(const struct router_status *st, unsigned b)
{
	uint8_t value = st->table.buckets[b];

	if (!st->assigned || st->by_mask || value == WCCP_BUCKET_NONE)
		return json_null();
	return address(&st->table.caches[value & WCCP_BUCKET_INDEX]);
}

static json_t *buckets(const struct engine *e, unsigned service)
{
	const struct router_status *st = &e->status[service];
	uint64_t packets[WCCP_BUCKETS];
	json_t *list = json_array();
	unsigned b;

	forward_bucket_packets(e->forward, service, packets);
	for (b = 0; b < WCCP_BUCKETS; b++) {
		uint8_t value = st->table.buckets[b];
		json_t *o = json_object();

		put_number(o, "bucket", b);
		put(o, "client", owner(st, b));
		put(o, "alternate",
		    json_boolean(value != WCCP_BUCKET_NONE && value & WCCP_BUCKET_ALT));
		put_number(o, "redirected", packets[b]);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *packets(const struct engine *e, unsigned service)
{
	struct router_packets p;
	json_t *o = json_object();

	forward_packets(e->forward, service, &p);
	put_number(o, "redirected", p.redirected);
	put_number(o, "redirected_octets", p.redirected_octets);
	put_number(o, "unassigned", p.unassigned);
	put_number(o, "denied", p.denied);
	put_number(o, "returned", p.returned);
	put_number(o, "bypassed", p.bypassed);
	put_number(o, "dropped", p.dropped);
	put_number(o, "too_big", p.too_big);
	return o;
}

/* Only those that have happened: most never do. */
static json_t *refusals(const uint64_t refused[CODEC_REFUSALS])
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

static json_t *by_type(const uint64_t counts[4])
{
	json_t *o = json_object();

	put_number(o, "here_i_am", counts[0]);
	put_number(o, "i_see_you", counts[1]);
	put_number(o, "redirect_assign", counts[2]);
	put_number(o, "removal_query", counts[3]);
	return o;
}

static json_t *counters(const struct router_counters *c)
{
	json_t *o = json_object();

	put(o, "received", by_type(c->rx));
	put(o, "sent", by_type(c->tx));
	put(o, "refused", refusals(c->refused));
	put_number(o, "bad_receive_id", c->bad_receive_id);
	put_number(o, "bad_change_number", c->bad_change_number);
	put_number(o, "not_listed", c->not_listed);
	put_number(o, "not_allowed", c->not_allowed);
	put_number(o, "not_member", c->not_member);
	put_number(o, "wrong_source", c->wrong_source);
	put_number(o, "wrong_group", c->wrong_group);
	put_number(o, "bad_family", c->bad_family);
	put_number(o, "conflicting_service", c->conflicting_service);
	put_number(o, "bad_capability", c->bad_capability);
	put_number(o, "bad_method", c->bad_method);
	put_number(o, "bad_mask", c->bad_mask);
	put_number(o, "too_large", c->too_large);
	put_number(o, "maps_left_out", c->maps_left_out);
	put_number(o, "full", c->full);
	put_number(o, "assignments", c->assignments);
	put_number(o, "flushes", c->flushes);
	put_number(o, "removed_by_timeout", c->removed_by_timeout);
	put_number(o, "removed_by_shutdown", c->removed_by_shutdown);
	return o;
}

static unsigned unassigned_buckets(const struct router_status *st)
{
	unsigned b, n = 0;

	if (!st->assigned || st->by_mask)
		return WCCP_BUCKETS;
	for (b = 0; b < WCCP_BUCKETS; b++)
		n += st->table.buckets[b] == WCCP_BUCKET_NONE;
	return n;
}

static void put_masks(json_t *o, const struct router_status *st)
{
	unsigned long long slots;

	put(o, "by_mask", json_boolean(st->by_mask));
	if (!st->by_mask)
		return;
	slots = show_mask_slots(&st->masks);
	put(o, "alternate_sets", json_boolean(st->masks.alternate));
	put(o, "masks", show_masks(&st->masks));
	put_number(o, "mask_slots", slots);
	put_number(o, "unassigned_values",
		   slots > st->masks.n_values ? slots - st->masks.n_values : 0);
}

static json_t *service(const struct engine *e, unsigned i, struct mono now)
{
	const struct engine_service *own = &e->services[i];
	const struct rconf_service *conf = own->conf;
	const struct router_status *st = &e->status[i];
	const struct addr nobody = { 0 };
	json_t *o = json_object();

	put_text(o, "name", conf->name);
	put_text(o, "type",
		 conf->router.service_type == WCCP_SERVICE_STANDARD ? "standard"
								    : "dynamic");
	put_number(o, "id", conf->router.service_id);
	put_text(o, "version", conf->router.max_minor ? "2.01" : "2.0");
	put(o, "shut", json_boolean(own->shut));
	put(o, "closed", json_boolean(conf->closed));
	put(o, "group_list", addresses(own->in_force.allowed, own->in_force.n_allowed));
	put(o, "group_address", address(&conf->router.multicast));
	put_text(o, "family",
		 st->family == ADDR_V6	 ? "IPv6"
		 : st->family == ADDR_V4 ? "IPv4"
					 : "-");
	put(o, "assigned", json_boolean(st->assigned));
	put(o, "assigned_by", address(st->assigned ? &st->key.cache : &nobody));
	put_number(o, "key_change", st->key.change_number);
	put_number(o, "member_change", st->change_number);
	put_number(o, "unassigned_buckets", unassigned_buckets(st));
	put_masks(o, st);
	put(o, "clients", clients(e, i, now));
	put(o, "routers", addresses(st->routers, st->n_routers));
	put(o, "packets", packets(e, i));
	put(o, "counters", counters(&st->counters));
	return o;
}

json_t *show_json(const struct engine *e)
{
	struct mono now = clock_now();
	json_t *o = json_object(), *services = json_array();
	unsigned i;

	for (i = 0; i < e->n_services; i++)
		json_array_append_new(services, service(e, i, now));
	put_text(o, "version", PACKAGE_VERSION);
	put(o, "router_id", address(&e->conf->router_id));
	put(o, "router_id6", address(&e->conf->router_id6));
	put(o, "services", services);
	put(o, "other_packets", packets(e, ROUTER_MAX_SERVICES));
	put_number(o, "unknown_service", e->unknown_service);
	put(o, "refused", refusals(e->refused));
	return o;
}

json_t *show_answer(const struct engine *e, const struct show_request *r,
		    struct err *err)
{
	json_t *all = show_json(e), *part = NULL;
	int i = r->view == SHOW_BUCKETS ? show_view_find(all, r->service, err) : -1;

	if (i >= 0)
		put(json_array_get(json_object_get(all, "services"), (size_t)i),
		    "buckets", buckets(e, (unsigned)i));
	if (i >= 0 || r->view != SHOW_BUCKETS)
		part = show_view_select(all, r, err);
	json_decref(all);
	return part;
}
