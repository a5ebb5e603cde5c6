/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/senders/strangers.h"

#include "log.h"

#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

enum {
	STRANGERS_KEY_MAC = 1, /* kinds of key, above an address */
	STRANGERS_KEY_GRE,
	STRANGERS_KEY_ELSEWHERE,
	STRANGERS_KEY_TAKEN, /* frames that count as a router's */
};

enum { STRANGERS_RECENT_MS = 60000 };

struct strangers_mac_text {
	char s[18];
};

static struct strangers_mac_text strangers_mac_text(const uint8_t *mac)
{
	struct strangers_mac_text t;

	snprintf(t.s, sizeof(t.s), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	return t;
}

static uint64_t strangers_key(unsigned kind, uint64_t address)
{
	return (uint64_t)kind << 56 | address;
}

/* -- GRE ----------------------------------------------------------------------------- */

static bool strangers_is_known(const struct plan *plan, const struct addr *from)
{
	for (unsigned i = 0; i < plan->n_routers; i++)
		if (addr_equal(&plan->routers[i].id, from) ||
		    addr_equal(&plan->routers[i].address, from))
			return true;
	for (unsigned i = 0; i < plan->n_sources; i++)
		if (!plan->sources[i].by_mac &&
		    addr_equal(&plan->sources[i].addr, from))
			return true;
	return addr_find(plan->other_caches, plan->n_other_caches, from) >= 0;
}

/* The service that the redirect header names, or any. */
static const char *strangers_service_name(const struct strangers *s,
					  const struct gre_raw_packet *p)
{
	struct wccp_service id = { .type = p->service_type, .id = p->service_id };

	for (unsigned i = 0; i < (*s->conf)->n_services; i++)
		if (wccp_same_group(&(*s->conf)->services[i].group.service, &id))
			return (*s->conf)->services[i].name;
	return NULL;
}

/* A router that we know, but on an interface that we do not watch. */
static void strangers_tell_elsewhere(struct strangers *s,
				     const struct gre_raw_packet *p, struct mono now)
{
	uint64_t key = strangers_key(STRANGERS_KEY_ELSEWHERE, addr_to_v4(&p->from)), n;
	char name[IF_NAMESIZE];

	if (dp_has_link(s->dp, p->ifindex) || !if_indextoname(p->ifindex, name) ||
	    !sightings_add(&s->sightings, key, 1, now, &n))
		return;
	log_event(NOTE_WARNING, "unknown-sender",
		  (struct log_about){ .peer = ADDR_TEXT(&p->from) },
		  "%" PRIu64
		  " redirected packets of router %s came in by %s and are not "
		  "taken: the option interface does not name it",
		  n, ADDR_TEXT(&p->from), name);
}

static void strangers_tell_gre(struct strangers *s, const struct addr *from,
			       const char *service, uint64_t packets, struct mono now)
{
	uint64_t n;

	if (!sightings_add(&s->sightings,
			   strangers_key(STRANGERS_KEY_GRE, addr_to_v4(from)), packets,
			   now, &n))
		return;
	log_event(
		NOTE_WARNING, "unknown-sender",
		(struct log_about){ .service = service, .peer = ADDR_TEXT(from) },
		"%" PRIu64 " redirected packets by GRE came from %s and are not taken: "
		"it is neither id nor address of a router that we know; if it is "
		"one of its addresses, gre-sources = { %s } in service %s admits them",
		n, ADDR_TEXT(from), ADDR_TEXT(from), service ? service : "NAME");
}

void strangers_take_gre(struct strangers *s, const struct gre_raw_packet *p,
			struct mono now)
{
	if (strangers_is_known(s->plan, &p->from))
		strangers_tell_elsewhere(s, p, now);
	else
		strangers_tell_gre(s, &p->from, strangers_service_name(s, p), 1, now);
}

/* -- frames -------------------------------------------------------------------------- */

/* The router to which frames from an unknown MAC address are attributed. */
static const struct plan_router *strangers_l2_router(const struct plan *plan)
{
	for (unsigned i = 0; i < plan->n_routers; i++)
		if (plan->routers[i].forward & WCCP_METHOD_L2)
			return &plan->routers[i];
	return NULL;
}

static void strangers_tell_mac(struct strangers *s, const struct dp_stranger *x,
			       struct mono now)
{
	const struct plan_router *r = strangers_l2_router(s->plan);
	struct strangers_mac_text mac = strangers_mac_text(x->mac);
	unsigned kind = x->taken ? STRANGERS_KEY_TAKEN : STRANGERS_KEY_MAC;
	uint64_t key = 0, n;

