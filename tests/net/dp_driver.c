/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data plane on a leash, for tests/net/test_dp.py: reads a plan in lines from
 * standard input, applies it, answers each command with one line.
 *
 *   reset                                        forget the plan
 *   interface NAME | tc-priority N | self IP | mark MARK MASK TABLE | delivery NAME
 *   service TYPE ID PRIORITY PROTOCOL FLAGS POOL DROP [PORT...]
 *   handover SERVICE BUCKET IP                   bucket -1: all
 *   pool NAME [SPREAD] | instance POOL NAME WEIGHT TAKES | listener POOL INSTANCE PID FD INODE
 *   router SERVICE ID ADDRESS FORWARD RETURN | fellow IP
 *   apply                                        "ok TROUBLE" or "error TEXT"
 *   counters SERVICE | given POOL                figures
 *
 * At the end of the input it closes the data plane and says "closed".
 */
#include "dp/dp.h"
#include "rtnl/rtnl_monitor.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct plan plan;
static struct dp *dp;
static struct rtnl_monitor *monitor;

static struct addr address(const char *text)
{
	struct addr a;

	if (!text || addr_parse(text, &a) < 0) {
		fprintf(stderr, "not an address: %s\n", text ? text : "");
		exit(2);
	}
	return a;
}

static char *word(void)
{
	return strtok(NULL, " \n");
}

static unsigned long number(void)
{
	char *w = word();

	if (!w) {
		fprintf(stderr, "a number is missing\n");
		exit(2);
	}
	return strtoul(w, NULL, 0);
}

static void set_interface(void)
{
	plan.n_interfaces = 1;
	plan.rule_priority = 100;
	snprintf(plan.interfaces[0], sizeof(plan.interfaces[0]), "%s", word());
}

static void set_tc_priority(void)
{
	plan.tc_priority = (uint32_t)number();
}

static void set_self(void)
{
	plan.self = address(word());
}

static void set_mark(void)
{
	plan.mark = (uint32_t)number();
	plan.mark_mask = (uint32_t)number();
	plan.table = (uint32_t)number();
}

static void set_delivery(void)
{
	snprintf(plan.delivery_interface, sizeof(plan.delivery_interface), "%s", word());
}

static void add_service(void)
{
	struct plan_service *s = &plan.services[plan.n_services++];
	char *port;

	s->service.type = (uint8_t)number();
	s->service.id = (uint8_t)number();
	s->service.priority = (uint8_t)number();
	s->service.protocol = (uint8_t)number();
	s->service.flags = (uint32_t)number();
	s->pool = (unsigned)number();
	s->drop_when_down = number();
	for (unsigned i = 0; i < WCCP_MAX_PORTS && (port = word()); i++)
		s->service.ports[i] = (uint16_t)atoi(port);
}

static void set_handover(void)
{
	struct plan_service *s = &plan.services[number()];
	long bucket = strtol(word(), NULL, 0);
	struct addr to = address(word());

	s->n_slots = WCCP_BUCKETS;
	for (long b = 0; b < WCCP_BUCKETS; b++)
		if (bucket < 0 || b == bucket)
			s->handover[b] = to;
}

static void add_pool(void)
{
	struct plan_pool *p = &plan.pools[plan.n_pools++];

	const char *spread;

	snprintf(p->name, sizeof(p->name), "%s", word());
	spread = word();
	p->spread = spread ? (enum plan_spread)strtoul(spread, NULL, 0) : PLAN_SPREAD_FLOW;
}

static void add_instance(void)
{
	struct plan_pool *p = &plan.pools[number()];
	struct plan_instance *i = &p->instances[p->n_instances++];

	snprintf(i->name, sizeof(i->name), "%s", word());
	i->weight = (uint16_t)number();
	i->takes = number();
}

static void add_listener(void)
{
	struct plan_pool *p = &plan.pools[number()];
	struct plan_listener *l = &p->listeners[p->n_listeners++];

	l->instance = (uint16_t)number();
	l->pid = (pid_t)number();
	l->fd = (int)number();
	l->inode = number();
}

