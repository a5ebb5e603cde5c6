/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data plane of wccprouter: the eBPF program, its maps, its interfaces. */
#include "wccprouter/forward/forward.h"

#include "clock.h"
#include "kernel/bpf_maps.h"
#include "kernel/bpf_table.h"
#include "kernel/pins.h"
#include "kernel/layout.h"
#include "log.h"
#include "wccprouter/forward/forward_counters.h"
#include "wccprouter/forward/forward_earlier.h"
#include "wccprouter/forward/hook_list.h"
#include "wccprouter/forward/mask_values.h"
#include "wccprouter/forward/member_maps.h"
#include "wccprouter/forward/member_table.h"
#include "wccprouter/forward/redirect_list.h"
#include "wccprouter/forward/routes.h"
#include "wccprouter/forward/tc_hook.h"
#include "wccprouter/forward/too_big.h"

#include "bpf/router/router.skel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct forward {
	const struct routerd_conf *conf;
	struct router_bpf *bpf;
	struct pins *pins;
	struct forward_saved *saved; /* as it was last saved, or adopted */
	struct forward_earlier earlier;
	bool adopted; /* maps and table are those of the process before */
	struct routes *routes;
	struct ring_buffer *ring;
	struct too_big *too_big;
	unsigned n_hooks;
	struct tc_hook hooks[ROUTERD_ALL_INTERFACES];
	struct offloads *offloads;
	struct bpf_table table; /* of struct router_entry */
	struct mask_values values;
	struct forward_counters counters;
	struct member_maps members;
	enum addr_family families[ROUTERD_MAX_SERVICES]; /* member_table_family() */
};

_Static_assert((int)ROUTERD_MAX_SERVICES == (int)ROUTER_MAX_SERVICES,
	       "a number for each service");
_Static_assert((int)ROUTERD_ALL_INTERFACES == (int)ROUTER_MAX_INTERFACES, "room for each interface");

/* libbpf's messages: most of its warnings are an errno that we report as well. */
static int forward_on_libbpf(enum libbpf_print_level level, const char *format,
			     va_list args)
{
	char text[512];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_event(NOTE_DEBUG, "libbpf", (struct log_about){ 0 }, "%s", text);
	return 0;
}

/* -- interfaces -------------------------------------------------------------------- */

/* What the interface is for is known before the program is there: it may take the place
 * of another one. */
static int forward_attach(struct forward *f, struct tc_hook *h, struct err *err)
{
	struct tc_hook_programs programs = {
		bpf_program__fd(f->bpf->progs.fwd_ingress),
		bpf_program__fd(f->bpf->progs.fwd_egress),
	};
	struct router_interface value = { .roles = h->roles, .in = h->in, .out = h->out };
	int map = bpf_map__fd(f->bpf->maps.interfaces);
	__u32 ifindex = if_nametoindex(h->name);

	if (ifindex && bpf_map_update_elem(map, &ifindex, &value, BPF_ANY) < 0)
		return err_set(err, "%s: eBPF map: %s", h->name, strerror(errno));
	if (tc_hook_attach(h, &programs, f->offloads, err) == 0)
		return 0;
	bpf_map_delete_elem(map, &ifindex);
	return -1;
}

static int forward_attach_all(struct forward *f, struct err *err)
{
	for (unsigned i = 0; i < f->n_hooks; i++)
		if (!tc_hook_is_attached(&f->hooks[i]) &&
		    forward_attach(f, &f->hooks[i], err) < 0)
			return -1;
	offloads_restore_unused(f->offloads);
	return 0;
}

/* Interfaces come and go (VLANs, tunnels, virtual machines). */
static void forward_refresh_hooks(struct forward *f)
{
	unsigned i;

	for (i = 0; i < f->n_hooks; i++) {
		struct tc_hook *h = &f->hooks[i];
		__u32 old = h->ifindex;
		struct err err;

		if (tc_hook_is_attached(h))
			continue;
		if (old) {
			log_warning("interface-gone", "%s is gone", h->name);
			bpf_map_delete_elem(bpf_map__fd(f->bpf->maps.interfaces), &old);
			tc_hook_detach(h, f->offloads);
		}
		if (if_nametoindex(h->name) && forward_attach(f, h, &err) == 0)
			log_info("interface-back", "%s is back", h->name);
	}
}

/* -- open and close ---------------------------------------------------------------- */

static int forward_fill_numbers(struct forward *f, struct err *err)
{
	int fd = bpf_map__fd(f->bpf->maps.numbers);
	__u32 i;

	for (i = 0; i < f->conf->n_services; i++) {
		const struct router_conf *r = &f->conf->services[i].router;
		__u32 key = (r->service_type == WCCP_SERVICE_DYNAMIC ? 1u << 8 : 0) |
			    r->service_id;
		__u32 number = i + 1;

		if (bpf_map_update_elem(fd, &key, &number, BPF_ANY) < 0)
			return err_set(err, "eBPF map: %s", strerror(errno));
	}
	return 0;
}

