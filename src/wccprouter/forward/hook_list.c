/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interfaces that are to have our filters, from the configuration. */
#include "wccprouter/forward/hook_list.h"

#include "bpf/router/router_maps.h"

#include <string.h>

struct hook_list {
	unsigned n;
	struct tc_hook *hooks;
};

static struct tc_hook *hook_list_find(struct hook_list *list, const char *name)
{
	unsigned i;

	for (i = 0; i < list->n; i++)
		if (strcmp(list->hooks[i].name, name) == 0)
			return &list->hooks[i];
	memcpy(list->hooks[list->n].name, name, IF_NAMESIZE);
	return &list->hooks[list->n++];
}

static void hook_list_add_role(struct hook_list *list,
			       const struct routerd_interfaces *interfaces, uint32_t role)
{
	unsigned i;

	for (i = 0; i < interfaces->n; i++)
		hook_list_find(list, interfaces->names[i])->roles |= role;
}

static void hook_list_add_service(struct hook_list *list,
				  const struct routerd_conf_service *s, unsigned number)
{
	unsigned i;

	hook_list_add_role(list, &s->redirect_in, ROUTER_IF_REDIRECT);
	hook_list_add_role(list, &s->redirect_out, ROUTER_IF_OUT);
	for (i = 0; i < s->redirect_in.n; i++)
		hook_list_find(list, s->redirect_in.names[i])->in |= 1ull << number;
	for (i = 0; i < s->redirect_out.n; i++)
		hook_list_find(list, s->redirect_out.names[i])->out |= 1ull << number;
}

unsigned hook_list_render(const struct routerd_conf *conf, struct tc_hook *out)
{
	struct hook_list list = { .hooks = out };
	unsigned i;

	for (i = 0; i < conf->n_services; i++)
		hook_list_add_service(&list, &conf->services[i], i);
	hook_list_add_role(&list, &conf->caches_in, ROUTER_IF_CACHES);
	hook_list_add_role(&list, &conf->excluded_in, ROUTER_IF_EXCLUDED);
	return list.n;
}
