/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bypass-clients, bypass-servers: prefixes in the configuration itself, or in files with one
 * on each line.  "!" in front of one makes it an exception.
 */
#include "wccpd/conf/conf_sections.h"

#include "conffile/lines.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A prefix, and where it is written. */
struct bypass_item {
	struct plan_bypass_entry entry;
	const char *path;
	int line;
};

/* What is being read, and what has been. */
struct bypass_draft {
	struct reader *r;
	const char *option, *path;
	enum plan_bypass_set set; /* of IPv4 prefixes */
	unsigned n, room;
	struct bypass_item *list;
};

/* -- one prefix ------------------------------------------------------------------------ */

/* -1; whatever the text has in it, an error is one line. */
static int conf_bypass_fail(const struct bypass_draft *d, const char *path, int line,
			    const char *what)
{
	char text[200];

	snprintf(text, sizeof(text), "%s", what);
	for (char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	return err_set(d->r->err, "%s:%d: %s: %s", path, line, d->option, text);
}

static int conf_bypass_grow(struct bypass_draft *d, int line)
{
	struct bypass_item *grown;
	char text[64];

	if (d->n == PLAN_MAX_BYPASSES) {
		snprintf(text, sizeof(text), "more than %d prefixes in all", PLAN_MAX_BYPASSES);
		return conf_bypass_fail(d, d->path, line, text);
	}
	if (d->n < d->room)
		return 0;
	d->room = d->room ? 2 * d->room : 64;
	grown = realloc(d->list, d->room * sizeof(*grown));
	if (!grown)
		return conf_bypass_fail(d, d->path, line, "out of memory");
	d->list = grown;
	return 0;
}

static int conf_bypass_take(void *arg, const char *text, int line)
{
	struct bypass_draft *d = arg;
	struct plan_bypass_entry e = { .set = d->set, .redirect = *text == '!' };
	struct err why;

	if (addr_prefix_parse(text + e.redirect, &e.prefix, &why) < 0)
		return conf_bypass_fail(d, d->path, line, why.text);
	if (conf_bypass_grow(d, line) < 0)
		return -1;
	if (e.prefix.addr.family == ADDR_V6)
		e.set = (uint8_t)(e.set + PLAN_BYPASS_CLIENTS_V6);
	d->list[d->n++] = (struct bypass_item){ e, d->path, line };
	return 0;
}

/* -- an option ------------------------------------------------------------------------- */

static int conf_bypass_read_option(struct bypass_draft *d, cfg_t *root, const char *option,
				   enum plan_bypass_set set)
{
	unsigned n = cfg_size(root, option);

	d->option = option;
	d->set = set;
	for (unsigned i = 0; i < n; i++) {
		const char *text = cfg_getnstr(root, option, i);
		struct err why = { "" };
		int rc;

		d->path = text[0] == '/' ? text : d->r->path;
		if (text[0] == '/')
			rc = lines_read(text, conf_bypass_take, d, &why);
		else
			rc = conf_bypass_take(d, text, read_line_of(d->r, root, option, i));
		if (why.text[0])
			return read_fail_item(d->r, root, option, i, "%s: %s", option,
					      why.text);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* -- all ------------------------------------------------------------------------------- */

static int conf_bypass_compare(const void *a, const void *b)
{
	const struct plan_bypass_entry *x = &((const struct bypass_item *)a)->entry,
				       *y = &((const struct bypass_item *)b)->entry;

	if (x->set != y->set)
		return x->set - y->set;
	if (x->prefix.bits != y->prefix.bits)
		return x->prefix.bits - y->prefix.bits;
	return addr_compare(&x->prefix.addr, &y->prefix.addr);
}

/* That a prefix is listed twice does no harm where lists come from several places, but
 * not if one of them is an exception. */
static int conf_bypass_unite(struct bypass_draft *d)
{
	unsigned kept = 0;

	qsort(d->list, d->n, sizeof(*d->list), conf_bypass_compare);
	for (unsigned i = 0; i < d->n; i++) {
		const struct bypass_item *it = &d->list[i],
					 *last = kept ? &d->list[kept - 1] : NULL;

		if (!last || conf_bypass_compare(last, it) != 0) {
			d->list[kept++] = *it;
		} else if (last->entry.redirect != it->entry.redirect) {
			d->option = it->entry.set % 2 == PLAN_BYPASS_CLIENTS
					    ? "bypass-clients"
					    : "bypass-servers";
			return err_set(d->r->err, "%s:%d: %s: %s is listed with and without "
						  "\"!\", here and at %s:%d",
				       it->path, it->line, d->option,
				       ADDR_PREFIX_TEXT(&it->entry.prefix), last->path,
				       last->line);
		}
	}
	d->n = kept;
	return 0;
}

static int conf_bypass_finish(struct bypass_draft *d, struct conf *out)
{
	struct plan_bypass *made;

	if (d->n == 0)
		return 0;
	if (conf_bypass_unite(d) < 0)
		return -1;
	made = calloc(1, sizeof(*made) + d->n * sizeof(made->list[0]));
	if (!made)
		return err_set(d->r->err, "%s: out of memory", d->r->path);
	for (unsigned i = 0; i < d->n; i++) {
		made->list[made->n++] = d->list[i].entry;
		made->of_set[d->list[i].entry.set]++;
	}
	out->bypass = made;
	return 0;
}

static void conf_bypass_warn_family(struct reader *r, const struct conf *conf,
				    const char *option, enum plan_bypass_set set)
{
	const bool v6 = conf->address.family == ADDR_V6;
	unsigned n;

	if (!conf->bypass || !addr_is_set(&conf->address))
		return;
	n = conf->bypass->of_set[v6 ? set : set + PLAN_BYPASS_CLIENTS_V6];
	if (n)
		read_warn(r, r->root, option,
			  "%s: %u IPv%d prefixes are not in force: the services are of IPv%d",
			  option, n, v6 ? 4 : 6, v6 ? 6 : 4);
}

int conf_bypass_read(struct reader *r, struct conf *out)
{
	struct bypass_draft d = { .r = r };
	int rc = conf_bypass_read_option(&d, r->root, "bypass-clients", PLAN_BYPASS_CLIENTS);

	if (rc == 0)
		rc = conf_bypass_read_option(&d, r->root, "bypass-servers",
					     PLAN_BYPASS_SERVERS);
	if (rc == 0)
		rc = conf_bypass_finish(&d, out);
	free(d.list);
	conf_bypass_warn_family(r, out, "bypass-clients", PLAN_BYPASS_CLIENTS);
	conf_bypass_warn_family(r, out, "bypass-servers", PLAN_BYPASS_SERVERS);
	return rc;
}
