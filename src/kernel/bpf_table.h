/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of an eBPF program that changes as a whole: an array of maps has one element,
 * which is an array with the entries of the table.  There are two such arrays: the one
 * that is not in force is filled, then becomes the element, which is one pointer; when
 * bpf_table_switch() returns, no program uses the other one any more.
 */
#ifndef WCCPD_KERNEL_BPF_TABLE_H
#define WCCPD_KERNEL_BPF_TABLE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

struct pins;

/* A table, and which of the inner maps holds it (-1: none). */
struct bpf_table_copy {
	void *octets;
	int fd;
};

struct bpf_table {
	int outer;	  /* the array of maps; not owned */
	int inner[2];
	const char *name; /* of the inner maps, and for errors; static storage */
	size_t size;	  /* of an entry, in octets */
	unsigned n;	  /* entries */
	/* In force; being written; and in force before the last switch, which is
	 * `switched` until settled or reverted. */
	struct bpf_table_copy now, staged, before;
	bool switched;
};

/* Both maps must be declared in the program as this says.  What the process before has in
 * force stays so. */
int bpf_table_init(struct bpf_table *t, int outer, const char *name, size_t size,
		   unsigned n, struct pins *pins, struct err *err);
/* Does the staged table differ from the one in force? */
bool bpf_table_has_changes(const struct bpf_table *t);
/* Put the staged table into force; does nothing if it equals the one in force. */
int bpf_table_switch(struct bpf_table *t, struct err *err);
void bpf_table_settle(struct bpf_table *t);
void bpf_table_revert(struct bpf_table *t);
/* Leave no table in force. */
void bpf_table_clear(struct bpf_table *t);
/* The table that is in force stays so for programs that outlive the process. */
void bpf_table_free(struct bpf_table *t);

#endif
