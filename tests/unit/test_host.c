/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon sees of its host: sockets, processes, answers to probes. */
#include "kernel/features.h"
#include "wccpd/pool/listeners.h"
#include "wccpd/pool/pidfile.h"
#include "wccpd/pool/probe.h"
#include "wccpd/pool/watch.h"
#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A listening socket on a free port of the loopback address, or on *port if it is not 0,
 * beside others there. */
static int listen_somewhere(int family, uint16_t *port)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} a = { .sa.sa_family = (sa_family_t)family };
	socklen_t len = sizeof(a);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (family == AF_INET)
		a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.v4.sin_port = htons(*port); /* at the same place in both */
	ck_assert_int_ge(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	ck_assert_int_eq(bind(fd, &a.sa, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, &a.sa, &len), 0);
	*port = ntohs(family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
	return fd;
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

static const struct listener *find_inode(const struct listeners *l, uint64_t inode)
{
	for (unsigned i = 0; i < l->n; i++)
		if (l->list[i].inode == inode)
			return &l->list[i];
	return NULL;
}

static struct listeners_scan *scan;
static struct listeners found;

static void begin(void)
{
	scan = listeners_scan_new();
	ck_assert_ptr_nonnull(scan);
}

static void end(void)
{
	listeners_scan_free(scan);
}

static void look(void)
{
	struct err err;

	ck_assert_msg(listeners_scan_look(scan, &found, &err) == 0, "%s", err.text);
}

static void look_at(uint16_t port)
{
	listeners_scan_set_ports(scan, &port, 1);
	look();
}

static void check_found(int family)
{
	uint16_t port = 0;
	int fd = listen_somewhere(family, &port);
	const struct listener *l;

	look_at(port);
	l = find_inode(&found, inode_of(fd));
	ck_assert_ptr_nonnull(l);
	ck_assert_uint_eq(l->port, port);
	ck_assert_int_eq(l->pid, getpid());
	ck_assert_int_eq(l->fd, fd);
	close(fd);
	look();
	ck_assert_uint_eq(found.n, 0);
}

CASE(host, .setup = begin, .teardown = end, .timeout = 30)

TEST(finds_a_listener_and_its_owner)
{
	check_found(AF_INET);
}

/* Squid listens on the IPv6 wildcard address and takes IPv4 through it. */
TEST(finds_a_listener_of_ipv6)
{
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd < 0)
		return; /* a kernel without IPv6 has no such listeners */
	close(fd);
	check_found(AF_INET6);
}

/* The workers of an SMP Squid listen at one address and port, each by a socket of its
 * own. */
TEST(finds_each_of_several_at_one_port)
{
	enum { WORKERS = 4 };
	uint16_t port = 0;
	int fds[WORKERS];

	for (unsigned i = 0; i < WORKERS; i++)
		fds[i] = listen_somewhere(AF_INET, &port);
	look_at(port);
	ck_assert_uint_eq(found.n, WORKERS);
	for (unsigned i = 0; i < WORKERS; i++) {
		const struct listener *l = find_inode(&found, inode_of(fds[i]));

		ck_assert_ptr_nonnull(l);
		ck_assert_int_eq(l->pid, getpid());
		ck_assert_int_eq(l->fd, fds[i]);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		close(fds[i]);
}

TEST(leaves_other_ports_alone)
{
	uint16_t port = 0, other = 0;
	int fd = listen_somewhere(AF_INET, &port);
	int fd2 = listen_somewhere(AF_INET, &other);

	look_at(port);
	ck_assert_uint_eq(found.n, 1);
	ck_assert_ptr_null(find_inode(&found, inode_of(fd2)));
	close(fd);
	close(fd2);
}

TEST(keeps_owners_found_before)
{
	uint16_t port = 0;
	int fd = listen_somewhere(AF_INET, &port), moved;

	look_at(port);
	ck_assert_uint_eq(found.n, 1);
	moved = dup(fd); /* what is searched for again is found there */
	close(fd);
	look();
	ck_assert_int_eq(found.list[0].pid, getpid());
	ck_assert_int_eq(found.list[0].fd, fd);
	close(moved);
}

/* Listening sockets on each of the ports from `first`, `step` apart; their number. */
static int listen_on_many(uint16_t first, uint16_t step, int *fds, int n)
{
	int made = 0;

	for (int i = 0; i < n; i++) {
		struct sockaddr_in a = {
			.sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
			.sin_port = htons((uint16_t)(first + i * step)),
		};
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		    listen(fd, 1) == 0)
			fds[made++] = fd;
		else
			close(fd);
	}
	return made;
}

/* Of every third port up to all of them: what the kernel's filter lets through is what was
 * asked for. */
TEST(many_ports)
{
	enum { PORTS = 600, FIRST = 21000 };
	static int fds[PORTS];
	int made = listen_on_many(FIRST, 1, fds, PORTS);

	ck_assert_int_gt(made, PORTS / 2);
	for (unsigned step = 1; step <= 100; step += 11) {
		uint16_t ports[LISTENERS_PORTS];
		unsigned n = 0;

		for (unsigned i = step / 2; i < PORTS; i += step)
			ports[n++] = (uint16_t)(FIRST + i);
		listeners_scan_set_ports(scan, ports, n);
		look();
		for (int i = 0; i < made; i++) {
			struct sockaddr_in a;
			socklen_t len = sizeof(a);
			bool wanted;

			getsockname(fds[i], (struct sockaddr *)&a, &len);
			wanted = (ntohs(a.sin_port) - FIRST) % step == step / 2;
			ck_assert_int_eq(find_inode(&found, inode_of(fds[i])) != NULL,
					 wanted);
		}
	}
	for (int i = 0; i < made; i++)
		close(fds[i]);
}

/* -- strangers at the port of an instance ------------------------------------------ */

static int listen_at(uint32_t address, uint16_t port, bool transparent)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(address),
		.sin_port = htons(port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = transparent;

	ck_assert_int_ge(fd, 0);
	if (transparent)
		ck_assert_int_eq(setsockopt(fd, SOL_IP, IP_TRANSPARENT, &on, sizeof(on)),
				 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	return fd;
}

/* Far more than there is room for, and older than the instance. */
TEST(strangers_fill_no_places)
{
	enum { STRANGERS = LISTENERS_MAX + 100, PORT = 21999 };
	static int fds[STRANGERS];
	const struct rlimit many = { STRANGERS + 100, STRANGERS + 100 };
	const struct listener *l;
	unsigned n;
	int ours;

	if (geteuid() != 0 || setrlimit(RLIMIT_NOFILE, &many) < 0)
		return; /* a transparent socket needs privileges */
	for (int i = 0; i < STRANGERS; i++)
		fds[i] = listen_at(0x7f010000 + (uint32_t)i, PORT, false);
	look_at(PORT);
	ck_assert_uint_eq(found.n, LISTENERS_PLAIN);
	ours = listen_at(INADDR_LOOPBACK, PORT, true);
	look();
	l = listeners_at(&found, PORT, &n);
	ck_assert_uint_eq(n, LISTENERS_PLAIN + 1);
	ck_assert(!l->plain && l[1].plain);
	ck_assert_uint_eq(l->inode, inode_of(ours));
	ck_assert_int_eq(l->pid, getpid());
	for (int i = 0; i < STRANGERS; i++)
		close(fds[i]);
	close(ours);
}

/* -- pid files -------------------------------------------------------------------- */

static char pid_path[64];
static struct err why;

static void write_pid(int pid)
{
	FILE *f;

	snprintf(pid_path, sizeof(pid_path), "/tmp/test_host.%d.pid", (int)getpid());
	f = fopen(pid_path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "%d\n", pid);
	fclose(f);
}

/* As the default filter of a container does. */
TEST(a_forbidden_system_call_is_not_called_missing)
{
	struct sock_filter program[] = {
		{ BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr) },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_pidfd_getfd },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM },
		{ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
	};
	struct sock_fprog filter = { .len = 4, .filter = program };
	struct err err = { "" };
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
			_exit(1);
		_exit(kernel_check_pidfd(&err) == 0 || strstr(err.text, "lacks") ||
		      !strstr(err.text, "seccomp"));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

/* Its owner may put anything there. */
TEST(a_pid_file_that_is_none_does_not_stop_us)
{
	char target[80];

	write_pid(4711);
	snprintf(target, sizeof(target), "%s.real", pid_path);
	ck_assert_int_eq(rename(pid_path, target), 0);
	ck_assert_int_eq(symlink(target, pid_path), 0);
	ck_assert_int_eq(pidfile_read(pid_path, &why), 0);
	unlink(pid_path);
	unlink(target);
	ck_assert_int_eq(mkfifo(pid_path, 0600), 0);
	alarm(5); /* nobody ever writes to it */
	ck_assert_int_eq(pidfile_read(pid_path, &why), 0);
	alarm(0);
	unlink(pid_path);
	ck_assert_int_eq(pidfile_read("/proc", &why), 0);
}

TEST(a_pid_file_covers_the_process_and_its_children)
{
	pid_t child;

	write_pid((int)getpid());
	child = fork();
	if (child == 0)
		_exit(pidfile_covers(pid_path, getpid()) ? 0 : 1);
	int status;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	ck_assert_int_eq(pidfile_read(pid_path, &why), getpid());
	ck_assert(pidfile_covers(pid_path, getpid()));
	ck_assert(!pidfile_covers(pid_path, 1));
	unlink(pid_path);
	ck_assert(!pidfile_covers(pid_path, getpid()));
	ck_assert_int_eq(pidfile_read(pid_path, &why), 0);
}

/* Who can write into a pid file must not choose processes of others by it. */
TEST(a_pid_file_of_a_user_names_processes_of_that_user)
{
	enum { USER = 65534 };
	pid_t theirs;

	if (geteuid() != 0)
		return;
	theirs = fork();
	if (theirs == 0) {
		if (setgid(USER) == 0 && setuid(USER) == 0)
			pause();
		_exit(1);
	}
	write_pid((int)getpid());
	ck_assert_int_eq(pidfile_read(pid_path, &why), getpid());
	ck_assert_int_eq(chown(pid_path, USER, USER), 0);
	ck_assert_int_eq(pidfile_read(pid_path, &why), 0);
	ck_assert_msg(strstr(why.text, "belongs to user 65534"), "%s", why.text);
	ck_assert(!pidfile_covers(pid_path, getpid()));
	write_pid((int)theirs); /* the file stays theirs */
	while (pidfile_read(pid_path, &why) != theirs)
		usleep(1000); /* until it is no longer root */
	kill(theirs, SIGKILL);
	waitpid(theirs, NULL, 0);
	unlink(pid_path);
}

/* -- the end of a process -------------------------------------------------------- */

static struct event_base *base;

static void ended(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	*(bool *)arg = true;
	event_base_loopbreak(base);
}

TEST(tells_the_end_of_a_process)
{
	struct timeval limit = { .tv_sec = 10 };
	struct watch w;
	bool told = false;
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	base = event_base_new();
	ck_assert_int_eq(watch_start(&w, base, child, ended, &told), 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert(!told);
	kill(child, SIGKILL);
	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
	ck_assert(told);
	watch_stop(&w);
	waitpid(child, NULL, 0);
	ck_assert_int_eq(watch_start(&w, base, child, ended, &told), -1);
	event_base_free(base);
}

/* -- probes -------------------------------------------------------------------------- */

struct verdict {
	unsigned calls;
	const char *failure;
};

static void take_verdict(void *arg, const char *failure)
{
	struct verdict *v = arg;

	v->calls++;
	v->failure = failure;
	event_base_loopbreak(base);
}

/* A server that accepts one connection, answers `text` (NULL: never), closes. */
static pid_t serve_once(int listener, const char *text)
{
	pid_t pid = fork();
	char request[256];
	int fd;

	if (pid != 0)
		return pid;
	fd = accept(listener, NULL, NULL);
	if (!text) {
		pause();
	} else if (read(fd, request, sizeof(request)) > 0) {
		if (write(fd, text, strlen(text)) < 0)
			_exit(1);
	}
	close(fd);
	_exit(0);
}

static struct verdict probe_server(const char *text, uint32_t timeout_ms)
{
	struct timeval limit = { .tv_sec = 10 };
	struct verdict v = { 0 };
	struct addr loopback = addr_v4(INADDR_LOOPBACK);
	uint16_t port = 0;
	int fd = listen_somewhere(AF_INET, &port);
	pid_t server = serve_once(fd, text);

	close(fd);
	base = event_base_new();
	ck_assert_ptr_nonnull(
		probe_start(base, &loopback, port, false, timeout_ms, take_verdict, &v));
	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
	event_base_free(base);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	ck_assert_uint_eq(v.calls, 1);
	return v;
}

TEST(any_http_status_is_alive)
{
	ck_assert_ptr_null(
		probe_server("HTTP/1.1 403 Forbidden\r\n\r\n", 5000).failure);
}

TEST(another_answer_is_a_failure)
{
	ck_assert_str_eq(probe_server("SSH-2.0-x\r\n", 5000).failure,
			 "answer is not HTTP");
}

TEST(an_early_end_is_a_failure)
{
	ck_assert_str_eq(probe_server("HT", 5000).failure,
			 "connection closed without an answer");
}

TEST(silence_is_a_failure)
{
	ck_assert_str_eq(probe_server(NULL, 50).failure, "no answer in time");
}

TEST(a_closed_port_is_a_failure)
{
	struct timeval limit = { .tv_sec = 10 };
	struct addr loopback = addr_v4(INADDR_LOOPBACK);
	struct verdict v = { 0 };
	uint16_t port;

	close(listen_somewhere(AF_INET, &port));
	base = event_base_new();
	ck_assert_ptr_nonnull(
		probe_start(base, &loopback, port, false, 5000, take_verdict, &v));
	event_base_loopexit(base, &limit);
	event_base_dispatch(base);
	event_base_free(base);
	ck_assert_uint_eq(v.calls, 1);
	ck_assert_str_eq(v.failure, "connection refused or reset");
}

TEST(a_cancelled_probe_says_nothing)
{
	struct addr loopback = addr_v4(INADDR_LOOPBACK);
	struct verdict v = { 0 };
	uint16_t port = 0;
	int fd = listen_somewhere(AF_INET, &port);

	base = event_base_new();
	probe_cancel(probe_start(base, &loopback, port, false, 5000, take_verdict, &v));
	probe_cancel(NULL);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(v.calls, 0);
	event_base_free(base);
	close(fd);
}
