/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eBPF programs as TC filters of an interface. */
#include "kernel/tc.h"

#include "kernel/tc_list.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct bpf_tc_hook tc_place(unsigned ifindex, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);

	return hook;
}

static __u32 tc_program_id(int program)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &len) == 0 ? info.id : 0;
}

/* -- among the filters of others --------------------------------------------------------- */

static bool tc_is_ours(const struct tc_entry *e, uint32_t handle)
{
	return e->handle == handle && !strcmp(e->kind, "bpf");
}

/* Ours, of this run or one before; NULL: it is not there. */
static const struct tc_entry *tc_find_ours(const struct tc_list *list, uint32_t handle)
{
	for (unsigned i = 0; i < list->n; i++)
		if (tc_is_ours(&list->entries[i], handle))
			return &list->entries[i];
	return NULL;
}

/* The first one of others, from priority `least` to `most`; NULL: none. */
static const struct tc_entry *tc_find_other(const struct tc_list *list, uint32_t handle,
					    uint32_t least, uint32_t most)
{
	for (unsigned i = 0; i < list->n; i++)
		if (!tc_is_ours(&list->entries[i], handle) &&
		    list->entries[i].priority >= least &&
		    list->entries[i].priority <= most)
			return &list->entries[i];
	return NULL;
}

/* In front of all others, if that can be; and then where ours is already. */
static uint32_t tc_choose_priority(const struct tc_list *list, uint32_t handle)
{
	const struct tc_entry *ours = tc_find_ours(list, handle);
	const struct tc_entry *first = tc_find_other(list, handle, 0, TC_PRIORITY_MAX);
	uint32_t p = TC_PRIORITY;

	if (ours && (!first || ours->priority < first->priority))
		return ours->priority;
	if (first && first->priority > 1 && first->priority <= p)
		return first->priority - 1;
	while (p < TC_PRIORITY_MAX && tc_find_other(list, handle, p, p))
		p++;
	return p;
}

bool tc_front(const struct tc_filter *f, char *text, unsigned size)
{
	struct tc_list list;

	if (!f->ifindex || tc_list_read(f->ifindex, false, &list) < 0 || list.n == 0 ||
	    tc_is_ours(&list.entries[0], f->handle))
		return false;
	tc_list_text(&list.entries[0], text, size);
	return true;
}

/* -- attaching --------------------------------------------------------------------------- */

static int tc_refused(const struct tc_list *list, const struct tc_filter *f, int rc,
		      struct err *err)
{
	const struct tc_entry *other =
		tc_find_other(list, f->handle, f->priority, f->priority);
	char text[128];

	if (!other)
		return err_set(err, "cannot attach the TC filter: %s", strerror(-rc));
	tc_list_text(other, text, sizeof(text));
	return err_set(err, "cannot attach the TC filter: a filter of another program "
			    "is in its place: %s",
		       text);
}

static void tc_remove(unsigned ifindex, enum bpf_tc_attach_point point, uint32_t handle,
		      uint32_t priority)
{
	struct bpf_tc_hook hook = tc_place(ifindex, point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = priority);

	bpf_tc_detach(&hook, &opts);
}

/* `attached` is left alone when there is no program. */
static int tc_attach_program(const struct tc_filter *f, enum bpf_tc_attach_point point,
			     int program, const struct tc_list *list, bool *attached,
			     struct err *err)
{
	struct bpf_tc_hook hook = tc_place(f->ifindex, point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = f->handle, .priority = f->priority,
		    .prog_fd = program, .flags = BPF_TC_F_REPLACE);
	const struct tc_entry *ours = tc_find_ours(list, f->handle);
	int rc;

	if (program < 0 || (ours && ours->priority == f->priority &&
			    ours->program == tc_program_id(program))) {
		*attached |= program >= 0;
		return 0;
	}
	rc = bpf_tc_attach(&hook, &opts);
	if (rc < 0)
		return tc_refused(list, f, rc, err);
	*attached = true;
	if (ours && ours->priority != f->priority)
		tc_remove(f->ifindex, point, f->handle, ours->priority);
	return 0;
}

static int tc_make_qdisc(struct tc_filter *f, unsigned ifindex, bool left_behind,
			 struct err *err)
{
	struct bpf_tc_hook both = tc_place(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	int rc = bpf_tc_hook_create(&both);

	if (rc < 0 && rc != -EEXIST)
		return err_set(err, "cannot make the clsact qdisc: %s", strerror(-rc));
	f->own_qdisc =
		rc == 0 || left_behind || (f->ifindex == ifindex && f->own_qdisc);
	return 0;
}

/* What had happened to a filter that was attached. */
static void tc_tell_drift(const struct tc_filter *f, const struct tc_list *list,
			  uint32_t priority, struct err *drift)
{
	const struct tc_entry *other;
	char text[128];

	if (!f->ingress || !drift)
		return;
	if (!tc_find_ours(list, f->handle)) {
		err_set(drift, "the TC filter was gone");
		return;
	}
	other = tc_find_other(list, f->handle, 0, f->priority);
	if (priority == f->priority || !other)
		return;
	tc_list_text(other, text, sizeof(text));
	err_set(drift,
		"another program's TC filter came before ours (%u): %s; ours has priority "
		"%u now",
		f->priority, text, priority);
}

int tc_attach(struct tc_filter *f, unsigned ifindex, const struct tc_programs *p,
	      struct err *drift, struct err *err)
{
	struct tc_list in, out;
	uint32_t priority;

	if (tc_list_read(ifindex, false, &in) < 0 || tc_list_read(ifindex, true, &out) < 0)
		return err_set(err, "cannot list the TC filters");
	priority = p->priority ? p->priority : tc_choose_priority(&in, p->handle);
	if (f->ifindex == ifindex)
		tc_tell_drift(f, &in, priority, drift);
	if (tc_make_qdisc(f, ifindex,
			  tc_find_ours(&in, p->handle) || tc_find_ours(&out, p->handle),
			  err) < 0)
		return -1;
	f->ifindex = ifindex;
	f->handle = p->handle;
	f->priority = priority;
	if (tc_attach_program(f, BPF_TC_INGRESS, p->ingress, &in, &f->ingress, err) < 0)
		return -1;
	return tc_attach_program(f, BPF_TC_EGRESS, p->egress, &out, &f->egress, err);
}

/* -- detaching --------------------------------------------------------------------------- */

/* Others may have attached filters to the qdisc that we made. */
static bool tc_is_used(unsigned ifindex)
{
	struct tc_list in, out;

	/* Keep the qdisc rather than remove a filter of others. */
	return tc_list_read(ifindex, false, &in) < 0 ||
	       tc_list_read(ifindex, true, &out) < 0 || in.n || out.n;
}

void tc_detach(struct tc_filter *f)
{
	/* Both points together mean the qdisc itself. */
	struct bpf_tc_hook both = tc_place(f->ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (!f->ifindex)
		return;
	if (f->ingress)
		tc_remove(f->ifindex, BPF_TC_INGRESS, f->handle, f->priority);
	if (f->egress)
		tc_remove(f->ifindex, BPF_TC_EGRESS, f->handle, f->priority);
	if (f->own_qdisc && !tc_is_used(f->ifindex))
		bpf_tc_hook_destroy(&both);
	*f = (struct tc_filter){ 0 };
}
