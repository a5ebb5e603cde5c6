/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of an eBPF program that changes as a whole. */
#include "kernel/bpf_table.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint32_t zero;

int bpf_table_init(struct bpf_table *t, int outer, const char *name, size_t size,
		   unsigned n, struct err *err)
{
	*t = (struct bpf_table){
		.outer = outer,
		.name = name,
		.size = size,
		.n = n,
		.now = { calloc(n, size), -1 },
		.staged = { calloc(n, size), -1 },
		.before = { calloc(n, size), -1 },
	};
	if (!t->now.octets || !t->staged.octets || !t->before.octets)
		return err_set(err, "out of memory");
	return 0;
}

static void bpf_table_forget(struct bpf_table_copy *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static int bpf_table_make_inner(const struct bpf_table *t, struct err *err)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, t->name, sizeof(zero),
				(uint32_t)t->size, t->n, NULL);

	if (fd < 0)
		return err_set(err, "%s: cannot make a map: %s", t->name,
			       strerror(errno));
	for (uint32_t i = 0; i < t->n; i++)
		if (bpf_map_update_elem(fd, &i, (char *)t->staged.octets + i * t->size,
					BPF_ANY) < 0) {
			err_set(err, "%s: cannot fill a map: %s", t->name,
				strerror(errno));
			close(fd);
			return -1;
		}
	return fd;
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

	t->switched = false;
	if (!bpf_table_has_changes(t))
		return 0;
	t->staged.fd = bpf_table_make_inner(t, err);
	if (t->staged.fd < 0)
		return -1;
	if (bpf_table_put_in_force(t, t->staged.fd) < 0) {
		err_set(err, "%s: cannot replace the map: %s", t->name,
			strerror(errno));
		bpf_table_forget(&t->staged);
		return -1;
	}
	t->before = t->now;
	t->now = t->staged;
	t->staged = spare;
	t->switched = true;
	return 0;
}

void bpf_table_settle(struct bpf_table *t)
{
	bpf_table_forget(&t->before);
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
	bpf_table_forget(&t->now);
	bpf_table_settle(t);
}

void bpf_table_free(struct bpf_table *t)
{
	if (!t->name) /* never initialised */
		return;
	bpf_table_clear(t);
	free(t->now.octets);
	free(t->staged.octets);
	free(t->before.octets);
}
