/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the configuration to the interfaces that get wccprouter's filters. */
#include "wccprouter/forward/hook_list.h"

#include "bpf/router/router_maps.h"
#include "suite.h"

#include <string.h>

static struct routerd_conf conf;
static struct tc_hook hooks[ROUTERD_ALL_INTERFACES];

static void add(struct routerd_interfaces *list, const char *name)
{
	strcpy(list->names[list->n++], name);
}

static const struct tc_hook *hook(unsigned n, const char *name)
{
	for (unsigned i = 0; i < n; i++)
		if (strcmp(hooks[i].name, name) == 0)
			return &hooks[i];
	ck_abort_msg("%s is not there", name);
}

/* 61 and 62 on two interfaces, one of which is the web-caches' own, too. */
TEST(services_have_bits)
{
	const struct tc_hook *h;
	unsigned n;

	memset(&conf, 0, sizeof(conf));
	memset(hooks, 0, sizeof(hooks));
	conf.n_services = 64;
	add(&conf.services[0].redirect_in, "lan");
	add(&conf.services[63].redirect_in, "wan");
	add(&conf.services[63].redirect_out, "lan");
	add(&conf.services[5].redirect_out, "lan");
	add(&conf.caches_in, "lan");
	add(&conf.caches_in, "bx1");
	add(&conf.excluded_in, "lab");
	n = hook_list_render(&conf, hooks);
	ck_assert_uint_eq(n, 4);
	h = hook(n, "lan");
	ck_assert_uint_eq(h->roles,
			  ROUTER_IF_REDIRECT | ROUTER_IF_OUT | ROUTER_IF_CACHES);
	ck_assert_uint_eq(h->in, 1);
	ck_assert_uint_eq(h->out, 1ull << 63 | 1 << 5);
	h = hook(n, "wan");
	ck_assert_uint_eq(h->roles, ROUTER_IF_REDIRECT);
	ck_assert_uint_eq(h->in, 1ull << 63);
	ck_assert_uint_eq(h->out, 0);
	h = hook(n, "bx1");
	ck_assert_uint_eq(h->roles, ROUTER_IF_CACHES);
	ck_assert(h->in == 0 && h->out == 0);
	ck_assert_uint_eq(hook(n, "lab")->roles, ROUTER_IF_EXCLUDED);
}
