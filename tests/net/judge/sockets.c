/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This process is the instances: it has their listeners and their connections. */
#include "judge.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct flow flows[FLOWS];
static int listeners[2];

static struct sockaddr_in socket_address(uint32_t addr, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(addr),
				     .sin_port = htons(port) };
}

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(2);
}

static int open_socket(uint32_t addr, uint16_t port, bool transparent)
{
	struct sockaddr_in a = socket_address(addr, port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (transparent &&
	     setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on)) < 0) ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		fail("socket");
	return fd;
}

static int open_listener(uint16_t port, bool transparent)
{
	int fd = open_socket(0, port, transparent);

	if (listen(fd, 16) < 0)
		fail("listen");
	return fd;
}

/* In repair mode a connection is there without a packet. */
static void open_flow(const struct flow *f)
{
	struct sockaddr_in peer = socket_address(f->client, f->client_port);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct sockaddr_in self = socket_address(f->server, f->server_port);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&self, sizeof(self)) < 0 ||
	    connect(fd, (struct sockaddr *)&peer, sizeof(peer)) < 0)
		fail("flow");
}

void sockets_open(void)
{
	static const uint16_t ports[] = { 80, 443, 8080, 5000 };

	listeners[0] = open_listener(3129, true);
	listeners[1] = open_listener(3130, true);
	/* Bystanders: nothing that is redirected is theirs. */
	open_listener(5000, false);
	open_listener(8080, true);
	for (unsigned i = 0; i < FLOWS; i++) {
		flows[i] = (struct flow){
			.client = ADDRESS(10, 1, 7, 1 + i),
			.client_port = (uint16_t)(40000 + i),
			/* Some are of the box itself: not for who wraps packets. */
			.server = i % 16 == 15 ? ADDRESS(10, 5, 0, 9)
					       : ADDRESS(198, 51, 100, 1 + i % 8),
			.server_port = ports[i % 4],
		};
		open_flow(&flows[i]);
	}
}

void sockets_add(struct plan_pool *pool, unsigned instance, unsigned number)
{
	struct plan_listener *l = &pool->listeners[pool->n_listeners++];
	struct stat st;

	fstat(listeners[number], &st);
	*l = (struct plan_listener){ .inode = st.st_ino,
				     .pid = getpid(),
				     .fd = listeners[number],
				     .instance = (uint16_t)instance };
}
