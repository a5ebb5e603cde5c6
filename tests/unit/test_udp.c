/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDP sockets of the daemon, in a network namespace of the test's own: only
 * there may it have addresses that come and go.
 */
#define _GNU_SOURCE
#include "udp.h"
#include "suite.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool possible; /* without rights there are no namespaces to be had */

static void set_lo(unsigned long request, struct ifreq *r)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ioctl(fd, request, r), 0);
	close(fd);
}

static void enter(void)
{
	struct ifreq r = { .ifr_name = "lo" };

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		printf("skipped: no network namespace: %m\n");
		return;
	}
	possible = true;
	r.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
	set_lo(SIOCSIFFLAGS, &r);
}

static struct addr parse(const char *text)
{
	struct addr a;

	ck_assert_int_eq(addr_parse(text, &a), 0);
	return a;
}

static void add_v4(const char *text)
{
	struct ifreq r = { .ifr_name = "lo:1" };
	struct sockaddr_in *sin = (struct sockaddr_in *)&r.ifr_addr;
	struct addr a = parse(text);

	sin->sin_family = AF_INET;
	memcpy(&sin->sin_addr, a.octets, 4);
	set_lo(SIOCSIFADDR, &r);
}

static ssize_t receive_now(int fd, char *text, size_t size, struct addr *from)
{
	struct udp_arrival arrival = { 0 };
	ssize_t n = udp_receive(fd, text, size, &arrival);

	*from = arrival.from;
	return n;
}

static ssize_t receive(int fd, char *text, size_t size, struct addr *from)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	return receive_now(fd, text, size, from);
}

static void exchange(const char *one, const char *other)
{
	struct addr a = parse(one), b = parse(other), from;
	struct err err = { "" };
	char text[16];
	int fd_a, fd_b;

	if (!possible)
		return;
	fd_a = udp_open(&a, &err);
	ck_assert_msg(fd_a >= 0, "%s", err.text);
	fd_b = addr_equal(&a, &b) ? fd_a : udp_open(&b, &err);
	ck_assert_msg(fd_b >= 0, "%s", err.text);
	ck_assert_int_lt(receive_now(fd_b, text, sizeof(text), &from), 0);
	ck_assert_int_eq(udp_send(fd_a, &(struct udp_way){ .to = b }, "hello", 5, &err),
			 0);
	ck_assert_int_eq(receive(fd_b, text, sizeof(text), &from), 5);
	ck_assert(addr_equal(&from, &a));
	close(fd_a);
	if (fd_b != fd_a)
		close(fd_b);
}

CASE(udp, .setup = enter, .timeout = 60)

TEST(ipv4)
{
	exchange("127.0.0.1", "127.0.0.2");
}

TEST(ipv6)
{
	exchange("::1", "::1"); /* lo has no other: to itself */
}

/* A router answers from the address that it was asked at. */
TEST(bound_to_all_it_tells_where_to)
{
	struct addr cache = parse("127.0.0.2"), router = parse("127.0.0.3"), from;
	struct udp_way way = { .to = router };
	struct pollfd p = { .events = POLLIN };
	struct udp_arrival arrival;
	struct err err = { "" };
	char text[16];
	int fd, far;

	if (!possible)
		return;
	far = udp_open(&cache, &err);
	fd = udp_open_any(ADDR_V4, &err);
	ck_assert_int_lt(fd, 0); /* port 2048 of an address is taken, and so of all */
	ck_assert_ptr_nonnull(strstr(err.text, "port 2048"));
	close(far);
	fd = udp_open_any(ADDR_V4, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	way.local = cache;
	ck_assert_int_eq(udp_send(fd, &way, "hello", 5, &err), 0);
	p.fd = fd;
	ck_assert_int_eq(poll(&p, 1, 5000), 1);
	ck_assert_int_eq(udp_receive(fd, text, sizeof(text), &arrival), 5);
	ck_assert(addr_equal(&arrival.from, &cache));
	ck_assert(addr_equal(&arrival.to, &router));
	ck_assert(addr_equal(&arrival.local, &router));
	way.to = arrival.from;
	way.local = arrival.local;
	ck_assert_int_eq(udp_send(fd, &way, "you too", 7, &err), 0);
	ck_assert_int_eq(receive(fd, text, sizeof(text), &from), 7);
	ck_assert(addr_equal(&from, &router));
	close(fd);
}

/* IOS takes datagrams with an identification of 0 for duplicates. */
TEST(no_path_mtu_discovery)
{
	struct addr a = parse("127.0.0.1");
	struct err err;
	int fd, value = -1;
	socklen_t len = sizeof(value);

	if (!possible)
		return;
	fd = udp_open(&a, &err);
	ck_assert_int_eq(getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, &len), 0);
	ck_assert_int_eq(value, IP_PMTUDISC_DONT);
	ck_assert_int_eq(getsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &value, &len),
			 0);
	ck_assert_int_eq(value, 0);
	close(fd);
}

