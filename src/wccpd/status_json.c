/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything the daemon knows, as one JSON document. */
#include "wccpd/status_json.h"

#include "clock.h"
#include "config.h"
#include "foreign/process_sockets.h"
#include "wccpd/daemon.h"
#include "wccpd/drain/inode_set.h"
#include "wccpd/drain/open_flows.h"
#include "wccpd/leave.h"
#include "wccpd/tell/packets_json.h"
#include "wccpd/tell/problems.h"
#include "wccpd/tell/service_json.h"

#include <stdio.h>

static json_t *status_json_addr(const struct addr *a)
{
	return addr_is_set(a) ? json_string(ADDR_TEXT(a)) : json_null();
}

static const char *status_json_method_name(uint32_t method)
{
	return method == WCCP_METHOD_GRE  ? "gre"
	       : method == WCCP_METHOD_L2 ? "l2"
					  : "-";
}

static const char *status_json_assign_name(uint32_t method)
{
	return method == WCCP_ASSIGN_HASH   ? "hash"
	       : method == WCCP_ASSIGN_MASK ? "mask"
					    : "-";
}

static json_int_t status_json_seconds_since(struct mono since)
{
	return (json_int_t)(mono_ms_between(since, clock_now()) / 1000);
}

/* -- service groups ------------------------------------------------------------------- */

static json_t *status_json_router(const struct cache_router_status *r)
{
	return json_pack(
		"{s:o, s:o, s:s, s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:i, "
		"s:i}",
		"address", status_json_addr(&r->address), "id",
		status_json_addr(&r->id), "version", r->minor ? "2.01" : "2.0", "state",
		peer_state_name(r->state), "reason", r->reason ? r->reason : "",
		"since_s", status_json_seconds_since(r->since), "forward",
		status_json_method_name(r->forward), "return",
		status_json_method_name(r->ret), "assign",
		status_json_assign_name(r->assign), "transmit_t_ms",
		(json_int_t)r->transmit_t_ms, "receive_id", (json_int_t)r->receive_id,
		"change_number", (json_int_t)r->change_number, "outstanding",
		(int)r->outstanding, "caches", (int)r->n_caches);
}

static json_t *status_json_routers(const struct cache_status *st)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < st->n_routers; i++)
		json_array_append_new(list, status_json_router(&st->routers[i]));
	return list;
}

static json_t *status_json_caches(const struct cache_status *st,
				  const struct cache_conf *conf)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < st->n_caches; i++) {
		const struct cache_member_status *c = &st->caches[i];
		json_array_append_new(
			list,
			json_pack("{s:o, s:i, s:i, s:i, s:b, s:b}", "address",
				  status_json_addr(&c->addr), "weight", (int)c->weight,
				  "buckets", (int)c->buckets, "routers",
				  (int)c->n_routers, "seen_by_all", c->seen_by_all,
				  "stranger", !cache_conf_allows(conf, &c->addr)));
	}
	return list;
}

/* 64 hexadecimal digits, octet by octet as on the wire. */
static json_t *status_json_vector(const struct wccp_bucket_vector *v)
{
	char hex[2 * sizeof(v->octets) + 1];

	for (size_t i = 0; i < sizeof(v->octets); i++)
		snprintf(hex + 2 * i, 3, "%02x", v->octets[i]);
	return json_string(hex);
}

static json_t *status_json_refusals(const uint64_t refused[CODEC_REFUSALS])
{
	json_t *o = json_object();

	for (int r = CODEC_OK + 1; r < CODEC_REFUSALS; r++)
		json_object_set_new(o, codec_refusal_name(r),
				    json_integer((json_int_t)refused[r]));
	return o;
}

