/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TC filters of an interface. */
#include "kernel/tc_list.h"

#include "rtnl/netlink.h"

#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <string.h>

static void tc_list_take_program(struct nlattr *options, struct tc_entry *e)
{
	struct nlattr *a[TCA_BPF_MAX + 1];

	if (!options || nla_parse_nested(a, TCA_BPF_MAX, options, NULL) < 0)
		return;
	if (a[TCA_BPF_NAME])
		nla_strlcpy(e->name, a[TCA_BPF_NAME], sizeof(e->name));
	if (a[TCA_BPF_ID])
		e->program = nla_get_u32(a[TCA_BPF_ID]);
}

static int tc_list_take(struct nl_msg *msg, void *arg)
{
	struct tc_list *all = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);
	const struct tcmsg *t = nlmsg_data(head);
	struct nlattr *a[TCA_MAX + 1];
	struct tc_entry *e;

	/* A handle of 0 is the priority itself, without a filter. */
	if (head->nlmsg_type != RTM_NEWTFILTER || t->tcm_handle == 0 ||
	    all->n == TC_LIST_MAX ||
	    nlmsg_parse(head, sizeof(*t), a, TCA_MAX, NULL) < 0 ||
	    (a[TCA_CHAIN] && nla_get_u32(a[TCA_CHAIN]) != 0))
		return NL_OK;
	e = &all->entries[all->n++];
	*e = (struct tc_entry){ .priority = TC_H_MAJ(t->tcm_info) >> 16,
				.handle = t->tcm_handle };
	if (a[TCA_KIND])
		nla_strlcpy(e->kind, a[TCA_KIND], sizeof(e->kind));
	if (!strcmp(e->kind, "bpf"))
		tc_list_take_program(a[TCA_OPTIONS], e);
	return NL_OK;
}

static int tc_list_dump(struct nl_sock *sock, struct tcmsg *head, struct tc_list *out)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int rc;

	if (!cb)
		return -NLE_NOMEM;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, tc_list_take, out);
	rc = nl_send_simple(sock, RTM_GETTFILTER, NLM_F_DUMP, head, sizeof(*head));
	if (rc >= 0)
		rc = nl_recvmsgs(sock, cb);
	nl_cb_put(cb);
	return rc;
}

int tc_list_read(unsigned ifindex, bool egress, struct tc_list *out)
{
	struct tcmsg head = {
		.tcm_ifindex = (int)ifindex,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT,
					egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS),
	};
	struct nl_sock *sock = netlink_connect(NULL);
	int rc;

	out->n = 0;
	if (!sock)
		return -1;
	rc = tc_list_dump(sock, &head, out);
	nl_socket_free(sock);
	return rc < 0 && rc != -NLE_OBJ_NOTFOUND && rc != -NLE_INVAL ? -1 : 0;
}

void tc_list_text(const struct tc_entry *e, char *out, unsigned size)
{
	char program[64] = "";

	if (e->program)
		snprintf(program, sizeof(program), " \"%s\" (program %u)", e->name,
			 e->program);
	snprintf(out, size, "%s%s, priority %u", e->kind, program, e->priority);
}
