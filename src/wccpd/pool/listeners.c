/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening sockets by sock_diag, their owners by /proc. */
#include "wccpd/pool/listeners.h"

#include "foreign/process_sockets.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

struct search {
	const uint16_t *ports;
	unsigned n_ports;
	struct listeners *found;
};

static bool listeners_is_wanted(const struct search *s, uint16_t port)
{
	for (unsigned i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return true;
	return false;
}

/* One message of the dump is one socket.  (libnl's own cache of them takes sockets of the
 * same address and port, as the workers of an SMP Squid have, for one.) */
static int listeners_take_socket(struct nl_msg *msg, void *arg)
{
	const struct nlmsghdr *h = nlmsg_hdr(msg);
	const struct inet_diag_msg *m = nlmsg_data(h);
	struct search *s = arg;

	if (nlmsg_datalen(h) < (int)sizeof(*m) || m->idiag_state != TCP_LISTEN ||
	    !listeners_is_wanted(s, ntohs(m->id.idiag_sport)) ||
	    s->found->n == LISTENERS_MAX)
		return NL_OK;
	s->found->list[s->found->n++] = (struct listener){
		.port = ntohs(m->id.idiag_sport),
		.inode = m->idiag_inode,
		.fd = -1,
	};
	return NL_OK;
}

static int listeners_dump_family(struct nl_sock *sock, uint8_t family)
{
	struct inet_diag_req_v2 request = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = 1u << TCP_LISTEN,
	};
	int rc = nl_send_simple(sock, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &request,
				sizeof(request));

	return rc < 0 ? rc : nl_recvmsgs_default(sock);
}

static int listeners_dump_sockets(struct search *s, struct err *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	int rc;

	if (!sock)
		return err_set(err, "sock_diag: out of memory");
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, listeners_take_socket, s);
	rc = nl_connect(sock, NETLINK_SOCK_DIAG);
	if (rc == 0)
		rc = listeners_dump_family(sock, AF_INET);
	if (rc >= 0)
		rc = listeners_dump_family(sock, AF_INET6);
	nl_socket_free(sock);
	return rc >= 0 ? 0 : err_set(err, "sock_diag: %s", nl_geterror(rc));
}

/* An owner that cannot be seen from here (another pid namespace) must not cost a
 * walk through /proc on every call. */
enum { MAX_SEARCHES = 5 };

/* Returns how many owners are still to be found. */
static unsigned listeners_take_known_owners(const struct listeners *before,
					    struct listeners *l)
{
	unsigned missing = 0;

	for (unsigned i = 0; i < l->n; i++) {
		struct listener *x = &l->list[i];
		for (unsigned k = 0; before && k < before->n; k++)
			if (before->list[k].inode == x->inode) {
				x->pid = before->list[k].pid;
				x->fd = before->list[k].fd;
				x->searches = before->list[k].searches;
			}
		if (x->pid == 0 && x->searches++ < MAX_SEARCHES)
			missing++;
	}
	return missing;
}

struct listeners_search {
	struct listeners *all;
	unsigned missing;
};

static bool listeners_take_owner(void *arg, pid_t pid, int fd, uint64_t inode)
{
	struct listeners_search *s = arg;

	for (unsigned i = 0; i < s->all->n; i++) {
		struct listener *x = &s->all->list[i];

		if (x->inode != inode || x->pid)
			continue;
		x->pid = pid;
		x->fd = fd;
		s->missing--;
	}
	return s->missing > 0;
}

/* Returns whether all processes could be looked at. */
static bool listeners_find_owners(struct listeners *l, unsigned missing)
{
	struct listeners_search s = { l, missing };

	return process_sockets_of_all(listeners_take_owner, &s) == 0;
}

/* Do not count a search that could not be made. */
static void listeners_forgive_searches(struct listeners *l)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->list[i].pid == 0)
			l->list[i].searches = 0;
}

int listeners_find(const uint16_t *ports, unsigned n_ports,
		   const struct listeners *before, struct listeners *out,
		   struct err *err)
{
	static struct listeners now; /* too large for a stack */
	struct search s = { ports, n_ports, &now };
	unsigned missing;

	now.n = 0;
	if (listeners_dump_sockets(&s, err) < 0)
		return -1;
	missing = listeners_take_known_owners(before, &now);
	if (missing > 0 && !listeners_find_owners(&now, missing))
		listeners_forgive_searches(&now);
	*out = now;
	return 0;
}
