/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One way to accept connections. */
#include "listen.h"

#include "log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BATCH = 16,  /* connections taken in one go */
	RETRY_S = 1, /* without descriptors or memory, until the next try */
};

struct listener_place {
	struct listener *listener;
	int fd; /* -1: free */
	struct event *end;
};

struct listener {
	struct listener_conf conf;
	struct event_base *base;
	int fd;
	struct event *readable, *again;
	bool paused; /* which was logged */
	struct listener_place places[];
};

/* -- places ------------------------------------------------------------------------ */

static struct listener_place *listener_free_place(struct listener *l)
{
	for (unsigned i = 0; i < l->conf.places; i++)
		if (l->places[i].fd < 0)
			return &l->places[i];
	return NULL;
}

void listener_leave(struct listener_place *place)
{
	if (place->end)
		event_del(place->end);
	place->fd = -1;
}

/* Its server then reads the end of the stream and closes. */
static void listener_on_end(evutil_socket_t fd, short what, void *arg)
{
	struct listener_place *place = arg;

	(void)fd, (void)what;
	shutdown(place->fd, SHUT_RDWR);
}

static void listener_seat(struct listener *l, int fd)
{
	struct listener_place *place = listener_free_place(l);
	struct timeval life = { .tv_sec = (time_t)l->conf.life_s };

	if (!place) {
		close(fd);
		return;
	}
	place->fd = fd;
	if (place->end)
		event_add(place->end, &life);
	if (l->conf.accept(l->conf.arg, fd, place) == 0)
		return;
	listener_leave(place);
	close(fd);
}

/* -- accepting --------------------------------------------------------------------- */

/* The client stays in the kernel's queue.  Being woken for it again and again would
 * keep the daemon from all other work. */
static void listener_pause(struct listener *l)
{
	struct timeval later = { .tv_sec = RETRY_S };

	if (!l->paused)
		log_warning("listener-paused", "%s: %s; trying again every second",
			    l->conf.name, strerror(errno));
	l->paused = true;
	event_del(l->readable);
	event_add(l->again, &later);
}

static void listener_accept_some(struct listener *l)
{
	for (unsigned left = BATCH; left > 0; left--) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM)
				listener_pause(l);
			return; /* else none is left, or one that has gone again */
		}
		if (l->paused)
			log_info("listener-resumed", "%s", l->conf.name);
		l->paused = false;
		listener_seat(l, fd);
	}
}

static void listener_on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	listener_accept_some(arg);
}

static void listener_on_again(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd, (void)what;
	event_add(l->readable, NULL);
}

/* -- life -------------------------------------------------------------------------- */

static int listener_add_events(struct listener *l)
{
	for (unsigned i = 0; i < l->conf.places && l->conf.life_s; i++) {
		struct listener_place *place = &l->places[i];

		place->end = evtimer_new(l->base, listener_on_end, place);
		if (!place->end)
			return -1;
	}
	l->again = evtimer_new(l->base, listener_on_again, l);
	l->readable = event_new(l->base, l->fd, EV_READ | EV_PERSIST,
				listener_on_readable, l);
	return l->again && l->readable ? event_add(l->readable, NULL) : -1;
}

static void listener_free_events(struct listener *l)
{
	for (unsigned i = 0; i < l->conf.places; i++)
		if (l->places[i].end)
			event_free(l->places[i].end);
	if (l->again)
		event_free(l->again);
	if (l->readable)
		event_free(l->readable);
}

struct listener *listener_new(struct event_base *base, int fd,
			      const struct listener_conf *conf, struct err *err)
{
	struct listener *l =
		calloc(1, sizeof(*l) + conf->places * sizeof(l->places[0]));

	if (!l) {
		err_set(err, "out of memory");
		return NULL;
	}
	l->conf = *conf;
	l->base = base;
	l->fd = fd;
	for (unsigned i = 0; i < conf->places; i++)
		l->places[i] = (struct listener_place){ .listener = l, .fd = -1 };
	if (listener_add_events(l) == 0)
		return l;
	err_set(err, "out of memory");
	listener_free_events(l);
	free(l);
	return NULL;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	listener_free_events(l);
	close(l->fd);
	free(l);
}