/* The answers of 32 routers in 64 groups, 1.5 KB each, before anything is read. */
TEST(room_for_all_answers_at_once)
{
	enum { ANSWERS = 64 * 32, OCTETS = 1472 };
	struct addr self = parse("127.0.0.1"), router = parse("127.0.0.2"), from;
	static char octets[OCTETS];
	struct err err = { "" };
	int fd, far, n = 0;

	if (!possible || geteuid() != 0)
		return; /* the kernel's limits hold for others */
	fd = udp_open(&self, &err);
	far = udp_open(&router, &err);
	for (int i = 0; i < ANSWERS; i++)
		ck_assert_int_eq(udp_send(far, &(struct udp_way){ .to = self }, octets,
					  OCTETS, &err),
				 0);
	while (receive_now(fd, octets, OCTETS, &from) > 0)
		n++;
	ck_assert_int_eq(n, ANSWERS);
	close(fd);
	close(far);
}

TEST(is_it_here)
{
	struct addr here = parse("127.0.0.1"), away = parse("192.0.2.99");
	struct addr here6 = parse("::1"), away6 = parse("2001:db8::99");

	if (!possible)
		return;
	ck_assert(udp_is_local(&here) && udp_is_local(&here6));
	ck_assert(!udp_is_local(&away) && !udp_is_local(&away6));
}

TEST(address_comes_later)
{
	struct addr self = parse("192.0.2.7"), to = parse("127.0.0.1"), from;
	struct err err = { "" };
	char text[16];
	int fd, peer;

	if (!possible)
		return;
	peer = udp_open(&to, &err);
	fd = udp_open(&self, &err); /* nobody here has it yet */
	ck_assert_msg(fd >= 0, "%s", err.text);
	add_v4("192.0.2.7");
	ck_assert_int_eq(udp_send(fd, &(struct udp_way){ .to = to }, "hello", 5, &err),
			 0);
	ck_assert_int_eq(receive(peer, text, sizeof(text), &from), 5);
	ck_assert(addr_equal(&from, &self));
	ck_assert_int_eq(
		udp_send(peer, &(struct udp_way){ .to = self }, "you too", 7, &err), 0);
	ck_assert_int_eq(receive(fd, text, sizeof(text), &from), 7);
	close(fd);
	close(peer);
}

