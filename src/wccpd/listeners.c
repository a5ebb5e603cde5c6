/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening sockets by sock_diag, their owners by /proc. */
#include "listeners.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netlink/cache.h>
#include <netlink/idiag/idiagnl.h>
#include <netlink/idiag/msg.h>
#include <netlink/netlink.h>
#include <netlink/object.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct search {
	const uint16_t *ports;
	unsigned n_ports;
	struct listeners *found;
};

static bool is_wanted(const struct search *s, uint16_t port)
{
	for (unsigned i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return true;
	return false;
}

static void take_socket(struct nl_object *object, void *arg)
{
	struct idiagnl_msg *msg = (struct idiagnl_msg *)object;
	struct search *s = arg;
	uint16_t port = ntohs(idiagnl_msg_get_sport(msg)); /* as on the wire */

	if (idiagnl_msg_get_state(msg) != IDIAG_SS_LISTEN || !is_wanted(s, port) ||
	    s->found->n == LISTENERS_MAX)
		return;
	s->found->list[s->found->n++] = (struct listener){
		.port = port,
		.inode = idiagnl_msg_get_inode(msg),
		.fd = -1,
	};
}

static int dump_sockets(struct search *s, struct err *err)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct nl_cache *cache = NULL;
	int rc;

	if (!sock)
		return err_set(err, "sock_diag: out of memory");
	rc = idiagnl_connect(sock);
	if (rc == 0)
		rc = idiagnl_msg_alloc_cache(sock, AF_UNSPEC, 1 << IDIAG_SS_LISTEN, &cache);
	if (rc == 0)
		nl_cache_foreach(cache, take_socket, s);
	if (cache)
		nl_cache_free(cache);
	nl_socket_free(sock);
	return rc == 0 ? 0 : err_set(err, "sock_diag: %s", nl_geterror(rc));
}

/* An owner that cannot be seen from here (another pid namespace) must not cost a
 * walk through /proc on every call. */
enum { MAX_SEARCHES = 5 };

/* Returns how many owners are still to be found. */
static unsigned take_known_owners(const struct listeners *before, struct listeners *l)
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

static uint64_t socket_inode(int dirfd, const char *name)
{
	char link[64];
	unsigned long long inode;
	ssize_t n = readlinkat(dirfd, name, link, sizeof link - 1);

	if (n <= 0)
		return 0;
	link[n] = '\0';
	return sscanf(link, "socket:[%llu]", &inode) == 1 ? inode : 0;
}

/* Look through the descriptors of one process; returns how many were found. */
static unsigned search_process(pid_t pid, struct listeners *l)
{
	char path[64];
	unsigned found = 0;
	DIR *dir;
	struct dirent *entry;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		uint64_t inode = socket_inode(dirfd(dir), entry->d_name);
		for (unsigned i = 0; inode && i < l->n; i++) {
			struct listener *x = &l->list[i];
			if (x->inode != inode || x->pid)
				continue;
			x->pid = pid;
			x->fd = atoi(entry->d_name);
			found++;
		}
	}
	closedir(dir);
	return found;
}

static void find_owners(struct listeners *l, unsigned missing)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && missing > 0 && (entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);
		if (pid > 0)
			missing -= search_process(pid, l);
	}
	if (dir)
		closedir(dir);
}

int listeners_find(const uint16_t *ports, unsigned n_ports,
		   const struct listeners *before, struct listeners *out,
		   struct err *err)
{
	static struct listeners now; /* too large for a stack */
	struct search s = { ports, n_ports, &now };
	unsigned missing;

	now.n = 0;
	if (dump_sockets(&s, err) < 0)
		return -1;
	missing = take_known_owners(before, &now);
	if (missing > 0)
		find_owners(&now, missing);
	*out = now;
	return 0;
}
