/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An instance that does not count has a reason that says what to mend. */
#include "suite.h"
#include "wccpd/pool/instance.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char pid_path[64];
static struct conf_pool pool = { .name = "web",
				 .interval_ms = 1000,
				 .timeout_ms = 1000 };
static struct conf_instance conf;
static struct instance *in;
static struct event_base *base;

static void changed(void *arg, struct instance *i, enum health_state was)
{
	(void)arg, (void)i, (void)was;
}

static void begin(void)
{
	snprintf(pid_path, sizeof(pid_path), "/tmp/test_obstacle.%d.pid",
		 (int)getpid());
	conf = (struct conf_instance){ .name = "s1", .port = 3129, .check_port = 9 };
	conf.check = addr_v4(INADDR_LOOPBACK);
	base = event_base_new();
	in = instance_new(base, changed, NULL);
	instance_configure(in, &pool, &conf);
}

static void end(void)
{
	instance_free(in);
	event_base_free(base);
	unlink(pid_path);
}

CASE(obstacle, .setup = begin, .teardown = end)

static void write_pid(int pid)
{
	FILE *f = fopen(pid_path, "w");

	fprintf(f, "%d\n", pid);
	fclose(f);
	strcpy(conf.pid_file, pid_path);
}

/* A listener of this process, as the scan would find it. */
static struct listener listener_here(bool transparent)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct stat st;

	if (transparent)
		ck_assert_int_eq(
			setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &on, sizeof(on)), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	return (struct listener){
		.port = conf.port, .inode = st.st_ino, .pid = getpid(), .fd = fd
	};
}

static void reason_is(const struct listener *l, const char *words)
{
	static struct listeners all;

	all.n = l ? 1 : 0;
	if (l)
		all.list[0] = *l;
	instance_see(in, &all);
	ck_assert_uint_eq(in->n_listeners, 0);
	ck_assert_int_eq(in->health.state, HEALTH_ABSENT);
	ck_assert_msg(strstr(instance_reason(in), words), "%s", instance_reason(in));
	ck_assert_str_eq(instance_last_check(in), "-");
}

TEST(wrong_port)
{
	reason_is(NULL, "nothing listens on port 3129");
	write_pid((int)getpid());
	reason_is(NULL, "lives, but nothing listens on port 3129");
}

TEST(pid_file_missing)
{
	struct listener l = listener_here(false);

	strcpy(conf.pid_file, pid_path);
	reason_is(&l, "No such file");
}

TEST(pid_file_stale)
{
	struct listener l = listener_here(false);
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	waitpid(child, NULL, 0);
	write_pid((int)child);
	reason_is(&l, "which does not exist here (stale, or of another pid namespace)");
}

TEST(pid_file_of_another)
{
	struct listener l = listener_here(false);
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	write_pid((int)child);
	reason_is(&l, "which does not descend from process");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

TEST(process_out_of_sight)
{
	struct listener l = listener_here(false);

	l.pid = 0;
	reason_is(&l, "cannot be seen from here");
}

TEST(port_not_transparent)
{
	struct listener l = listener_here(false);

	reason_is(&l, "the port is not transparent (Squid: http_port ... tproxy; "
		      "intercept will not do)");
	reason_is(&l,
		  "the port is not transparent"); /* looked at once, told for ever */
}

TEST(nothing_in_the_way)
{
	static struct listeners all;

	if (geteuid() != 0)
		return; /* IP_TRANSPARENT is for root */
	all.n = 1;
	all.list[0] = listener_here(true);
	write_pid((int)getpid());
	instance_see(in, &all);
	ck_assert_uint_eq(in->n_listeners, 1);
	ck_assert_str_eq(instance_reason(in), "listener found");
}
