/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data plane of wccprouter: the eBPF program, its maps, its interfaces. */
#include "wccprouter/forward/forward.h"

#include "wccprouter/forward/tc_hook.h"
#include "wccprouter/forward/routes.h"
#include "wccprouter/forward/member_maps.h"
#include "wccprouter/forward/redirect_list.h"
#include "log.h"
#include "wccprouter/forward/mask_values.h"
#include "kernel/bpf_maps.h"
#include "wccprouter/forward/member_table.h"
#include "wccprouter/forward/forward_counters.h"
#include "wccprouter/forward/too_big.h"

#include "bpf/router.skel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_HOOKS = 4 * RCONF_MAX_INTERFACES };

struct forward {
	const struct rconf *conf;
	struct router_bpf *bpf;
	struct hops *hops;
	struct ring_buffer *ring;
	struct toobig *toobig;
	unsigned n_hooks;
	struct hook hooks[MAX_HOOKS];
	/* What is in force, to leave alone what does not change; and scratch. */
	struct router_entry table[ROUTER_MAX_SERVICES], next[ROUTER_MAX_SERVICES];
	struct lookups lookups;
	struct tally tally;
	struct known known;
	enum addr_family families[RCONF_MAX_SERVICES]; /* table_family() */
};

_Static_assert((int)RCONF_MAX_SERVICES == (int)ROUTER_MAX_SERVICES,
	       "a number for each service");
_Static_assert((int)MAX_HOOKS == (int)ROUTER_MAX_INTERFACES, "room for each interface");

/* libbpf's own words: a warning of its is mostly an errno that we report, too. */
static int on_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char text[512];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_event(NOTE_DEBUG, "libbpf", (struct log_about){ 0 }, "%s", text);
	return 0;
}

/* ---- interfaces ---- */

static void add_hook(struct forward *f, const char *name, uint32_t role)
{
	unsigned i;

	for (i = 0; i < f->n_hooks; i++)
		if (strcmp(f->hooks[i].name, name) == 0)
			break;
	memcpy(f->hooks[i].name, name, IF_NAMESIZE);
	f->hooks[i].roles |= role;
	if (i == f->n_hooks)
		f->n_hooks++;
}

static void list_hooks(struct forward *f)
{
	const struct rconf *conf = f->conf;
	unsigned i;

	for (i = 0; i < conf->n_redirect_in; i++)
		add_hook(f, conf->redirect_in[i], ROUTER_IF_REDIRECT);
	for (i = 0; i < conf->n_caches_in; i++)
		add_hook(f, conf->caches_in[i], ROUTER_IF_CACHES);
	for (i = 0; i < conf->n_redirect_out; i++)
		add_hook(f, conf->redirect_out[i], ROUTER_IF_OUT);
	for (i = 0; i < conf->n_excluded_in; i++)
		add_hook(f, conf->excluded_in[i], ROUTER_IF_EXCLUDED);
}

static int attach(struct forward *f, struct hook *h, struct err *err)
{
	struct hook_programs programs = {
		bpf_program__fd(f->bpf->progs.router_ingress),
		bpf_program__fd(f->bpf->progs.router_egress),
	};
	__u32 ifindex;

	if (hook_attach(h, &programs, err) < 0)
		return -1;
	ifindex = h->ifindex;
	if (bpf_map_update_elem(bpf_map__fd(f->bpf->maps.interfaces), &ifindex,
				&h->roles, BPF_ANY) == 0)
		return 0;
	return err_set(err, "%s: eBPF map: %s", h->name, strerror(errno));
}

/* Interfaces come and go (VLANs, tunnels, virtual machines). */
static void refresh_hooks(struct forward *f)
{
	unsigned i;

	for (i = 0; i < f->n_hooks; i++) {
		struct hook *h = &f->hooks[i];
		__u32 old = h->ifindex;
		struct err err;

		if (hook_is_attached(h))
			continue;
		if (old) {
			log_warning("interface-gone", "%s is gone", h->name);
			bpf_map_delete_elem(bpf_map__fd(f->bpf->maps.interfaces), &old);
			hook_detach(h);
		}
		if (if_nametoindex(h->name) && attach(f, h, &err) == 0)
			log_info("interface-back", "%s is back", h->name);
	}
}

/* ---- open and close ---- */

static int fill_numbers(struct forward *f, struct err *err)
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

static int load(struct forward *f, struct err *err)
{
	f->bpf = router_bpf__open();
	if (!f->bpf)
		return err_set(err, "eBPF: %s", strerror(errno));
	f->bpf->rodata->router_id = htonl(addr_to_v4(&f->conf->router_id));
	f->bpf->rodata->router_id6 = packet_addr_of(&f->conf->router_id6);
	if (router_bpf__load(f->bpf) < 0)
		return err_set(err, "eBPF: the kernel refuses the program: %s",
			       strerror(errno));
	f->lookups.fd = bpf_map__fd(f->bpf->maps.lookups);
	f->tally.fd = bpf_map__fd(f->bpf->maps.tallies);
	f->known.members_fd = bpf_map__fd(f->bpf->maps.members);
	f->known.macs_fd = bpf_map__fd(f->bpf->maps.member_macs);
	f->known.own_fd = bpf_map__fd(f->bpf->maps.own);
	if (lists_fill(bpf_map__fd(f->bpf->maps.lists), f->conf, err) < 0)
		return -1;
	return fill_numbers(f, err);
}

