/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams on their way from the sockets to the services. */
#include "wccpd/receive.h"

#include "clock.h"
#include "log.h"
#include "udp.h"
#include "wccpd/daemon.h"
#include "wccpd/services.h"

enum { RECEIVE_BURST = 64 }; /* datagrams per wake-up: timers must not starve */

static struct service *receive_find_service(struct daemon *d,
					    const struct codec_datagram *g)
{
	struct wccp_service id = { .type = g->service_type, .id = g->service_id };

	for (unsigned i = 0; i < d->n_services; i++)
		if (wccp_same_group(&d->services[i].id, &id))
			return &d->services[i];
	return NULL;
}

/* For datagrams that belong to no group. */
static void receive_complain(const char *event, const struct addr *from,
			     const char *text, struct mono now)
{
	log_complain(event, from, NULL, now, "datagram from %s refused: %s",
		     ADDR_TEXT(from), text);
}

static void receive_take(struct daemon *d, size_t len, const struct addr *from,
			 struct mono now)
{
	struct cache_event ev = { .type = CACHE_EV_RX, .now = now };
	struct codec_datagram datagram;
	enum codec_refusal r = codec_open(d->datagram, len, &datagram);
	struct service *s;

	if (r != CODEC_OK) {
		d->refused[r]++;
		receive_complain(codec_refusal_name(r), from, codec_refusal_name(r),
				 now);
		return;
	}
	s = receive_find_service(d, &datagram);
	if (!s) {
		d->unknown_service++;
		receive_complain("unknown-service", from, "not one of our services",
				 now);
		return;
	}
	ev.u.rx.from = *from;
	ev.u.rx.far = !dp_is_near(d->dp, from);
	ev.u.rx.datagram = &datagram;
	services_step(d, s, &ev);
}

/* Error reports have a queue of their own, but wake us like datagrams. */
static void receive_reports(struct daemon *d, int fd)
{
	struct addr to;

	for (int i = 0; i < RECEIVE_BURST; i++) {
		int error = udp_take_error(fd, &to);
		const char *why = udp_error_text(error);

		if (!error)
			break;
		if (why)
			services_tell_unreachable(d, &to, why);
	}
}

void receive_datagrams(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct mono now = clock_now();
	struct udp_arrival arrival;
	ssize_t n;

	(void)what;
	receive_reports(d, fd);
	for (int i = 0; i < RECEIVE_BURST; i++) {
		n = udp_receive(fd, d->datagram, sizeof(d->datagram), &arrival);
		if (n < 0)
			break;
		receive_take(d, (size_t)n, &arrival.from, now);
	}
	services_settle(d);
}
