/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of an eBPF program that changes as a whole. */
#include "kernel/bpf_table.h"

#include "kernel/pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint32_t zero;

static int bpf_table_open_inner(struct bpf_table *t, unsigned i, struct pins *pins,
				struct err *err)
{
	char name[PINS_NAME_MAX];

	snprintf(name, sizeof(name), "%s_%u", t->name, i);
	t->inner[i] = pins_get(pins, name);
	if (t->inner[i] < 0)
		t->inner[i] = bpf_map_create(BPF_MAP_TYPE_ARRAY, t->name, sizeof(zero),
					     (uint32_t)t->size, t->n, NULL);
	if (t->inner[i] < 0)
		return err_set(err, "%s: cannot make a map: %s", t->name,
			       strerror(errno));
	pins_keep_map(pins, name, t->inner[i]);
	return 0;
}

static uint32_t bpf_table_id(int map)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(map, &info, &len) == 0 ? info.id : 0;
}

/* What the process before has in force, if it is one of the two. */
static void bpf_table_adopt(struct bpf_table *t)
{
	uint32_t in_force;

	if (bpf_map_lookup_elem(t->outer, &zero, &in_force) < 0)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (bpf_table_id(t->inner[i]) == in_force)
			t->now.fd = t->inner[i];
	for (uint32_t i = 0; t->now.fd >= 0 && i < t->n; i++)
		if (bpf_map_lookup_elem(t->now.fd, &i,
					(char *)t->now.octets + i * t->size) < 0)
			t->now.fd = -1;
}

int bpf_table_init(struct bpf_table *t, int outer, const char *name, size_t size,
		   unsigned n, struct pins *pins, struct err *err)
{
	*t = (struct bpf_table){
		.outer = outer,
		.inner = { -1, -1 },
		.name = name,
		.size = size,
		.n = n,
		.now = { calloc(n, size), -1 },
		.staged = { calloc(n, size), -1 },
		.before = { calloc(n, size), -1 },
	};
	if (!t->now.octets || !t->staged.octets || !t->before.octets)
		return err_set(err, "out of memory");
	for (unsigned i = 0; i < 2; i++)
		if (bpf_table_open_inner(t, i, pins, err) < 0)
			return -1;
	bpf_table_adopt(t);
	return 0;
}

static int bpf_table_fill(const struct bpf_table *t, int fd, struct err *err)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (bpf_map_update_elem(fd, &i, (char *)t->staged.octets + i * t->size,
					BPF_ANY) < 0)
			return err_set(err, "%s: cannot fill a map: %s", t->name,
				       strerror(errno));
	return 0;
}

static int bpf_table_put_in_force(const struct bpf_table *t, int fd)
{
	/* The kernel waits for programs that still run with the old one. */
	if (fd < 0)
		return bpf_map_delete_elem(t->outer, &zero);
	return bpf_map_update_elem(t->outer, &zero, &fd, BPF_ANY);
}

bool bpf_table_has_changes(const struct bpf_table *t)
{
	return t->now.fd < 0 ||
	       memcmp(t->now.octets, t->staged.octets, t->n * t->size) != 0;
}

int bpf_table_switch(struct bpf_table *t, struct err *err)
{
	struct bpf_table_copy spare = t->before;
	int next = t->inner[t->now.fd == t->inner[0]];

	t->switched = false;
	if (!bpf_table_has_changes(t))
		return 0;
	if (bpf_table_fill(t, next, err) < 0)
		return -1;
	if (bpf_table_put_in_force(t, next) < 0)
		return err_set(err, "%s: cannot replace the map: %s", t->name,
			       strerror(errno));
	t->before = t->now;
	t->now = t->staged;
	t->now.fd = next;
	t->staged = spare;
	t->switched = true;
	return 0;
}

void bpf_table_settle(struct bpf_table *t)
{
	t->before.fd = -1;
	t->switched = false;
}

void bpf_table_revert(struct bpf_table *t)
{
	struct bpf_table_copy failed = t->now;

	if (!t->switched)
		return;
	bpf_table_put_in_force(t, t->before.fd);
	t->now = t->before;
	t->before = failed;
	bpf_table_settle(t);
}

void bpf_table_clear(struct bpf_table *t)
{
	if (t->now.fd >= 0)
		bpf_table_put_in_force(t, -1);
	t->now.fd = -1;
	bpf_table_settle(t);
}

void bpf_table_free(struct bpf_table *t)
{
	if (!t->name) /* never initialised */
		return;
	for (unsigned i = 0; i < 2; i++)
		if (t->inner[i] >= 0)
			close(t->inner[i]);
	free(t->now.octets);
	free(t->staged.octets);
	free(t->before.octets);
}
