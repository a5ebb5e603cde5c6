/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router: capabilities.  Forwarding and return are agreed with each web-cache;
 * the assignment method and the timers belong to the group, so they freeze with
 * its first member (2.0 sections 4.4 to 4.6, 2.01 section 3.5).
 */
#include "core/router/router_impl.h"

static const struct router_agreement defaults = {
	.assign = WCCP_ASSIGN_HASH,
	.transmit_t_ms = WCCP_TRANSMIT_T_MS,
	.timeout_scale = 1,
	.ra_scale = 1,
};

void router_capabilities_reset(struct router *r)
{
	r->agreed = defaults;
}

int64_t router_tb_ms(const struct router *r)
{
	return (int64_t)r->agreed.timeout_scale * r->agreed.transmit_t_ms;
}

int64_t router_rb_ms(const struct router *r)
{
	return (int64_t)r->agreed.ra_scale * r->agreed.transmit_t_ms;
}

int64_t router_longest_tb_ms(const struct router *r)
{
	if (!r->conf.advertise_timers)
		return (int64_t)defaults.timeout_scale * defaults.transmit_t_ms;
	return (int64_t)r->conf.timer_scale.timeout_upper * r->conf.transmit_t.upper_ms;
}

static bool router_capability_stated(const struct wccp_msg *msg,
				     enum wccp_capability which)
{
	return wccp_has(msg, WCCP_C_CAPABILITIES) &&
	       msg->capabilities.present >> which & 1;
}

static bool router_method_is_one_of(uint32_t method, uint32_t supported)
{
	return method && !(method & (method - 1)) && (method & supported);
}

static bool router_timer_between(unsigned value, unsigned lower, unsigned upper)
{
	return value >= lower && value <= upper;
}

/* Are the timers within what we advertise?  If we advertise none, only the defaults
 * are. */
static bool router_timers_fit(const struct router *r, const struct router_agreement *a)
{
	const struct wccp_cap_transmit_t *t = &r->conf.transmit_t;
	const struct wccp_cap_timer_scale *s = &r->conf.timer_scale;

	if (!r->conf.advertise_timers)
		return a->transmit_t_ms == defaults.transmit_t_ms &&
		       a->timeout_scale == defaults.timeout_scale &&
		       a->ra_scale == defaults.ra_scale;
	return router_timer_between(a->transmit_t_ms, t->lower_ms, t->upper_ms) &&
	       router_timer_between(a->timeout_scale, s->timeout_lower,
				    s->timeout_upper) &&
	       router_timer_between(a->ra_scale, s->ra_lower, s->ra_upper);
}

static bool router_timers_equal(const struct router_agreement *a,
				const struct router_agreement *b)
{
	return a->transmit_t_ms == b->transmit_t_ms &&
	       a->timeout_scale == b->timeout_scale && a->ra_scale == b->ra_scale;
}

static void router_capabilities_fill(const struct wccp_msg *msg,
				     struct router_choice *out)
{
	const struct wccp_capabilities *capabilities = &msg->capabilities;

	out->forward = out->ret = WCCP_METHOD_GRE;
	out->agreement = defaults;
	if (router_capability_stated(msg, WCCP_CAP_FORWARD))
		out->forward = capabilities->forward;
	if (router_capability_stated(msg, WCCP_CAP_RETURN))
		out->ret = capabilities->ret;
	if (router_capability_stated(msg, WCCP_CAP_ASSIGN))
		out->agreement.assign = capabilities->assign;
	if (router_capability_stated(msg, WCCP_CAP_TRANSMIT_T))
		out->agreement.transmit_t_ms = capabilities->transmit_t.lower_ms;
	if (router_capability_stated(msg, WCCP_CAP_TIMER_SCALE)) {
		out->agreement.timeout_scale = capabilities->timer_scale.timeout_lower;
		out->agreement.ra_scale = capabilities->timer_scale.ra_lower;
	}
}

const char *router_capabilities_choice(const struct router_call *c,
				       struct router_choice *out)
{
	const struct router *r = c->r;
	const struct wccp_msg *msg = c->msg;

	router_capabilities_fill(msg, out);
	if (!router_method_is_one_of(out->forward, r->conf.forward & c->methods))
		return "forwarding method";
	if (!router_method_is_one_of(out->ret, r->conf.ret & c->methods))
		return "return method";
	if (!router_method_is_one_of(out->agreement.assign, r->conf.assign))
		return "assignment method";
	if (r->n_usable && out->agreement.assign != r->agreed.assign)
		return "assignment method, the group has another";
	if ((router_capability_stated(msg, WCCP_CAP_TRANSMIT_T) &&
	     msg->capabilities.transmit_t.is_range) ||
	    (router_capability_stated(msg, WCCP_CAP_TIMER_SCALE) &&
	     msg->capabilities.timer_scale.is_range))
		return "timers, stated as a range";
	if (!router_timers_fit(r, &out->agreement))
		return "timers";
	if (r->n_usable && !router_timers_equal(&out->agreement, &r->agreed))
		return "timers, the group has others";
	return NULL;
}

static void router_capabilities_offer_timers(const struct router *r,
					     struct wccp_capabilities *out)
{
	const struct router_agreement *a = &r->agreed;

	out->present |= 1u << WCCP_CAP_TRANSMIT_T | 1u << WCCP_CAP_TIMER_SCALE;
	if (!r->n_usable) {
		out->transmit_t = r->conf.transmit_t;
		out->timer_scale = r->conf.timer_scale;
		return;
	}
	out->transmit_t = (struct wccp_cap_transmit_t){
		.lower_ms = (uint16_t)a->transmit_t_ms,
		.upper_ms = (uint16_t)a->transmit_t_ms,
	};
	out->timer_scale = (struct wccp_cap_timer_scale){
		.timeout_lower = a->timeout_scale,
		.timeout_upper = a->timeout_scale,
		.ra_lower = a->ra_scale,
		.ra_upper = a->ra_scale,
	};
}

void router_capabilities_offer(const struct router_call *c,
			       struct wccp_capabilities *out)
{
	const struct router *r = c->r;

	out->present =
		1u << WCCP_CAP_FORWARD | 1u << WCCP_CAP_ASSIGN | 1u << WCCP_CAP_RETURN;
	out->forward = r->conf.forward & c->methods;
	out->ret = r->conf.ret & c->methods;
	/* A method that the others do not use is of no use to a new web-cache. */
	out->assign = r->n_usable ? r->agreed.assign : r->conf.assign;
	if (r->conf.advertise_timers)
		router_capabilities_offer_timers(r, out);
}

void router_offer_timers(struct router_conf *conf, uint16_t lower_ms, uint16_t upper_ms)
{
	conf->advertise_timers = true;
	conf->transmit_t = (struct wccp_cap_transmit_t){
		.is_range = lower_ms != upper_ms,
		.lower_ms = lower_ms,
		.upper_ms = upper_ms,
	};
	conf->timer_scale = (struct wccp_cap_timer_scale){
		.is_range = true,
		.timeout_lower = 1,
		.timeout_upper = 5,
		.ra_lower = 1,
		.ra_upper = 5,
	};
}