TEST(no_way_is_an_error_with_words)
{
	struct addr self = parse("127.0.0.1"), to = parse("198.51.100.1");
	struct addr group = parse("239.1.2.3");
	struct err err = { "" };
	int fd;

	if (!possible)
		return;
	fd = udp_open(&self, &err);
	ck_assert_int_lt(udp_send(fd, &(struct udp_way){ .to = to }, "x", 1, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot send to 198.51.100.1"));
	ck_assert_int_lt(udp_join(&group, 4711, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.text, "cannot join 239.1.2.3"));
	close(fd);
}

/* Squid's own WCCP, as a rule. */
TEST(who_has_the_port_is_named)
{
	struct addr self = parse("127.0.0.1");
	struct err err = { "" };
	char who[64];
	int fd;

	if (!possible)
		return;
	fd = udp_open_any(ADDR_V4, &err);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_lt(udp_open(&self, &err), 0);
	snprintf(who, sizeof(who), "test_udp (process %d) has it", (int)getpid());
	ck_assert_msg(strstr(err.text, who) != NULL, "%s", err.text);
	ck_assert_ptr_nonnull(strstr(err.text, "wccp2_router"));
	close(fd);
}

/* The kernel refuses what comes to a port that nobody has, and says so. */
TEST(reports_of_what_does_not_arrive)
{
	struct addr self = parse("127.0.0.1"), closed = parse("127.0.0.2"), to;
	struct udp_way way = { .to = closed };
	struct err err = { "" };
	int fd, error;

	if (!possible)
		return;
	fd = udp_open(&self, &err);
	ck_assert_int_eq(udp_tell_errors(fd, ADDR_V4, &err), 0);
	ck_assert_int_eq(udp_take_error(fd, &to), 0);
	ck_assert_int_eq(udp_send(fd, &way, "x", 1, &err), 0);
	/* The report is pending now: it must not keep the next one from being sent. */
	ck_assert_int_eq(udp_send(fd, &way, "y", 1, &err), 0);
	for (int i = 0; i < 2; i++) {
		error = udp_take_error(fd, &to);
		ck_assert_int_eq(error, ECONNREFUSED);
		ck_assert(addr_equal(&to, &closed));
	}
	ck_assert_int_eq(udp_take_error(fd, &to), 0);
	ck_assert_ptr_nonnull(strstr(udp_error_text(error), "nothing has UDP port"));
	ck_assert_ptr_null(udp_error_text(EMSGSIZE));
	close(fd);
}

static void lay_cable(void)
{
	ck_assert_int_eq(system("ip link add va type veth peer name vb && "
				"ip link set va up && ip link set vb up && "
				"ip address add 192.0.2.1/24 dev va && "
				"ip address add 192.0.2.9/24 dev va && "
				"ip address add 2001:db8::1/64 dev va nodad && "
				"ip address add 2001:db8::9/64 dev va nodad && "
				/* Both ends are here: what comes is from ourselves. */
				"sysctl -q -w net.ipv4.conf.vb.accept_local=1 "
				"net.ipv4.conf.all.rp_filter=0 "
				"net.ipv4.conf.vb.rp_filter=0"),
			 0);
}

/* From one end of a cable to the other. */
static void group(const char *self_text, const char *group_text)
{
	struct pollfd p = { .events = POLLIN };
	struct addr self = parse(self_text), all = parse(group_text), from;
	struct err err = { "" };
	char text[16];
	struct udp_way way = { .to = all, .local = self, .hops = 3 };
	int fd, ears;

	if (!possible)
		return;
	lay_cable();
	way.ifindex = if_nametoindex("va");
	fd = udp_open(&self, &err);
	ck_assert_msg(fd >= 0, "%s", err.text);
	ears = udp_join(&all, if_nametoindex("vb"), &err);
	ck_assert_msg(ears >= 0, "%s", err.text);
	/* A cable is up a moment after it was said to be, and drops until then. */
	for (p.fd = ears; poll(&p, 1, 100) == 0;)
		ck_assert_msg(udp_send(fd, &way, "all", 3, &err) == 0, "%s", err.text);
	ck_assert_int_eq(receive(ears, text, sizeof(text), &from), 3);
	ck_assert(addr_equal(&from, &self)); /* not that of the interface */
	/* Our own words do not come back. */
	ck_assert_int_lt(receive_now(fd, text, sizeof(text), &from), 0);
	close(fd);
	close(ears);
}

TEST(group4)
{
	group("192.0.2.9", "239.1.2.3"); /* the second address there */
}

TEST(group6)
{
	group("2001:db8::9", "ff02::1234"); /* needs the scope of its interface */
}