static int on_event(void *arg, void *data, size_t len)
{
	const struct forward *f = arg;

	if (len >= sizeof(struct router_too_big))
		toobig_answer(f->toobig, data);
	return 0;
}

static int open_all(struct forward *f, struct err *err)
{
	unsigned i;

	if (load(f, err) < 0)
		return -1;
	f->hops = hops_open(err);
	if (!f->hops)
		return -1;
	f->toobig = toobig_open(addr_is_set(&f->conf->router_id6), err);
	if (!f->toobig)
		return -1;
	f->ring = ring_buffer__new(bpf_map__fd(f->bpf->maps.events), on_event, f, NULL);
	if (!f->ring)
		return err_set(err, "eBPF ring buffer: %s", strerror(errno));
	list_hooks(f);
	for (i = 0; i < f->n_hooks; i++)
		if (attach(f, &f->hooks[i], err) < 0)
			return -1;
	return 0;
}

struct forward *forward_open(const struct rconf *conf, struct err *err)
{
	struct forward *f = calloc(1, sizeof(*f));

	if (!f) {
		err_set(err, "out of memory");
		return NULL;
	}
	libbpf_set_print(on_libbpf);
	f->conf = conf;
	if (open_all(f, err) == 0)
		return f;
	forward_close(f);
	return NULL;
}

void forward_close(struct forward *f)
{
	unsigned i;

	if (!f)
		return;
	for (i = 0; i < f->n_hooks; i++)
		hook_detach(&f->hooks[i]);
	ring_buffer__free(f->ring);
	toobig_close(f->toobig);
	hops_close(f->hops);
	router_bpf__destroy(f->bpf);
	free(f);
}

/* ---- the table ---- */

/* Put a new inner map in place of the old one, which lives on until the last
 * packet that found it is through. */
static int replace_table(struct forward *f, unsigned n, struct err *err)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "wccp_table", sizeof(__u32),
				sizeof(struct router_entry), ROUTER_MAX_SERVICES, NULL);
	__u32 i, zero = 0;
	int r = 0;

	if (fd < 0)
		return err_set(err, "eBPF table: %s", strerror(errno));
	for (i = 0; i < n && r == 0; i++)
		r = bpf_map_update_elem(fd, &i, &f->next[i], BPF_ANY);
	if (r == 0)
		r = bpf_map_update_elem(bpf_map__fd(f->bpf->maps.tables), &zero, &fd,
					BPF_ANY);
	if (r < 0)
		err_set(err, "eBPF table: %s", strerror(errno));
	close(fd);
	return r < 0 ? -1 : 0;
}

static int route(void *arg, const struct addr *cache, struct hop *out)
{
	return hops_route(arg, cache, out);
}

/* f->next, whose number of entries is returned, and all that goes with it. */
static unsigned build_table(struct forward *f, const struct router_status *status)
{
	unsigned i, n, n_services = f->conf->n_services;

	for (i = 0; i < n_services; i++)
		f->families[i] =
			table_family(&f->conf->services[i], &status[i], f->families[i]);
	n = table_build(f->conf, status, f->families, route, f->hops, f->next,
			f->lookups.next);
	lookups_number(&f->lookups, f->next, n);
	tally_follow(&f->tally, status, n_services);
	tally_number(&f->tally, f->next, n);
	return n;
}

int forward_apply(struct forward *f, const struct router_status *status,
		  struct err *err)
{
	unsigned n;

	refresh_hooks(f);
	n = build_table(f, status);
	/* Who is a member must be known before its bucket is in force. */
	if (known_follow(&f->known, status, f->conf->n_services, f->hops, err) < 0)
		return -1;
	if (memcmp(f->table, f->next, sizeof(f->table)) == 0)
		return 0;
	if (lookups_put(&f->lookups, err) < 0)
		return -1;
	if (replace_table(f, n, err) < 0) {
		lookups_drop(&f->lookups);
		return -1;
	}
	/* Replacing an inner map waits for the packets that work by the old one. */
	lookups_settle(&f->lookups);
	memcpy(f->table, f->next, sizeof(f->table));
	return 0;
}

bool forward_is_on_link(const struct forward *f, const struct addr *a)
{
	struct hop hop;

	return hops_route(f->hops, a, &hop) == 0 && hop.on_link;
}

int forward_changes_fd(const struct forward *f)
{
	return hops_fd(f->hops);
}

void forward_changes_seen(struct forward *f)
{
	hops_drain(f->hops);
}

int forward_events_fd(const struct forward *f)
{
	return ring_buffer__epoll_fd(f->ring);
}

void forward_events_handle(struct forward *f)
{
	ring_buffer__consume(f->ring);
}

/* ---- counters ---- */

int forward_packets(const struct forward *f, unsigned number,
		    struct router_packets *out)
{
	return tally_packets(&f->tally, number, out);
}

int forward_cache_packets(const struct forward *f, unsigned number,
			  const struct addr *cache, struct router_cache_packets *out)
{
	return tally_cache_packets(&f->tally, number, cache, out);
}

int forward_bucket_packets(const struct forward *f, unsigned number,
			   uint64_t out[WCCP_BUCKETS])
{
	return tally_bucket_packets(&f->tally, number, out);
}
