/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the router's document. */
#include "wccprouter/show/show_view.h"

#include "json_get.h"

#include <stdio.h>
#include <string.h>

/* -- what is asked for ------------------------------------------------------------- */

static const struct {
	const char *word;
	enum show_view view;
} views[] = {
	{ "clients", SHOW_CLIENTS },
	{ "detail", SHOW_DETAIL },
	{ "view", SHOW_VIEW },
	{ "buckets", SHOW_BUCKETS },
};

static int show_view_parse_view(const char *word, enum show_view *out, struct err *err)
{
	size_t i;

	for (i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (strcmp(views[i].word, word) == 0) {
			*out = views[i].view;
			return 0;
		}
	return err_set(err,
		       "no view \"%s\": there are clients, detail, view and buckets",
		       word);
}

int show_view_parse(unsigned n, char *const *words, struct show_request *out,
		    struct err *err)
{
	*out = (struct show_request){ .view = n ? SHOW_SERVICE : SHOW_ALL };
	if (n > 2)
		return err_set(err, "show: \"%s\" is one word too many", words[2]);
	if (n == 0)
		return 0;
	if (strcmp(words[0], "global") == 0) {
		out->view = SHOW_GLOBAL;
		return n == 1 ? 0 : err_set(err, "show global: it has no views");
	}
	if (strcmp(words[0], "problems") == 0) {
		out->view = SHOW_PROBLEMS;
		return n == 1 ? 0 : err_set(err, "show problems: it has no views");
	}
	out->service = words[0];
	return n == 1 ? 0 : show_view_parse_view(words[1], &out->view, err);
}

/* -- one service ------------------------------------------------------------------- */

static int show_view_refuse(const json_t *services, const char *name, struct err *err)
{
	char known[192] = "";
	size_t used = 0, i;

	for (i = 0; i < json_array_size(services) && used < sizeof(known); i++)
		used += (size_t)snprintf(
			known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
			json_get_text(json_array_get(services, i), "name"));
	return err_set(err, "no service \"%.32s\" is configured: there is %s", name,
		       known);
}

int show_view_find(const json_t *all, const char *service, struct err *err)
{
	const json_t *services = json_get_member(all, "services"), *s;
	size_t i;

	json_array_foreach((json_t *)services, i, s)
	{
		if (strcmp(json_get_text(s, "name"), service) == 0)
			return (int)i;
	}
	return show_view_refuse(services, service, err);
}

/* -- parts ------------------------------------------------------------------------- */

static void show_view_copy(json_t *to, const json_t *from, const char *key)
{
	json_object_set(to, key, json_object_get(from, key));
}

static json_t *show_view_global_part(const json_t *all)
{
	json_t *o = json_copy((json_t *)all);

	json_object_del(o, "services");
	return o;
}

static json_t *show_view_problems_part(const json_t *all)
{
	json_t *list = json_object_get(all, "problems");

	return list ? json_incref(list) : json_array();
}

static json_t *show_view_clients_part(const json_t *s)
{
	json_t *o = json_object();

	show_view_copy(o, s, "name");
	show_view_copy(o, s, "clients");
	return o;
}

static json_t *show_view_visible(const json_t *s, bool usable)
{
	json_t *list = json_array();
	const json_t *c;
	size_t i;

	json_array_foreach((json_t *)json_get_member(s, "clients"), i, c)
	{
		if ((strcmp(json_get_text(c, "state"), "Usable") == 0) == usable)
			json_array_append(list, json_object_get(c, "address"));
	}
	return list;
}

static json_t *show_view_seen_part(const json_t *all, const json_t *s)
{
	json_t *o = json_object();

	show_view_copy(o, s, "name");
	show_view_copy(o, all, "router_id");
	show_view_copy(o, s, "member_change");
	show_view_copy(o, s, "routers");
	json_object_set_new(o, "clients_visible", show_view_visible(s, true));
	json_object_set_new(o, "clients_not_visible", show_view_visible(s, false));
	return o;
}

static json_t *show_view_buckets_part(const json_t *s)
{
	json_t *o = json_object();

	show_view_copy(o, s, "name");
	show_view_copy(o, s, "by_mask");
	show_view_copy(o, s, "assigned");
	show_view_copy(o, s, "assigned_by");
	show_view_copy(o, s, "key_change");
	if (!json_get_true(s, "by_mask")) {
		show_view_copy(o, s, "buckets");
		return o;
	}
	show_view_copy(o, s, "masks");
	show_view_copy(o, s, "mask_slots");
	show_view_copy(o, s, "clients");
	return o;
}

json_t *show_view_select(const json_t *all, const struct show_request *r,
			 struct err *err)
{
	const json_t *s;
	int i;

	if (r->view == SHOW_ALL)
		return json_incref((json_t *)all);
	if (r->view == SHOW_GLOBAL)
		return show_view_global_part(all);
	if (r->view == SHOW_PROBLEMS)
		return show_view_problems_part(all);
	i = show_view_find(all, r->service, err);
	if (i < 0)
		return NULL;
	s = json_array_get(json_get_member(all, "services"), (size_t)i);
	switch (r->view) {
	case SHOW_CLIENTS:
		return show_view_clients_part(s);
	case SHOW_VIEW:
		return show_view_seen_part(all, s);
	case SHOW_BUCKETS:
		return show_view_buckets_part(s);
	default:
		return json_incref((json_t *)s);
	}
}