static json_t *status_json_group_refusals(const struct cache_counters *c)
{
	json_t *o = status_json_refusals(c->refused);

	json_object_set_new(o, "unknown-router",
			    json_integer((json_int_t)c->unknown_router));
	json_object_set_new(o, "not-for-us", json_integer((json_int_t)c->not_for_us));
	json_object_set_new(o, "stale", json_integer((json_int_t)c->stale));
	json_object_set_new(o, "doubted", json_integer((json_int_t)c->doubted));
	json_object_set_new(o, "elsewhere", json_integer((json_int_t)c->elsewhere));
	json_object_set_new(o, "bad-router-id", json_integer((json_int_t)c->bad_id));
	json_object_set_new(o, "bad-service", json_integer((json_int_t)c->bad_service));
	return o;
}

/* Datagrams that belong to no group. */
static json_t *status_json_daemon_refusals(const struct daemon *d)
{
	json_t *o = status_json_refusals(d->refused);

	json_object_set_new(o, "unknown-service",
			    json_integer((json_int_t)d->unknown_service));
	return o;
}

static json_t *status_json_messages(const uint64_t by_type[4])
{
	json_t *o = json_object();

	for (unsigned i = 0; i < 4; i++)
		json_object_set_new(o, codec_type_name(WCCP_HERE_I_AM + i),
				    json_integer((json_int_t)by_type[i]));
	return o;
}

static json_t *status_json_counters(const struct cache_counters *c)
{
	return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I}", "received",
			 status_json_messages(c->rx), "sent",
			 status_json_messages(c->tx), "refused",
			 status_json_group_refusals(c), "assignments_sent",
			 (json_int_t)c->assignments_sent, "assignments_resent",
			 (json_int_t)c->assignments_resent, "view_changes",
			 (json_int_t)c->view_changes);
}

/* The state of its delivery; the reason is empty while it is good. */
static json_t *status_json_delivery(const struct delivery *d)
{
	return json_pack("{s:s, s:s, s:I, s:s}", "state", delivery_state_name(d->state),
			 "reason", problems_delivery_text(d) ? d->reason : "", "since_s",
			 status_json_seconds_since(d->since), "text",
			 problems_delivery_text(d) ? problems_delivery_text(d) : "");
}

/* While draining, the flows that are still open; no limit: -1 s. */
static json_t *status_json_drain(const struct daemon *d, const struct service *s)
{
	const struct drain *drain = leave_drain_of(d, s);
	int64_t left_ms = drain_left_ms(drain, clock_now());

	return json_pack("{s:s, s:s, s:I, s:I, s:b}", "state", drain_state_name(drain->state),
			 "reason", drain->why ? drain->why : "", "flows",
			 (json_int_t)drain->flows, "left_s",
			 (json_int_t)(left_ms < 0 ? -1 : (left_ms + 999) / 1000),
			 "new_returned", drain->returns);
}

static json_t *status_json_service(struct daemon *d, const struct service *s)
{
	struct cache_status *st = &d->status;
	json_t *o;

	cache_get_status(s->cache, st);
	o = json_pack(
		"{s:s, s:s, s:i, s:b, s:i, s:b, s:o, s:i, s:o, s:o, s:o, s:o, s:o}",
		"name", s->name, "type",
		s->id.type == WCCP_SERVICE_STANDARD ? "standard" : "dynamic", "id",
		(int)s->id.id, "up", st->up, "weight", (int)st->weight, "designated",
		st->designated, "designated_cache",
		status_json_addr(&st->designated_cache), "buckets", (int)st->my_slots,
		"my_buckets", status_json_vector(&st->mine), "routers",
		status_json_routers(st), "caches",
		status_json_caches(st, &s->conf->group), "packets",
		packets_json(d->dp, (unsigned)(s->conf - d->conf->services)),
		"counters", status_json_counters(&st->counters));
	json_object_set_new(o, "assignment", service_json_assignment(st));
	json_object_set_new(o, "description",
			    service_json_description(&s->conf->group.service));
	json_object_set_new(o, "drain", status_json_drain(d, s));
	json_object_set_new(o, "configured", service_json_configured(d->conf, s->conf));
	json_object_set_new(
		o, "delivery",
		status_json_delivery(delivery_watch_of(d->delivery, &s->id)));
	return o;
}