	for (unsigned i = 0; i < sizeof(x->mac); i++)
		key = key << 8 | x->mac[i];
	if (!r || !sightings_add(&s->sightings, strangers_key(kind, key),
				 x->packets, now, &n))
		return;
	if (x->taken)
		log_event(NOTE_INFO, "unknown-sender", (struct log_about){ 0 },
			  "%" PRIu64 " frames came from %s, which answers ARP for no "
			  "router that we know: taken as from router %s",
			  n, mac.s, ADDR_TEXT(&r->address));
	else
		log_event(NOTE_WARNING, "unknown-sender", (struct log_about){ 0 },
			  "%" PRIu64 " frames that fit a service came from %s, which "
			  "answers ARP for no router that we know: not taken, because "
			  "this host forwards packets of others "
			  "(net.ipv4.ip_forward); if it is a router's, "
			  "l2-sources = { \"%s\" } in the service admits them",
			  n, mac.s, mac.s);
}

void strangers_look(struct strangers *s, struct mono now)
{
	struct dp_stranger list[DP_MAX_STRANGERS];
	unsigned n = dp_take_strangers(s->dp, list);

	for (unsigned i = 0; i < n; i++)
		if (list[i].by_mac)
			strangers_tell_mac(s, &list[i], now);
		else if (!strangers_is_known(s->plan, &list[i].addr))
			strangers_tell_gre(s, &list[i].addr, NULL, list[i].packets,
					   now);
}

/* -- those of late ------------------------------------------------------------------- */

static void strangers_list_mac(uint64_t key,
			       void (*found)(void *arg, const char *who, const char *text),
			       void *arg)
{
	uint8_t mac[6];

	for (unsigned i = 0; i < sizeof(mac); i++)
		mac[i] = (uint8_t)(key >> 8 * (5 - i));
	found(arg, strangers_mac_text(mac).s,
	      "frames that fit a service come from there and are not taken: it answers ARP "
	      "for no router that we know, and this host forwards packets of others; "
	      "l2-sources admits it");
}

static void strangers_list_gre(const struct strangers *s, uint64_t key,
			       void (*found)(void *arg, const char *who, const char *text),
			       void *arg)
{
	struct addr from = addr_v4((uint32_t)key);

	if (!strangers_is_known(s->plan, &from)) /* it may have become known */
		found(arg, ADDR_TEXT(&from),
		      "redirected packets come from there by GRE and are not taken: it is "
		      "neither id nor address of a router that we know; gre-sources admits "
		      "it");
}

void strangers_list(const struct strangers *s, struct mono now,
		    void (*found)(void *arg, const char *who, const char *text), void *arg)
{
	for (unsigned i = 0; i < s->sightings.n; i++) {
		const struct sighting *x = &s->sightings.list[i];
		struct addr from = addr_v4((uint32_t)x->key);

		if (mono_due(mono_add_ms(x->last, STRANGERS_RECENT_MS), now))
			continue;
		switch (x->key >> 56) {
		case STRANGERS_KEY_MAC:
			strangers_list_mac(x->key, found, arg);
			break;
		case STRANGERS_KEY_GRE:
			strangers_list_gre(s, x->key, found, arg);
			break;
		case STRANGERS_KEY_ELSEWHERE:
			found(arg, ADDR_TEXT(&from),
			      "its redirected packets come in by an interface that the "
			      "option interface does not name, and are not taken");
			break;
		}
	}
}
