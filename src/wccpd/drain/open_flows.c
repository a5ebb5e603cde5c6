/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets by sock_diag; the kernel compares the ports, we the addresses. */
#include "wccpd/drain/open_flows.h"

#include "wccpd/drain/inode_set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

enum {
	OPEN_FLOWS_OWN = 1024, /* addresses of this host */
	/* Not: those in which all is said, and only the other side has not closed yet. */
	OPEN_FLOWS_STATES = 1 << TCP_ESTABLISHED | 1 << TCP_SYN_RECV | 1 << TCP_FIN_WAIT1 |
			    1 << TCP_CLOSE_WAIT | 1 << TCP_LAST_ACK | 1 << TCP_CLOSING,
};

struct open_flows {
	unsigned n_own;
	struct in6_addr own[OPEN_FLOWS_OWN]; /* IPv4 ones as mapped */
	unsigned found;
	/* Only of these sockets, and then also those to ports that a pool listens on. */
	const struct inode_set *of;
	const uint16_t *listens;
	unsigned n_listens;
};

static struct in6_addr open_flows_mapped(uint32_t a)
{
	const uint32_t words[4] = { 0, 0, htonl(0xffff), a };
	struct in6_addr out;

	memcpy(&out, words, sizeof(out));
	return out;
}

static int open_flows_find_own(struct open_flows *f, struct err *err)
{
	struct ifaddrs *all;

	f->n_own = 0;
	if (getifaddrs(&all) < 0)
		return err_set(err, "cannot list addresses: %s", strerror(errno));
	for (struct ifaddrs *a = all; a && f->n_own < OPEN_FLOWS_OWN; a = a->ifa_next)
		if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET)
			f->own[f->n_own++] = open_flows_mapped(
				((struct sockaddr_in *)(void *)a->ifa_addr)->sin_addr.s_addr);
		else if (a->ifa_addr && a->ifa_addr->sa_family == AF_INET6)
			f->own[f->n_own++] =
				((struct sockaddr_in6 *)(void *)a->ifa_addr)->sin6_addr;
	freeifaddrs(all);
	return 0;
}

static bool open_flows_is_own(const struct open_flows *f, const struct in6_addr *a)
{
	if (IN6_IS_ADDR_LOOPBACK(a) ||
	    (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == IN_LOOPBACKNET))
		return true;
	for (unsigned i = 0; i < f->n_own; i++)
		if (IN6_ARE_ADDR_EQUAL(&f->own[i], a))
			return true;
	return false;
}

/* The local address of a socket.  Connections of IPv4 of a listener on [::] have mapped
 * ones. */
static struct in6_addr open_flows_local(const struct inet_diag_msg *m)
{
	struct in6_addr a;

	if (m->idiag_family == AF_INET)
		return open_flows_mapped(m->id.idiag_src[0]);
	memcpy(&a, m->id.idiag_src, sizeof(a));
	return a;
}

static bool open_flows_is_listened(const struct open_flows *f, uint16_t port)
{
	for (unsigned i = 0; i < f->n_listens; i++)
		if (f->listens[i] == port)
			return true;
	return false;
}

static int open_flows_take(struct nl_msg *msg, void *arg)
{
	const struct nlmsghdr *h = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(h);
	struct open_flows *f = arg;
	struct in6_addr local;

	if (nlmsg_datalen(h) < (int)sizeof(*m))
		return NL_OK;
	if (f->of && !inode_set_has(f->of, m->idiag_inode))
		return NL_OK;
	local = open_flows_local(m);
	if (!open_flows_is_own(f, &local) ||
	    open_flows_is_listened(f, ntohs(m->id.idiag_sport)))
		f->found++;
	return NL_OK;
}

/* Local port >= port and <= port: two conditions, each with its operand behind it; one
 * that fails leads past the end, which means no. */
static int open_flows_put_filter(struct nl_msg *msg, uint16_t port)
{
	struct inet_diag_bc_op program[4] = {
		{ .code = INET_DIAG_BC_S_GE, .yes = 8, .no = 20 },
		{ .no = port },
		{ .code = INET_DIAG_BC_S_LE, .yes = 8, .no = 12 },
		{ .no = port },
	};

	return nla_put(msg, INET_DIAG_REQ_BYTECODE, sizeof(program), program);
}

static int open_flows_ask(struct nl_sock *sock, uint8_t family, uint16_t port)
{
	struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = OPEN_FLOWS_STATES,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	int rc = msg ? nlmsg_append(msg, &request, sizeof(request), NLMSG_ALIGNTO)
		     : -NLE_NOMEM;

	if (rc == 0 && port)
		rc = open_flows_put_filter(msg, port);
	if (rc == 0)
		rc = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	return rc < 0 ? rc : nl_recvmsgs_default(sock);
}

static int open_flows_dump(struct nl_sock *sock, const uint16_t *ports, unsigned n_ports)
{
	static const uint16_t any;
	int rc = 0;

	if (n_ports == 0) {
		ports = &any;
		n_ports = 1;
	}
	for (unsigned i = 0; i < n_ports && rc >= 0; i++) {
		rc = open_flows_ask(sock, AF_INET, ports[i]);
		if (rc >= 0)
			rc = open_flows_ask(sock, AF_INET6, ports[i]);
	}
	return rc;
}

static int open_flows_look(struct open_flows *f, const uint16_t *ports, unsigned n_ports,
			   struct err *err)
{
	struct nl_sock *sock;
	int rc;

	if (open_flows_find_own(f, err) < 0)
		return -1;
	sock = nl_socket_alloc();
	if (!sock)
		return err_set(err, "sock_diag: out of memory");
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, open_flows_take, f);
	rc = nl_connect(sock, NETLINK_SOCK_DIAG);
	if (rc == 0)
		rc = open_flows_dump(sock, ports, n_ports);
	nl_socket_free(sock);
	return rc >= 0 ? 0 : err_set(err, "sock_diag: %s", nl_geterror(rc));
}

int open_flows_count(const uint16_t *ports, unsigned n_ports, unsigned *out,
		     struct err *err)
{
	struct open_flows f = { .found = 0 };
	int rc = open_flows_look(&f, ports, n_ports, err);

	*out = f.found;
	return rc;
}

int open_flows_count_of(const struct inode_set *of, const uint16_t *listens,
			unsigned n_listens, unsigned *out, struct err *err)
{
	struct open_flows f = { .of = of, .listens = listens, .n_listens = n_listens };
	int rc = open_flows_look(&f, NULL, 0, err);

	*out = f.found;
	return rc;
}