/* -- pools ------------------------------------------------------------------------------- */

/* Ports that the pool listens on itself. */
static unsigned status_json_listens(const struct daemon *d, unsigned pool,
				    uint16_t out[PLAN_MAX_LISTENS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->conf->n_listens; i++)
		if (d->conf->listens[i].pool == pool)
			out[n++] = d->conf->listens[i].port;
	return n;
}

static bool status_json_take_socket(void *arg, pid_t pid, int fd, uint64_t inode)
{
	(void)pid, (void)fd;
	return inode_set_add(arg, inode);
}

/* How many connections it still has; -1: that cannot be found out. */
static int status_json_open(const struct daemon *d, unsigned pool, const struct instance *in)
{
	struct inode_set sockets = { 0 };
	uint16_t listens[PLAN_MAX_LISTENS];
	unsigned n = status_json_listens(d, pool, listens), found = 0;
	struct err err;
	int rc = 0;

	for (unsigned i = 0; i < in->n_watches && rc == 0; i++)
		rc = process_sockets(in->watches[i].pid, status_json_take_socket, &sockets);
	inode_set_sort(&sockets);
	if (rc == 0)
		rc = open_flows_count_of(&sockets, listens, n, &found, &err);
	inode_set_free(&sockets);
	return rc < 0 ? -1 : (int)found;
}

static json_t *status_json_instance(const struct daemon *d, unsigned pool,
				    const struct instance *in, uint64_t given)
{
	json_t *o = json_pack(
		"{s:s, s:i, s:i, s:s, s:s, s:I, s:s, s:i, s:i, s:I}", "name",
		in->conf->name, "port", (int)in->conf->port, "pid", (int)instance_pid(in),
		"state", instance_state_name(in), "reason", instance_reason(in), "since_s",
		status_json_seconds_since(in->health.since), "last_check",
		instance_last_check(in), "weight", (int)in->conf->weight, "listeners",
		(int)in->n_listeners, "given", (json_int_t)given);

	if (addr_is_set(&in->conf->at))
		json_object_set_new(o, "address", json_string(ADDR_TEXT(&in->conf->at)));
	/* Who takes one out of service has to know when it is free, and when it is well. */
	if (in->wanted != INSTANCE_SERVING) {
		json_object_set_new(o, "health",
				    json_string(health_state_name(in->health.state)));
		json_object_set_new(o, "open", json_integer(status_json_open(d, pool, in)));
	}
	return o;
}

/* "*:3128" */
static json_t *status_json_endpoints(const struct conf *conf, unsigned pool)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < conf->n_listens; i++) {
		const struct plan_listen *l = &conf->listens[i];

		if (l->pool == pool)
			json_array_append_new(list,
					      json_string(conf_endpoint_text(&l->addr, l->port)
								  .s));
	}
	return list;
}

static json_t *status_json_pool(struct daemon *d, unsigned position)
{
	const struct pool *p = pools_get(d->pools, position);
	struct pools_strength k = pools_strength(p);
	uint64_t given[PLAN_MAX_INSTANCES] = { 0 };
	json_t *instances = json_array();

	dp_get_new_connections(d->dp, &d->plan, position, given);
	for (unsigned i = 0; i < p->n_instances; i++)
		json_array_append_new(instances,
				      status_json_instance(d, position, p->instances[i],
							   given[i]));
	return json_pack("{s:s, s:b, s:i, s:i, s:i, s:s, s:o, s:o}", "name", p->conf->name, "up",
			 k.up > 0 && k.up >= p->conf->min_instances, "healthy",
			 (int)k.up, "min", (int)p->conf->min_instances, "weight",
			 (int)k.up_weight, "spread", conf_spread_name(p->conf->spread), "listen",
			 status_json_endpoints(d->conf, position), "instances", instances);
}

/* -- problems ---------------------------------------------------------------------------- */