static void add_router(void)
{
	struct plan_router *r = &plan.routers[plan.n_routers++];

	r->service = (unsigned)number();
	r->id = address(word());
	r->address = address(word());
	r->forward = (uint32_t)number();
	r->ret = (uint32_t)number();
}

static void add_fellow(void)
{
	plan.other_caches[plan.n_other_caches++] = address(word());
}

static void reset(void)
{
	memset(&plan, 0, sizeof(plan));
}

/* As the daemon does: again whenever a neighbour has changed, for as long as the data
 * plane waits for one. */
static void apply(void)
{
	struct pollfd changed = { rtnl_monitor_fd(monitor), POLLIN, 0 };
	struct err err;
	int rc;

	rtnl_monitor_read(monitor);
	do {
		rc = dp_apply(dp, &plan, &err);
	} while (rc == 0 && dp_is_waiting(dp) && poll(&changed, 1, 10000) == 1 &&
		 (rtnl_monitor_read(monitor), true));
	if (rc < 0)
		printf("error %s\n", err.text);
	else
		printf("ok %s\n", dp_trouble(dp));
}

static void tell_counters(void)
{
	struct dp_counters c;

	if (dp_get_counters(dp, (unsigned)number(), &c) < 0) {
		printf("error\n");
		return;
	}
	printf("redirected=%" PRIu64 " octets=%" PRIu64 " delivered=%" PRIu64
	       " new=%" PRIu64 " returned=%" PRIu64 " handed=%" PRIu64
	       " dropped=%" PRIu64 " completed=%" PRIu64,
	       c.redirected, c.redirected_octets, c.delivered, c.new_flows, c.returned,
	       c.handed_over, c.dropped, c.completed);
	for (unsigned i = 0; dp_reason_name(i); i++)
		printf(" %s=%" PRIu64, dp_reason_name(i), c.by_reason[i]);
	printf("\n");
}

static void tell_given(void)
{
	unsigned pool = (unsigned)number();
	uint64_t given[PLAN_MAX_INSTANCES];

	if (dp_get_new_connections(dp, &plan, pool, given) < 0) {
		printf("error\n");
		return;
	}
	for (unsigned i = 0; i < plan.pools[pool].n_instances; i++)
		printf("%s%" PRIu64, i ? " " : "", given[i]);
	printf("\n");
}

static const struct {
	const char *name;
	void (*run)(void);
	bool answers;
} commands[] = {
	{ "reset", reset, false },	     { "interface", set_interface, false },
	{ "tc-priority", set_tc_priority, false },
	{ "self", set_self, false },	     { "mark", set_mark, false },
	{ "delivery", set_delivery, false },
	{ "service", add_service, false },   { "handover", set_handover, false },
	{ "pool", add_pool, false },	     { "instance", add_instance, false },
	{ "listener", add_listener, false }, { "router", add_router, false },
	{ "fellow", add_fellow, false },     { "apply", apply, true },
	{ "counters", tell_counters, true }, { "given", tell_given, true },
};

static void execute(char *line)
{
	char *name = strtok(line, " \n");

	for (unsigned i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name)) {
			commands[i].run();
			if (!commands[i].answers)
				printf("done\n");
			return;
		}
	fprintf(stderr, "no such command: %s\n", name ? name : "");
	exit(2);
}

int main(void)
{
	char line[512];
	struct err err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (rtnl_monitor_open(&monitor, RTNL_NEIGHBOUR, &err) < 0 ||
	    dp_open(&dp, "none", ADDR_V4, &err) < 0) {
		printf("error %s\n", err.text);
		return 1;
	}
	printf("open\n");
	while (fgets(line, sizeof(line), stdin))
		execute(line);
	dp_close(dp);
	rtnl_monitor_close(monitor);
	printf("closed\n");
	return 0;
}
