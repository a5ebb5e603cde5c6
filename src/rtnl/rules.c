/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's routing rules.  Read without libnl's own reading, which leaves out what
 * inverts a rule. */
#include "rtnl/rules.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static uint32_t rules_u32(struct nlattr **a, int attribute, uint32_t otherwise)
{
	return a[attribute] ? nla_get_u32(a[attribute]) : otherwise;
}

static void rules_take_name(struct nlattr *a, char *out)
{
	if (a)
		nla_strlcpy(out, a, IF_NAMESIZE);
}

static void rules_take_addr(struct nlattr *a, struct addr *out)
{
	if (a && nla_len(a) == 4)
		*out = addr_from_octets(ADDR_V4, nla_data(a));
	else if (a && nla_len(a) == sizeof(struct in6_addr))
		*out = addr_from_octets(ADDR_V6, nla_data(a));
}

static void rules_fill(struct rule *r, const struct fib_rule_hdr *head, struct nlattr **a)
{
	*r = (struct rule){
		.family = head->family == AF_INET6 ? ADDR_V6 : ADDR_V4,
		.priority = rules_u32(a, FRA_PRIORITY, 0),
		.table = rules_u32(a, FRA_TABLE, head->table),
		.mark = rules_u32(a, FRA_FWMARK, 0),
		.mask = rules_u32(a, FRA_FWMASK, 0),
		.action = head->action,
		.protocol = a[FRA_PROTOCOL] ? nla_get_u8(a[FRA_PROTOCOL]) : 0,
		.inverted = head->flags & FIB_RULE_INVERT,
		.from_bits = head->src_len,
		.to_bits = head->dst_len,
		.has_more = head->tos || a[FRA_IP_PROTO] || a[FRA_SPORT_RANGE] ||
			    a[FRA_DPORT_RANGE] || a[FRA_UID_RANGE] || a[FRA_L3MDEV],
	};
	rules_take_name(a[FRA_IIFNAME], r->iif);
	rules_take_name(a[FRA_OIFNAME], r->oif);
	rules_take_addr(a[FRA_SRC], &r->from);
	rules_take_addr(a[FRA_DST], &r->to);
}

static int rules_take(struct nl_msg *msg, void *arg)
{
	struct rules *all = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);
	struct nlattr *a[FRA_MAX + 1];

	if (head->nlmsg_type != RTM_NEWRULE ||
	    nlmsg_parse(head, sizeof(struct fib_rule_hdr), a, FRA_MAX, NULL) < 0)
		return NL_OK;
	if (all->n == all->room) {
		unsigned room = all->room ? 2 * all->room : 16;
		struct rule *list = realloc(all->list, room * sizeof(*list));

		if (!list)
			return -NLE_NOMEM;
		all->list = list;
		all->room = room;
	}
	rules_fill(&all->list[all->n++], nlmsg_data(head), a);
	return NL_OK;
}

int rules_read(struct nl_sock *sock, unsigned family, struct rules *out, struct err *err)
{
	struct fib_rule_hdr all = { .family = family == ADDR_V6 ? AF_INET6 : AF_INET };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int rc = -NLE_NOMEM;

	*out = (struct rules){ 0 };
	if (cb) {
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, rules_take, out);
		rc = nl_send_simple(sock, RTM_GETRULE, NLM_F_DUMP, &all, sizeof(all));
	}
	if (rc >= 0)
		rc = nl_recvmsgs(sock, cb);
	nl_cb_put(cb);
	if (rc >= 0)
		return 0;
	rules_free(out);
	return err_set(err, "routing rules: %s", nl_geterror(rc));
}

void rules_free(struct rules *r)
{
	free(r->list);
	*r = (struct rules){ 0 };
}

/* -- for people ------------------------------------------------------------------------ */

struct rules_writer {
	char *out;
	unsigned size, at;
};

static void rules_put(struct rules_writer *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void rules_put(struct rules_writer *w, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(w->out + w->at, w->size - w->at, format, ap);
	va_end(ap);
	if (n > 0)
		w->at += (unsigned)n < w->size - w->at ? (unsigned)n
						       : w->size - w->at - 1;
}

static void rules_put_prefix(struct rules_writer *w, const char *what,
			     const struct addr *a, unsigned bits)
{
	rules_put(w, " %s %s", what, addr_is_set(a) ? ADDR_TEXT(a) : "all");
	if (addr_is_set(a) && bits < 8 * addr_len(a))
		rules_put(w, "/%u", bits);
}

static void rules_put_action(struct rules_writer *w, const struct rule *r)
{
	switch (r->action) {
	case FR_ACT_TO_TBL:
		if (r->table == RT_TABLE_MAIN)
			rules_put(w, " lookup main");
		else
			rules_put(w, " lookup %u", r->table);
		break;
	case FR_ACT_BLACKHOLE:
		rules_put(w, " blackhole");
		break;
	case FR_ACT_UNREACHABLE:
		rules_put(w, " unreachable");
		break;
	case FR_ACT_PROHIBIT:
		rules_put(w, " prohibit");
		break;
	default:
		rules_put(w, " action %u", r->action);
	}
}

void rules_text(const struct rule *r, char *out, unsigned size)
{
	struct rules_writer w = { out, size, 0 };

	rules_put(&w, "%u:%s", r->priority, r->inverted ? " not" : "");
	rules_put_prefix(&w, "from", &r->from, r->from_bits);
	if (addr_is_set(&r->to))
		rules_put_prefix(&w, "to", &r->to, r->to_bits);
	if (r->mark || r->mask)
		rules_put(&w, " fwmark 0x%x", r->mark);
	if (r->mask && r->mask != UINT32_MAX)
		rules_put(&w, "/0x%x", r->mask);
	if (r->iif[0])
		rules_put(&w, " iif %s", r->iif);
	if (r->oif[0])
		rules_put(&w, " oif %s", r->oif);
	if (r->has_more)
		rules_put(&w, " ...");
	rules_put_action(&w, r);
}