static void status_json_add_complaint(json_t *list, const char *kind,
				      const struct complaint *c, struct mono now)
{
	const struct problem p = {
		.kind = kind,
		.since_ms = mono_ms_between(c->since, now),
	};

	if (c->text[0])
		problems_add(list, &p, "%s", c->text);
}

/* Routers of which the packets do not arrive, while those of others do. */
static void status_json_add_held_routers(struct daemon *d, const struct service *s,
					 json_t *list)
{
	for (unsigned i = 0; i < d->status.n_routers; i++) {
		const struct cache_router_status *r = &d->status.routers[i];
		struct addr_text address;
		const struct problem p = {
			.kind = "delivery",
			.service = s->name,
			.about = addr_text(&r->address, &address),
			.since_ms = -1,
		};

		if (delivery_watch_holds_router(d->delivery, &s->id, &r->id))
			problems_add(list, &p,
				     "what this router redirects does not arrive, new "
				     "connections are given back to it");
	}
}

static void status_json_add_problems(struct daemon *d, const struct service *s,
				     json_t *list, struct mono now)
{
	const struct delivery *delivery = delivery_watch_of(d->delivery, &s->id);

	cache_get_status(s->cache, &d->status);
	problems_add_delivery(list, s->name, delivery, now);
	if (!problems_delivery_text(delivery)) /* else it holds for all of them */
		status_json_add_held_routers(d, s, list);
	problems_add_routers(list, s->name, &d->status, now);
}

static void status_json_add_stranger(void *list, const char *who, const char *text)
{
	const struct problem p = { .kind = "stranger", .about = who, .since_ms = -1 };

	problems_add(list, &p, "%s", text);
}

static json_t *status_json_problems(struct daemon *d)
{
	struct mono now = clock_now();
	json_t *list = json_array();

	status_json_add_complaint(list, "address", &d->address_error, now);
	status_json_add_complaint(list, "data-plane", &d->apply_error, now);
	status_json_add_complaint(list, "data-plane", &d->obstacle, now);
	status_json_add_complaint(list, "data-plane", &d->trouble, now);
	status_json_add_complaint(list, "multicast", &d->multicast_error, now);
	for (unsigned i = 0; i < pools_count(d->pools); i++)
		problems_add_pool(list, pools_get(d->pools, i), now);
	for (unsigned i = 0; i < d->n_services; i++)
		if (d->services[i].conf)
			status_json_add_problems(d, &d->services[i], list, now);
	strangers_list(&d->strangers, now, status_json_add_stranger, list);
	return list;
}

static json_t *status_json_gre(const struct daemon *d)
{
	struct gre_slow_path_counters c = gre_slow_path_counters(d->gre);

	return json_pack("{s:I, s:I, s:I, s:I}", "reassembled",
			 (json_int_t)c.reassembled, "too_long", (json_int_t)c.too_long,
			 "not_let_in", (json_int_t)c.not_let_in, "strangers",
			 (json_int_t)c.strangers);
}

json_t *status_json(struct daemon *d)
{
	json_t *services = json_array(), *pools = json_array();

	for (unsigned i = 0; i < d->n_services; i++)
		if (d->services[i].conf)
			json_array_append_new(services,
					      status_json_service(d, &d->services[i]));
	for (unsigned i = 0; i < pools_count(d->pools); i++)
		json_array_append_new(pools, status_json_pool(d, i));
	return json_pack(
		"{s:s, s:o, s:s, s:I, s:b, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
		PACKAGE_VERSION, "address", status_json_addr(&d->conf->address),
		"interface", conf_interfaces_text(d->conf).s, "uptime_s",
		status_json_seconds_since(d->started), "data_plane",
		d->applied && !d->apply_error.text[0], "data_plane_error",
		d->apply_error.text,
		"data_plane_trouble", d->trouble.text, "refused",
		status_json_daemon_refusals(d), "services", services, "pools", pools,
		"packets_of_no_service", packets_json(d->dp, DP_NO_SERVICE), "problems",
		status_json_problems(d), "gre", status_json_gre(d));
}
