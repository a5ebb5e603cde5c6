/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of interfaces of wccprouter.conf. */
#include "wccprouter/conf/routerd_conf_interfaces.h"

#include <string.h>

/* -- reading ----------------------------------------------------------------------- */

static int routerd_conf_interfaces_read_list(struct reader *r, cfg_t *section,
					     const char *name,
					     struct routerd_interfaces *out)
{
	unsigned n = cfg_size(section, name);

	if (n > ROUTERD_MAX_INTERFACES)
		return read_fail_item(r, section, name, ROUTERD_MAX_INTERFACES,
				      "%s: more than %d interfaces", name,
				      ROUTERD_MAX_INTERFACES);
	for (unsigned i = 0; i < n; i++) {
		const char *text = cfg_getnstr(section, name, i);

		if (!*text || strlen(text) >= IF_NAMESIZE || strpbrk(text, "/ \t\n"))
			return read_fail_item(
				r, section, name, i,
				"%s: \"%s\" is not the name of an interface", name,
				text);
		strcpy(out->names[i], text);
	}
	out->n = n;
	return 0;
}

int routerd_conf_interfaces_read(struct reader *r, struct routerd_conf *out)
{
	if (routerd_conf_interfaces_read_list(r, r->root, "redirect-in",
					      &out->redirect_in) < 0 ||
	    routerd_conf_interfaces_read_list(r, r->root, "redirect-out",
					      &out->redirect_out) < 0 ||
	    routerd_conf_interfaces_read_list(r, r->root, "exclude-in",
					      &out->excluded_in) < 0 ||
	    routerd_conf_interfaces_read_list(r, r->root, "caches-in",
					      &out->caches_in) < 0)
		return -1;
	if (cfg_size(r->root, "service") == 0 && out->redirect_out.n == 0 &&
	    read_require(r, r->root, "redirect-in") < 0)
		return -1;
	return read_require(r, r->root, "caches-in");
}

int routerd_conf_interfaces_read_service(struct reader *r, cfg_t *section,
					 const struct routerd_conf *conf,
					 struct routerd_conf_service *out)
{
	if (routerd_conf_interfaces_read_list(r, section, "redirect-in",
					      &out->redirect_in) < 0 ||
	    routerd_conf_interfaces_read_list(r, section, "redirect-out",
					      &out->redirect_out) < 0)
		return -1;
	if (out->redirect_in.n || out->redirect_out.n)
		return 0;
	out->redirect_in = conf->redirect_in;
	out->redirect_out = conf->redirect_out;
	if (out->redirect_in.n || out->redirect_out.n)
		return 0;
	return read_require(r, r->root, "redirect-in");
}

/* -- do they go together? ---------------------------------------------------------- */

static bool routerd_conf_interfaces_has(const struct routerd_interfaces *list,
					const char *name)
{
	for (unsigned i = 0; i < list->n; i++)
		if (strcmp(list->names[i], name) == 0)
			return true;
	return false;
}

/* An interface cannot be both redirected and excluded. */
static int routerd_conf_interfaces_check_excluded(struct reader *r,
						  const struct routerd_conf *c)
{
	bool any_out = false;

	for (unsigned s = 0; s < c->n_services; s++)
		any_out |= c->services[s].redirect_out.n > 0;
	if (c->excluded_in.n && !any_out)
		return read_fail(r, r->root, "exclude-in",
				 "exclude-in: redirect-out is not set");
	for (unsigned i = 0; i < c->excluded_in.n; i++)
		for (unsigned s = 0; s < c->n_services; s++)
			if (routerd_conf_interfaces_has(&c->services[s].redirect_in,
							c->excluded_in.names[i]))
				return read_fail_item(
					r, r->root, "exclude-in", i,
					"exclude-in: %s is in redirect-in, too",
					c->excluded_in.names[i]);
	return 0;
}

/* The interfaces seen so far, each once. */
struct routerd_conf_distinct {
	unsigned n;
	const char *names[ROUTERD_ALL_INTERFACES];
};

static bool routerd_conf_interfaces_add(struct routerd_conf_distinct *all,
					const struct routerd_interfaces *list)
{
	for (unsigned i = 0; i < list->n; i++) {
		unsigned k = 0;

		while (k < all->n && strcmp(all->names[k], list->names[i]) != 0)
			k++;
		if (k == ROUTERD_ALL_INTERFACES)
			return false;
		if (k == all->n)
			all->names[all->n++] = list->names[i];
	}
	return true;
}

int routerd_conf_interfaces_check(struct reader *r, const struct routerd_conf *c)
{
	struct routerd_conf_distinct all = { 0 };
	bool room = routerd_conf_interfaces_add(&all, &c->caches_in) &&
		    routerd_conf_interfaces_add(&all, &c->excluded_in);

	for (unsigned s = 0; room && s < c->n_services; s++)
		room = routerd_conf_interfaces_add(&all, &c->services[s].redirect_in) &&
		       routerd_conf_interfaces_add(&all, &c->services[s].redirect_out);
	if (!room)
		return read_fail(r, r->root, NULL, "more than %d interfaces in all",
				 ROUTERD_ALL_INTERFACES);
	return routerd_conf_interfaces_check_excluded(r, c);
}
