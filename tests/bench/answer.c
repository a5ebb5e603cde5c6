/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer: the cheapest HTTP server that is still one.  Takes a connection, waits
 * for a request, answers 200 with a small body, closes.
 *
 *   answer [-p] ADDR:PORT...
 *
 * Listening sockets are transparent (IP_TRANSPARENT), as a Squid's tproxy ports
 * are, so that all ways of steering can be compared on the same listeners; with -p they
 * are plain.  SIGUSR1 makes it print, in one line, how many connections each has taken.
 */
#include "config.h" /* the GNU extensions */

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_LISTENERS = 8, BACKLOG = 4096 };

static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n"
			    "Connection: close\r\n\r\nhello\n";

static int listeners[MAX_LISTENERS], n_listeners, epfd, transparent = 1;
static unsigned long taken[MAX_LISTENERS];
static volatile sig_atomic_t asked;

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "answer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

static void listen_on(const char *text)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	char host[INET_ADDRSTRLEN];
	unsigned port;
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (n_listeners == MAX_LISTENERS ||
	    sscanf(text, "%15[0-9.]:%u", host, &port) != 2 || port > 65535 ||
	    inet_pton(AF_INET, host, &addr.sin_addr) != 1) {
		errno = EINVAL;
		die(text);
	}
	addr.sin_port = htons((uint16_t)port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &transparent, sizeof(transparent)) ||
	    bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, BACKLOG))
		die(text);
	watch(fd);
	listeners[n_listeners++] = fd;
}

static bool is_listener(int fd)
{
	for (int i = 0; i < n_listeners; i++)
		if (listeners[i] == fd)
			return true;
	return false;
}

/* One read takes a whole request: they are small and sent at once.  Returns
 * false when nothing is there yet. */
static bool serve(int fd)
{
	char request[4096];
	ssize_t n = recv(fd, request, sizeof(request), 0);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n > 0)
		send(fd, reply, sizeof(reply) - 1, MSG_NOSIGNAL);
	close(fd);
	return true;
}

static void take(int listener)
{
	/* A bounded number, so that those already taken get their turn. */
	for (int i = 0; i < 16; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		for (int k = 0; k < n_listeners; k++)
			taken[k] += listeners[k] == listener;
		if (!serve(fd))
			watch(fd);
	}
}

static void on_usr1(int signal)
{
	(void)signal;
	asked = 1;
}

static void tell(void)
{
	asked = 0;
	for (int i = 0; i < n_listeners; i++)
		printf("%lu%c", taken[i], i + 1 < n_listeners ? ' ' : '\n');
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct epoll_event events[256];

	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epfd < 0)
		die("epoll_create1");
	if (argc > 1 && strcmp(argv[1], "-p") == 0) {
		transparent = 0;
		argv++;
		argc--;
	}
	for (int i = 1; i < argc; i++)
		listen_on(argv[i]);
	signal(SIGUSR1, on_usr1);
	for (;;) {
		int n = epoll_wait(epfd, events, 256, -1);

		if (asked)
			tell();

		for (int i = 0; i < n; i++) {
			if (is_listener(events[i].data.fd))
				take(events[i].data.fd);
			else
				serve(events[i].data.fd);
		}
	}
}