static int forward_open_pins(struct forward *f, struct err *err)
{
	const struct pins_spec spec = {
		.directory = f->conf->pin_directory,
		.name = "wccprouter",
		.layout = pins_layout(LAYOUT_ROUTER),
		.saved_size = sizeof(*f->saved),
	};
	const struct forward_saved *saved;
	enum note_level level;

	f->saved = calloc(1, sizeof(*f->saved));
	if (!f->saved)
		return err_set(err, "out of memory");
	f->pins = pins_open(&spec, err);
	if (!f->pins)
		return -1;
	saved = pins_saved(f->pins);
	if (saved && !forward_saved_fits(saved, f->conf))
		pins_refuse(f->pins, "are of other services");
	else if (saved)
		*f->saved = *saved;
	f->adopted = pins_state(f->pins) == PINS_ADOPTED;
	level = pins_state(f->pins) == PINS_NONE ? NOTE_WARNING : NOTE_INFO;
	log_event(level, "pins", (struct log_about){ 0 }, "%s", pins_text(f->pins));
	if (pins_in_force(f->pins))
		forward_earlier_begin(&f->earlier, f->adopted ? f->saved : NULL, f->conf,
				      clock_now());
	return 0;
}

static struct tc_hook *forward_find_hook(struct forward *f, const char *name)
{
	for (unsigned i = 0; i < f->n_hooks; i++)
		if (strcmp(f->hooks[i].name, name) == 0)
			return &f->hooks[i];
	return NULL;
}

/* What the process before has made goes on, or goes if it is not configured any more. */
static void forward_adopt(struct forward *f)
{
	for (unsigned i = 0; f->adopted && i < f->saved->n_hooks; i++) {
		struct tc_hook *was = &f->saved->hooks[i];
		struct tc_hook *h = forward_find_hook(f, was->name);

		if (h)
			tc_hook_adopt(h, was);
		else
			tc_hook_detach(was, f->offloads);
	}
	if (!f->adopted)
		return;
	memcpy(f->counters.slots, f->saved->slots, sizeof(f->counters.slots));
	mask_values_adopt(&f->values, f->table.now.octets, ROUTER_MAX_SERVICES);
}

static int forward_load(struct forward *f, struct err *err)
{
	f->bpf = router_bpf__open();
	if (!f->bpf)
		return err_set(err, "eBPF: %s", strerror(errno));
	f->bpf->rodata->router_id = htonl(addr_to_v4(&f->conf->router_id));
	f->bpf->rodata->router_id6 = packet_addr_of(&f->conf->router_id6);
	for (unsigned i = 0; i < f->n_hooks; i++)
		f->bpf->rodata->redirects_out |= f->hooks[i].out != 0;
	if (pins_reuse(f->pins, f->bpf->obj, err) < 0)
		return -1;
	if (router_bpf__load(f->bpf) < 0)
		return err_set(err, "eBPF: the kernel refuses the program: %s",
			       strerror(errno));
	pins_keep(f->pins, f->bpf->obj);
	f->values.fd = bpf_map__fd(f->bpf->maps.mask_values);
	f->counters.fd = bpf_map__fd(f->bpf->maps.counters);
	f->members.members_fd = bpf_map__fd(f->bpf->maps.members);
	f->members.macs_fd = bpf_map__fd(f->bpf->maps.member_macs);
	f->members.own_fd = bpf_map__fd(f->bpf->maps.own);
	if (redirect_list_fill(bpf_map__fd(f->bpf->maps.redirect_lists), f->conf, err) < 0)
		return -1;
	if (bpf_table_init(&f->table, bpf_map__fd(f->bpf->maps.tables), "router_table",
			   sizeof(struct router_entry), ROUTER_MAX_SERVICES, f->pins, err) < 0)
		return -1;
	return forward_fill_numbers(f, err);
}

static int forward_on_event(void *arg, void *data, size_t len)
{
	const struct forward *f = arg;

	if (len >= sizeof(struct router_too_big))
		too_big_answer(f->too_big, data);
	return 0;
}

static int forward_open_all(struct forward *f, struct err *err)
{
	f->offloads = offloads_open(f->conf->control);
	if (!f->offloads)
		return err_set(err, "out of memory");
	if (forward_open_pins(f, err) < 0 || forward_load(f, err) < 0)
		return -1;
	forward_adopt(f);
	f->routes = routes_open(err);
	if (!f->routes)
		return -1;
	f->too_big = too_big_open(addr_is_set(&f->conf->router_id6), err);
	if (!f->too_big)
		return -1;
	f->ring = ring_buffer__new(bpf_map__fd(f->bpf->maps.events), forward_on_event,
				   f, NULL);
	if (!f->ring)
		return err_set(err, "eBPF ring buffer: %s", strerror(errno));
	/* What cannot be adopted goes on until it can be replaced as a whole. */
	return f->earlier.waits && !f->adopted ? 0 : forward_attach_all(f, err);
}

struct forward *forward_open(const struct routerd_conf *conf, struct err *err)
{
	struct forward *f = calloc(1, sizeof(*f));

	if (!f) {
		err_set(err, "out of memory");
		return NULL;
	}
	libbpf_set_print(forward_on_libbpf);
	f->conf = conf;
	f->n_hooks = hook_list_render(conf, f->hooks);
	if (forward_open_all(f, err) == 0)
		return f;
	forward_leave(f);
	return NULL;
}

