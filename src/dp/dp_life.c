/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/dp_life.h"

#include "dp/dp_saved.h"
#include "dp/egress/egress.h"
#include "dp/ingress/ingress.h"
#include "dp/link/link.h"
#include "dp/steer/steer.h"
#include "kernel/features.h"
#include "kernel/layout.h"
#include "kernel/pins.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static int dp_silence_libbpf(enum libbpf_print_level level, const char *format,
			     va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* It cannot be guessed, so nobody else can send what looks like a proof. */
static int dp_choose_proof_mac(struct dp *dp, struct err *err)
{
	uint8_t *mac = dp->facts.proof_mac;

	if (getrandom(mac, sizeof(dp->facts.proof_mac), 0) !=
	    (ssize_t)sizeof(dp->facts.proof_mac))
		return err_set(err, "no random numbers: %s", strerror(errno));
	mac[0] = (uint8_t)((mac[0] | 0x02) & ~0x01); /* locally administered, unicast */
	return 0;
}

static int dp_open_pins(struct dp *dp, const char *directory, struct err *err)
{
	const struct pins_spec spec = {
		.directory = directory,
		.name = "wccpd",
		/* Keys of maps are addresses of the family. */
		.layout = pins_layout(LAYOUT_DP) + (dp->family == ADDR_V6),
		.saved_size = sizeof(*dp->saved),
	};
	const void *saved;

	dp->saved = calloc(1, sizeof(*dp->saved));
	if (!dp->saved)
		return err_set(err, "out of memory");
	dp->pins = pins_open(&spec, err);
	if (!dp->pins)
		return -1;
	saved = pins_saved(dp->pins);
	if (saved)
		memcpy(dp->saved, saved, sizeof(*dp->saved));
	return 0;
}

/* Without an interface, steering is all that there was. */
static bool dp_saved_redirects(const struct dp_saved *saved)
{
	return saved->plan.n_interfaces || saved->plan.any_interface;
}

static int dp_note_earlier(struct dp *dp, const struct dp_saved *saved, struct err *err)
{
	dp->redirects = true;
	if (!saved || !steer_in_force(dp->steer) ||
	    (dp_saved_redirects(saved) && !ingress_in_force(dp->ingress))) {
		if (steer_is_attached(dp->steer))
			dp->earlier = DP_EARLIER_UNKNOWN;
		return 0;
	}
	dp->earlier = DP_EARLIER_KNOWN;
	dp->connections = saved->connections;
	dp->earlier_plan = malloc(sizeof(*dp->earlier_plan));
	if (!dp->earlier_plan)
		return err_set(err, "out of memory");
	*dp->earlier_plan = saved->plan;
	return 0;
}

static int dp_open_drivers(struct dp *dp, struct err *err)
{
	const struct dp_saved *saved = pins_saved(dp->pins) ? dp->saved : NULL;
	struct steer_maps maps;

	if (link_new(&dp->link, err) < 0 ||
	    steer_new(&dp->steer, dp->pins, saved ? &saved->steer : NULL, err) < 0)
		return -1;
	maps = steer_maps(dp->steer);
	if (egress_new(&dp->egress, maps.own_prefixes, maps.own_prefixes6, dp->pins,
		       saved ? &saved->egress : NULL, err) < 0 ||
	    ingress_new(&dp->ingress, dp->family, &maps, dp->pins,
			saved ? &saved->ingress : NULL, err) < 0)
		return -1;
	prover_init(&dp->prover, dp->family, maps.proofs, maps.sinks);
	return dp_note_earlier(dp, saved, err);
}

static void dp_free_drivers(struct dp *dp)
{
	prover_free(&dp->prover);
	ingress_free(dp->ingress);
	egress_free(dp->egress);
	steer_free(dp->steer);
	link_free(dp->link);
}

static void dp_free(struct dp *dp)
{
	free(dp->earlier_plan);
	free(dp->saved);
	free(dp);
}

int dp_open(struct dp **out, const char *pin_directory, unsigned family, struct err *err)
{
	struct dp *dp = calloc(1, sizeof(*dp));

	if (!dp)
		return err_set(err, "data plane: out of memory");
	dp->family = family;
	libbpf_set_print(dp_silence_libbpf); /* what went wrong is in `err` */
	if (kernel_check(err) < 0 || dp_choose_proof_mac(dp, err) < 0 ||
	    dp_open_pins(dp, pin_directory, err) < 0 || dp_open_drivers(dp, err) < 0) {
		dp_leave(dp);
		return err_prefix(err, "data plane");
	}
	*out = dp;
	return 0;
}

void dp_clear_redirection(struct dp *dp, uint32_t table)
{
	if (!dp->redirects)
		return;
	egress_clear(dp->egress);
	ingress_clear(dp->ingress);
	link_forget(dp->link, table);
	dp->redirects = false;
}

void dp_clear(struct dp *dp)
{
	egress_clear(dp->egress);
	ingress_clear(dp->ingress);
	steer_clear(dp->steer);
	link_clear(dp->link);
	dp->redirects = false;
}

void dp_leave(struct dp *dp)
{
	if (!dp)
		return;
	/* One half without the other would only return packets. */
	if (dp->ingress && pins_state(dp->pins) == PINS_NONE)
		dp_clear(dp);
	dp_free_drivers(dp);
	if (dp->pins && pins_state(dp->pins) == PINS_FRESH)
		pins_remove(dp->pins); /* there is nothing to be adopted */
	else if (dp->pins)
		pins_close(dp->pins);
	dp_free(dp);
}

void dp_close(struct dp *dp)
{
	if (!dp)
		return;
	dp_clear(dp);
	dp_free_drivers(dp);
	pins_remove(dp->pins);
	dp_free(dp);
}

unsigned dp_family(const struct dp *dp)
{
	return dp->family;
}

bool dp_sees_queues(const struct dp *dp)
{
	return steer_sees_queues(dp->steer);
}

const char *dp_pins_text(const struct dp *dp, bool *none)
{
	*none = pins_state(dp->pins) == PINS_NONE;
	return pins_text(dp->pins);
}

enum dp_earlier dp_earlier(const struct dp *dp)
{
	return dp->earlier;
}

const struct plan *dp_earlier_plan(const struct dp *dp)
{
	return dp->earlier_plan;
}

/* What the next process adopts if this one ends here. */
void dp_save(struct dp *dp, const struct plan *plan)
{
	struct dp_saved *s = dp->saved;
	struct err err = { "" };

	steer_save(dp->steer, &s->steer);
	ingress_save(dp->ingress, &s->ingress);
	egress_save(dp->egress, &s->egress);
	s->connections = dp->connections;
	s->plan = *plan;
	s->plan.bypass = NULL; /* the next process reads its own */
	pins_save(dp->pins, s);
	if (pins_publish(dp->pins, &err) < 0)
		err_set(&dp->trouble, "%s", err.text);
}
