/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rtnl/route_query.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct nl_msg *route_query_message(const struct route_question *q)
{
	struct rtmsg head = {
		.rtm_family = q->to.family == ADDR_V6 ? AF_INET6 : AF_INET,
		.rtm_dst_len = (uint8_t)(8 * addr_len(&q->to)),
		.rtm_src_len = (uint8_t)(8 * addr_len(&q->from)),
		.rtm_flags = RTM_F_LOOKUP_TABLE,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, NLM_F_REQUEST);

	if (!msg)
		return NULL;
	if (nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO) < 0 ||
	    nla_put(msg, RTA_DST, (int)addr_len(&q->to), q->to.octets) < 0 ||
	    (head.rtm_src_len &&
	     nla_put(msg, RTA_SRC, (int)addr_len(&q->from), q->from.octets) < 0) ||
	    (q->iif && nla_put_u32(msg, RTA_IIF, q->iif) < 0) ||
	    (q->mark && nla_put_u32(msg, RTA_MARK, q->mark) < 0) ||
	    (q->to_port && (nla_put_u8(msg, RTA_IP_PROTO, IPPROTO_TCP) < 0 ||
			    nla_put_u16(msg, RTA_DPORT, htons(q->to_port)) < 0))) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int route_query_take(struct nl_msg *msg, void *arg)
{
	struct route_answer *a = arg;
	struct nlmsghdr *head = nlmsg_hdr(msg);
	struct rtmsg *r = nlmsg_data(head);
	struct nlattr *x;

	if (head->nlmsg_type != RTM_NEWROUTE)
		return NL_OK;
	a->error = 0;
	a->type = r->rtm_type;
	a->table = r->rtm_table;
	x = nlmsg_find_attr(head, sizeof(*r), RTA_TABLE);
	if (x)
		a->table = nla_get_u32(x);
	x = nlmsg_find_attr(head, sizeof(*r), RTA_OIF);
	if (x)
		a->oif = nla_get_u32(x);
	x = nlmsg_find_attr(head, sizeof(*r), RTA_GATEWAY);
	a->has_gateway = x && (nla_len(x) == 4 || nla_len(x) == sizeof(struct in6_addr));
	if (a->has_gateway)
		a->gateway = addr_from_octets(nla_len(x) == 4 ? ADDR_V4 : ADDR_V6,
					      nla_data(x));
	return NL_OK;
}

/* A refusal by the kernel is an answer, not a failure to ask. */
static int route_query_refused(struct sockaddr_nl *who, struct nlmsgerr *e, void *arg)
{
	struct route_answer *a = arg;

	(void)who;
	a->error = -e->error;
	return NL_STOP;
}

int route_query(struct nl_sock *sock, const struct route_question *q,
		struct route_answer *out, struct err *err)
{
	struct nl_msg *msg = route_query_message(q);
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int rc = -NLE_NOMEM;

	*out = (struct route_answer){ .error = ENETUNREACH };
	if (msg && cb) {
		nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, route_query_take, out);
		nl_cb_err(cb, NL_CB_CUSTOM, route_query_refused, out);
		rc = nl_send_auto(sock, msg);
	}
	if (rc >= 0)
		rc = nl_recvmsgs(sock, cb);
	/* A route is answered by one message and, as libnl asks for it, an
	 * acknowledgement; a refusal is its own. */
	if (rc >= 0 && out->error == 0)
		nl_wait_for_ack(sock);
	nlmsg_free(msg);
	nl_cb_put(cb);
	/* Stopped by route_query_refused(). */
	if (rc < 0 && rc != -NLE_NOMEM && out->error != 0)
		rc = 0;
	if (rc < 0)
		return err_set(err, "route to %s: %s", ADDR_TEXT(&q->to),
			       nl_geterror(rc));
	return 0;
}

static const char *route_type_name(uint8_t type)
{
	static const char *const names[] = {
		[RTN_UNSPEC] = "none",		 [RTN_UNICAST] = "unicast",
		[RTN_LOCAL] = "local",		 [RTN_BROADCAST] = "broadcast",
		[RTN_ANYCAST] = "anycast",	 [RTN_MULTICAST] = "multicast",
		[RTN_BLACKHOLE] = "blackhole",	 [RTN_UNREACHABLE] = "unreachable",
		[RTN_PROHIBIT] = "prohibit",	 [RTN_THROW] = "throw",
	};

	return type < sizeof(names) / sizeof(names[0]) && names[type] ? names[type]
									 : "unknown";
}

void route_answer_text(const struct route_answer *a, char *out, unsigned size)
{
	char name[IF_NAMESIZE] = "";

	if (a->error) {
		snprintf(out, size, "%s", strerror(a->error));
		return;
	}
	if (a->type != RTN_UNICAST) {
		snprintf(out, size, "%s", route_type_name(a->type));
		return;
	}
	if (!if_indextoname(a->oif, name))
		snprintf(name, sizeof(name), "interface %u", a->oif);
	snprintf(out, size, "sent on by %s%s%s, table %u", name,
		 a->has_gateway ? " via " : "",
		 a->has_gateway ? ADDR_TEXT(&a->gateway) : "", a->table);
}