static void forward_free(struct forward *f)
{
	offloads_close(f->offloads);
	ring_buffer__free(f->ring);
	too_big_close(f->too_big);
	routes_close(f->routes);
	bpf_table_free(&f->table);
	router_bpf__destroy(f->bpf);
	free(f->saved);
	free(f);
}

void forward_close(struct forward *f)
{
	struct pins *pins;

	if (!f)
		return;
	/* Those of a process before that have not been replaced yet, too. */
	if (f->earlier.waits && !f->adopted)
		forward_attach_all(f, NULL);
	for (unsigned i = 0; i < f->n_hooks; i++)
		tc_hook_detach(&f->hooks[i], f->offloads);
	pins = f->pins;
	forward_free(f);
	if (pins)
		pins_remove(pins);
}

void forward_leave(struct forward *f)
{
	struct pins *pins;

	if (!f)
		return;
	pins = f->pins;
	if (!pins || pins_state(pins) == PINS_NONE || pins_state(pins) == PINS_FRESH) {
		forward_close(f);
		return;
	}
	forward_free(f);
	pins_close(pins);
}

/* -- the table --------------------------------------------------------------------- */

static int forward_route(void *arg, const struct addr *cache, struct route *out)
{
	return routes_find(arg, cache, out);
}

/* The staged table and everything that belongs to it. */
static void forward_build_table(struct forward *f, const struct router_status *status)
{
	struct router_entry *staged = f->table.staged.octets;
	unsigned i, n, n_services = f->conf->n_services;

	for (i = 0; i < n_services; i++)
		f->families[i] = member_table_family(&f->conf->services[i], &status[i],
						     f->families[i]);
	n = member_table_build(f->conf, status, f->families, forward_route, f->routes,
			       staged, f->values.next);
	mask_values_number(&f->values, staged, n);
	forward_counters_follow(&f->counters, status, n_services);
	forward_counters_number(&f->counters, staged, n);
}

/* What the next process adopts if this one ends. */
static int forward_save(struct forward *f, const struct router_status *status,
			struct err *err)
{
	struct forward_saved *s = f->saved;

	forward_saved_note(s, f->conf, status);
	s->n_hooks = f->n_hooks;
	memcpy(s->hooks, f->hooks, f->n_hooks * sizeof(f->hooks[0]));
	memcpy(s->slots, f->counters.slots, sizeof(s->slots));
	pins_save(f->pins, s);
	return pins_publish(f->pins, err);
}

/* Packets see the old table or the new one. */
static int forward_switch(struct forward *f, struct err *err)
{
	if (!bpf_table_has_changes(&f->table))
		return 0;
	if (mask_values_put(&f->values, err) < 0)
		return -1;
	if (bpf_table_switch(&f->table, err) < 0) {
		mask_values_drop(&f->values);
		return -1;
	}
	/* No packet uses the old table any more. */
	bpf_table_settle(&f->table);
	mask_values_settle(&f->values);
	if (f->adopted)
		mask_values_purge(&f->values);
	f->adopted = false;
	return 0;
}

int forward_apply(struct forward *f, const struct router_status *status,
		  struct err *err)
{
	bool waited = f->earlier.waits;

	if (forward_earlier_waits(&f->earlier, f->conf, status, clock_now()))
		return 0;
	if (!waited)
		forward_refresh_hooks(f);
	forward_build_table(f, status);
	/* A member must be known before its bucket is in force. */
	if (member_maps_follow(&f->members, status, f->conf->n_services, f->routes,
			       err) < 0)
		return -1;
	if (forward_switch(f, err) < 0)
		return -1;
	if (waited) {
		log_info("pins", "the table of the process before is replaced");
		if (forward_attach_all(f, err) < 0)
			return -1; /* will be attached as if it had come back */
	}
	return forward_save(f, status, err);
}

bool forward_is_on_link(const struct forward *f, const struct addr *a)
{
	struct route route;

	return routes_find(f->routes, a, &route) == 0 && route.on_link;
}

int forward_changes_fd(const struct forward *f)
{
	return routes_fd(f->routes);
}

bool forward_has_changes(struct forward *f)
{
	return routes_have_changed(f->routes);
}

int forward_events_fd(const struct forward *f)
{
	return ring_buffer__epoll_fd(f->ring);
}

void forward_events_handle(struct forward *f)
{
	ring_buffer__consume(f->ring);
}

/* -- counters ---------------------------------------------------------------------- */

int forward_packets(const struct forward *f, unsigned number,
		    struct router_packets *out)
{
	return forward_counters_packets(&f->counters, number, out);
}

int forward_cache_packets(const struct forward *f, unsigned number,
			  const struct addr *cache, struct router_cache_packets *out)
{
	return forward_counters_cache_packets(&f->counters, number, cache, out);
}

int forward_bucket_packets(const struct forward *f, unsigned number,
			   uint64_t out[WCCP_BUCKETS])
{
	return forward_counters_bucket_packets(&f->counters, number, out);
}
