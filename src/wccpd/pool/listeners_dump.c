/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpd/pool/listeners_dump.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/socket.h>

/* -- the filter -------------------------------------------------------------------- */

/* The kernel checks a program in a time that grows with the square of its length. */
enum { DUMP_MAX_RANGES = 64 };

struct dump_range {
	uint16_t first, last;
};

/* A search tree of ranges, as inet_diag's bytecode.  Each comparison is an operation and
 * its operand; distances are in octets, the end is acceptance, one operation beyond it is
 * refusal. */
struct dump_filter {
	unsigned n_ranges, n;
	struct dump_range ranges[DUMP_MAX_RANGES];
	struct inet_diag_bc_op ops[7 * DUMP_MAX_RANGES];
};

enum {
	DUMP_OP = sizeof(struct inet_diag_bc_op),
	DUMP_COMPARISON = 2 * DUMP_OP,
	DUMP_LEAF = 2 * DUMP_COMPARISON + DUMP_OP,
};

/* Octets of a tree of so many ranges. */
static unsigned dump_tree_len(unsigned ranges)
{
	return ranges * DUMP_LEAF + (ranges - 1) * DUMP_COMPARISON;
}

static void dump_add(struct dump_filter *f, uint8_t code, uint16_t port, unsigned no)
{
	f->ops[f->n++] = (struct inet_diag_bc_op){ code, DUMP_COMPARISON, (uint16_t)no };
	f->ops[f->n++] = (struct inet_diag_bc_op){ .no = port };
}

/* The octets from here to the end. */
static unsigned dump_left(const struct dump_filter *f)
{
	return dump_tree_len(f->n_ranges) - f->n * DUMP_OP;
}

static void dump_add_range(struct dump_filter *f, const struct dump_range *r)
{
	dump_add(f, INET_DIAG_BC_S_GE, r->first, dump_left(f) + DUMP_OP);
	dump_add(f, INET_DIAG_BC_S_LE, r->last, dump_left(f) + DUMP_OP);
	f->ops[f->n] = (struct inet_diag_bc_op){ INET_DIAG_BC_JMP, DUMP_OP,
						 (uint16_t)dump_left(f) };
	f->n++;
}

/* The tree of the ranges from `first` up to, not including, `end`. */
static void dump_add_tree(struct dump_filter *f, unsigned first, unsigned end)
{
	unsigned middle = (first + end) / 2;

	if (end - first == 1) {
		dump_add_range(f, &f->ranges[first]);
		return;
	}
	dump_add(f, INET_DIAG_BC_S_GE, f->ranges[middle].first,
		 DUMP_COMPARISON + dump_tree_len(end - middle));
	dump_add_tree(f, middle, end);
	dump_add_tree(f, first, middle);
}

/* As few ranges as there may be, with gaps of no more than `gap` between their ports. */
static unsigned dump_join(const uint16_t *ports, unsigned n, unsigned gap,
			  struct dump_range out[DUMP_MAX_RANGES])
{
	unsigned made = 0;

	for (unsigned i = 0; i < n; i++) {
		if (made && ports[i] - out[made - 1].last <= (int)gap + 1) {
			out[made - 1].last = ports[i];
			continue;
		}
		if (made == DUMP_MAX_RANGES)
			return made + 1;
		out[made++] = (struct dump_range){ ports[i], ports[i] };
	}
	return made;
}

static void dump_make_filter(const uint16_t *ports, unsigned n, struct dump_filter *f)
{
	unsigned gap = 0;

	do {
		f->n_ranges = dump_join(ports, n, gap, f->ranges);
		gap = 2 * gap + 1;
	} while (f->n_ranges > DUMP_MAX_RANGES);
	f->n = 0;
	dump_add_tree(f, 0, f->n_ranges);
}

/* -- the dump ---------------------------------------------------------------------- */

struct dump {
	const uint16_t *ports;
	unsigned n_ports;
	struct dump_filter filter;
	listeners_dumped *take;
	void *arg;
};

static bool dump_is_wanted(const struct dump *d, uint16_t port)
{
	unsigned first = 0, end = d->n_ports;

	while (first < end) {
		unsigned middle = (first + end) / 2;

		if (d->ports[middle] == port)
			return true;
		if (d->ports[middle] < port)
			first = middle + 1;
		else
			end = middle;
	}
	return false;
}

static bool dump_is_plain(const struct nlmsghdr *h)
{
	struct nlattr *a = nlmsg_find_attr((struct nlmsghdr *)h,
					   sizeof(struct inet_diag_msg), INET_DIAG_SOCKOPT);
	struct inet_diag_sockopt options;

	if (!a || nla_len(a) < (int)sizeof(options))
		return false;
	memcpy(&options, nla_data(a), sizeof(options));
	return !options.transparent;
}

static struct addr dump_address(const struct inet_diag_msg *m)
{
	struct addr a = addr_from_octets(m->idiag_family == AF_INET6 ? ADDR_V6 : ADDR_V4,
					 (const uint8_t *)m->id.idiag_src);
	static const uint8_t any[sizeof(a.octets)];

	return memcmp(a.octets, any, sizeof(any)) ? a : (struct addr){ 0 };
}

/* One message of the dump is one socket.  (libnl's own cache of them takes sockets of the
 * same address and port, as the workers of an SMP Squid have, for one.) */
static int dump_take_socket(struct nl_msg *msg, void *arg)
{
	const struct nlmsghdr *h = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(h);
	const struct dump *d = arg;
	struct listeners_socket s;

	if (nlmsg_datalen(h) < (int)sizeof(*m) || m->idiag_state != TCP_LISTEN ||
	    !dump_is_wanted(d, ntohs(m->id.idiag_sport)))
		return NL_OK;
	s = (struct listeners_socket){
		.port = ntohs(m->id.idiag_sport),
		.at = dump_address(m),
		.inode = m->idiag_inode,
		.plain = dump_is_plain(h),
	};
	d->take(d->arg, &s);
	return NL_OK;
}

static int dump_family(struct nl_sock *sock, const struct dump *d, uint8_t family)
{
	struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = 1u << TCP_LISTEN,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	int rc = msg ? nlmsg_append(msg, &request, sizeof(request), NLMSG_ALIGNTO) :
		       -NLE_NOMEM;

	if (rc == 0)
		rc = nla_put(msg, INET_DIAG_REQ_BYTECODE, (int)(d->filter.n * DUMP_OP),
			     d->filter.ops);
	if (rc == 0)
		rc = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	return rc < 0 ? rc : nl_recvmsgs_default(sock);
}

int listeners_dump(const uint16_t *ports, unsigned n_ports, listeners_dumped *take,
		   void *arg, struct err *err)
{
	struct dump d = { .ports = ports, .n_ports = n_ports, .take = take, .arg = arg };
	struct nl_sock *sock;
	int rc;

	if (n_ports == 0)
		return 0;
	sock = nl_socket_alloc();
	if (!sock)
		return err_set(err, "sock_diag: out of memory");
	dump_make_filter(ports, n_ports, &d.filter);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, dump_take_socket, &d);
	rc = nl_connect(sock, NETLINK_SOCK_DIAG);
	if (rc == 0)
		rc = dump_family(sock, &d, AF_INET);
	if (rc >= 0)
		rc = dump_family(sock, &d, AF_INET6);
	nl_socket_free(sock);
	return rc >= 0 ? 0 : err_set(err, "sock_diag: %s", nl_geterror(rc));
}
