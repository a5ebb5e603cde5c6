/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccprouter/forward/offloads.h"

#include "foreign/foreign_file.h"
#include "kernel/interface_ioctl.h"
#include "log.h"
#include "wccprouter/conf/routerd_conf.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OFFLOADS_LINE = IF_NAMESIZE + 24 };

struct offloads_noted {
	char name[IF_NAMESIZE];
	unsigned ifindex; /* an interface of that name which is made later is another */
	bool gro, lro;	  /* were on */
	bool used;	  /* by this process */
};

struct offloads {
	char path[ROUTERD_PATH_MAX + 16];
	unsigned n;
	struct offloads_noted list[ROUTERD_ALL_INTERFACES];
};

/* -- ethtool ----------------------------------------------------------------------- */

static int offloads_ethtool_value(const char *name, uint32_t command, uint32_t *value)
{
	struct ethtool_value v = { .cmd = command, .data = *value };
	struct ifreq req = { .ifr_data = (void *)&v };

	if (interface_ioctl(name, SIOCETHTOOL, &req) < 0)
		return -1;
	*value = v.data;
	return 0;
}

static bool offloads_get_gro(const char *name)
{
	uint32_t v = 0;

	return offloads_ethtool_value(name, ETHTOOL_GGRO, &v) == 0 && v;
}

static bool offloads_get_lro(const char *name)
{
	uint32_t v = 0;

	return offloads_ethtool_value(name, ETHTOOL_GFLAGS, &v) == 0 && v & ETH_FLAG_LRO;
}

static void offloads_set_gro(const char *name, bool on)
{
	uint32_t v = on;

	offloads_ethtool_value(name, ETHTOOL_SGRO, &v);
}

static void offloads_set_lro(const char *name, bool on)
{
	uint32_t v = 0;

	if (offloads_ethtool_value(name, ETHTOOL_GFLAGS, &v) < 0)
		return;
	v = on ? v | ETH_FLAG_LRO : v & ~(uint32_t)ETH_FLAG_LRO;
	offloads_ethtool_value(name, ETHTOOL_SFLAGS, &v);
}

/* -- the file ---------------------------------------------------------------------- */

static void offloads_read(struct offloads *o)
{
	char text[ROUTERD_ALL_INTERFACES * OFFLOADS_LINE + 1], *rest = NULL;
	ssize_t n = foreign_file_read(o->path, FOREIGN_LINKS_NONE, text, sizeof(text) - 1,
				      NULL, NULL);

	if (n <= 0)
		return;
	text[n] = '\0';
	for (char *line = strtok_r(text, "\n", &rest);
	     line && o->n < ROUTERD_ALL_INTERFACES; line = strtok_r(NULL, "\n", &rest)) {
		struct offloads_noted *x = &o->list[o->n];
		unsigned gro, lro;

		if (sscanf(line, "%15s %u %u %u", x->name, &x->ifindex, &gro, &lro) != 4 ||
		    if_nametoindex(x->name) != x->ifindex)
			continue;
		x->gro = gro;
		x->lro = lro;
		o->n++;
	}
}

static void offloads_write(const struct offloads *o)
{
	char text[ROUTERD_ALL_INTERFACES * OFFLOADS_LINE + 1] = "";
	size_t len = 0;
	struct err err;

	for (unsigned i = 0; i < o->n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %u %u %u\n",
					o->list[i].name, o->list[i].ifindex,
					o->list[i].gro, o->list[i].lro);
	if (!o->n)
		unlink(o->path);
	else if (foreign_file_write(o->path, text, &err) < 0)
		log_warning("offloads",
			    "%s: if this process is killed, receive offloads stay off",
			    err.text);
}

/* -- life -------------------------------------------------------------------------- */

struct offloads *offloads_open(const char *control)
{
	struct offloads *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	snprintf(o->path, sizeof(o->path), "%s.offloads", control);
	offloads_read(o);
	return o;
}

void offloads_close(struct offloads *o)
{
	free(o);
}

static struct offloads_noted *offloads_find(struct offloads *o, unsigned ifindex)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->list[i].ifindex == ifindex)
			return &o->list[i];
	return NULL;
}

void offloads_switch_off(struct offloads *o, const char *name, unsigned ifindex)
{
	struct offloads_noted *x = offloads_find(o, ifindex);
	bool gro = offloads_get_gro(name), lro = offloads_get_lro(name);

	if (!x && (gro || lro) && o->n < ROUTERD_ALL_INTERFACES) {
		x = &o->list[o->n++];
		*x = (struct offloads_noted){ .ifindex = ifindex };
		snprintf(x->name, sizeof(x->name), "%s", name);
	}
	if (!x)
		return;
	x->used = true;
	x->gro |= gro;
	x->lro |= lro;
	offloads_write(o); /* before it is so */
	if (gro)
		offloads_set_gro(name, false);
	if (lro)
		offloads_set_lro(name, false);
}

void offloads_restore(struct offloads *o, unsigned ifindex)
{
	struct offloads_noted *x = offloads_find(o, ifindex);

	if (!x)
		return;
	if (if_nametoindex(x->name) == ifindex && x->gro)
		offloads_set_gro(x->name, true);
	if (if_nametoindex(x->name) == ifindex && x->lro)
		offloads_set_lro(x->name, true);
	*x = o->list[--o->n];
	offloads_write(o);
}

void offloads_restore_unused(struct offloads *o)
{
	for (unsigned i = o->n; i-- > 0;)
		if (!o->list[i].used)
			offloads_restore(o, o->list[i].ifindex);
}
