/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One HTTP health check. */
#include "wccpd/pool/probe.h"

#include "bpf/steer_maps.h"
#include "clock.h"
#include "sockaddr.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Squid answers this itself, from its event loop, without going upstream. */
static const char request[] = "GET /squid-internal-mgr/menu HTTP/1.0\r\n\r\n";
static const char status_line[] = "HTTP/";

struct probe {
	struct bufferevent *bev;
	struct event *timer; /* for the whole check, not for a single read */
	probe_done *done;
	void *arg;
};

void probe_cancel(struct probe *p)
{
	if (!p)
		return;
	if (p->bev)
		bufferevent_free(p->bev);
	if (p->timer)
		event_free(p->timer);
	free(p);
}

static void probe_finish(struct probe *p, const char *failure)
{
	probe_done *done = p->done;
	void *arg = p->arg;

	probe_cancel(p);
	done(arg, failure);
}

static void probe_on_read(struct bufferevent *bev, void *arg)
{
	char head[sizeof(status_line) - 1];

	if (evbuffer_copyout(bufferevent_get_input(bev), head, sizeof(head)) <
	    (ssize_t)sizeof(head))
		return;
	probe_finish(arg, memcmp(head, status_line, sizeof(head)) ? "answer is not HTTP"
								 : NULL);
}

static void probe_on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & BEV_EVENT_EOF)
		probe_finish(arg, "connection closed without an answer");
	else if (what & BEV_EVENT_ERROR)
		probe_finish(arg, "connection refused or reset");
}

static void probe_on_timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	probe_finish(arg, "no answer in time");
}

/* A socket with an address by which the steering program knows it; -1: none. */
static int probe_socket_aside(void)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(STEER_CHECK_SOURCE),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -1;
	/* The port is chosen when it connects. */
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int probe_connect_to(struct probe *p, const struct addr *addr, uint16_t port)
{
	union sockaddr_any to;
	socklen_t len = sockaddr_fill(addr, port, &to);

	bufferevent_setcb(p->bev, probe_on_read, NULL, probe_on_event, p);
	if (bufferevent_enable(p->bev, EV_READ | EV_WRITE) < 0 ||
	    bufferevent_write(p->bev, request, sizeof(request) - 1) < 0)
		return -1;
	return bufferevent_socket_connect(p->bev, &to.any, (int)len);
}

struct probe *probe_start(struct event_base *base, const struct addr *addr,
			  uint16_t port, bool aside, uint32_t timeout_ms,
			  probe_done *done, void *arg)
{
	struct timeval timeout = clock_ms(timeout_ms);
	struct probe *p = calloc(1, sizeof(*p));
	int fd = aside ? probe_socket_aside() : -1;

	if (!p || (aside && fd < 0)) {
		free(p);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	p->done = done;
	p->arg = arg;
	/* Deferred: a connect that fails at once must not call back before the
	 * caller has its pointer. */
	p->bev = bufferevent_socket_new(
		base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	p->timer = evtimer_new(base, probe_on_timeout, p);
	if (!p->bev || !p->timer || evtimer_add(p->timer, &timeout) < 0 ||
	    probe_connect_to(p, addr, port) < 0) {
		probe_cancel(p);
		return NULL;
	}
	return p;
}
