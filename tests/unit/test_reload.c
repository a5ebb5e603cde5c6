/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reload takes the new configuration over as a whole, or changes nothing at all. */
#include "conf_file.h"
#include "suite.h"
#include "wccpd/daemon.h"
#include "wccpd/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the allocations that follow, this one fails; 0: none does. */
static int fail_at;

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);

void *__wrap_calloc(size_t n, size_t size)
{
	if (fail_at > 0 && --fail_at == 0)
		return NULL;
	return __real_calloc(n, size);
}

#define TWO                                                                            \
	TOP "pool web { instance s1 { port = 3129 check = 127.0.0.1:4201 } }\n"        \
	    "service web-cache { pool = web routers = { 10.0.1.1 } }\n"                \
	    "service https { pool = web routers = { 10.0.1.1 } }\n"
#define OTHERS                                                                         \
	TOP "pool web { instance s1 { port = 3129 check = 127.0.0.1:4201 }\n"          \
	    "instance s2 { port = 3130 check = 127.0.0.1:4202 } }\n"                   \
	    "pool more { instance s1 { port = 3131 check = 127.0.0.1:4203 } }\n"       \
	    "service web-cache { pool = web routers = { 10.0.1.1 } }\n"                \
	    "service dns { pool = more routers = { 10.0.1.1 } }\n"                     \
	    "service rtsp { pool = web routers = { 10.0.1.1 } }\n"

static struct daemon *d;

static void pools_are_others(void *arg)
{
	(void)arg;
}

static void idle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
}

/* As much of a daemon as a reload needs: no kernel, no sockets. */
static void begin(void)
{
	struct err err;

	conf_file_make();
	d = calloc(1, sizeof(*d));
	d->base = event_base_new();
	d->udp = -1;
	d->timer = evtimer_new(d->base, idle, d);
	d->replan = evtimer_new(d->base, idle, d);
	d->pools = pools_new(d->base, pools_are_others, d);
	d->conf_path = conf_file_path;
	d->conf = conf_file_good(TWO);
	ck_assert_int_eq(reload_take(d, d->conf, &err), 0);
}

static void end(void)
{
	for (unsigned i = 0; i < d->n_services; i++)
		cache_free(d->services[i].cache);
	pools_free(d->pools);
	event_free(d->timer);
	event_free(d->replan);
	event_base_free(d->base);
	conf_free(d->conf);
	free(d);
	conf_file_remove();
}

CASE(reload, .setup = begin, .teardown = end)

static bool has_service(const char *name)
{
	for (unsigned i = 0; i < d->n_services; i++)
		if (d->services[i].conf && strcmp(d->services[i].name, name) == 0)
			return true;
	return false;
}

TEST(it_is_taken_as_a_whole)
{
	const struct instance *stays = pools_get(d->pools, 0)->instances[0];
	struct err err;

	conf_file_write(OTHERS, strlen(OTHERS));
	ck_assert_msg(reload_configuration(d, &err) == 0, "%s", err.text);
	ck_assert(has_service("web-cache") && has_service("dns") && has_service("rtsp"));
	ck_assert(!has_service("https"));
	ck_assert_uint_eq(pools_count(d->pools), 2);
	ck_assert_ptr_eq(pools_get(d->pools, 0)->instances[0], stays);
	ck_assert_uint_eq(pools_get(d->pools, 0)->n_instances, 2);
	ck_assert_uint_eq(pools_get(d->pools, 1)->n_instances, 1);
}

/* Each allocation fails once. */
TEST(without_memory_nothing_changes)
{
	const struct conf *was = d->conf;
	struct err err;
	int n = 1;

	conf_file_write(OTHERS, strlen(OTHERS));
	for (;; n++) {
		int result;

		fail_at = n;
		result = reload_configuration(d, &err);
		if (result == 0)
			break;
		ck_assert_int_eq(fail_at, 0);
		ck_assert_ptr_eq(d->conf, was);
		ck_assert(has_service("web-cache") && has_service("https"));
		ck_assert(!has_service("dns"));
		ck_assert_uint_eq(pools_count(d->pools), 1);
		ck_assert_uint_eq(pools_get(d->pools, 0)->n_instances, 1);
		ck_assert_ptr_eq(pools_get(d->pools, 0)->conf, &was->pools[0]);
	}
	fail_at = 0;
	ck_assert_int_gt(n, 5); /* services, instances and what reads the file */
	ck_assert(has_service("dns"));
}

/* What stderr gets meanwhile. */
static const char *log_of_reload(const char *text)
{
	static char log[4096];
	FILE *to = tmpfile();
	int was = dup(STDERR_FILENO);
	struct err err;

	conf_file_write(text, strlen(text));
	dup2(fileno(to), STDERR_FILENO);
	ck_assert_int_eq(reload_configuration(d, &err), 0);
	dup2(was, STDERR_FILENO);
	close(was);
	rewind(to);
	log[fread(log, 1, sizeof(log) - 1, to)] = '\0';
	fclose(to);
	return log;
}

TEST(what_may_not_take_effect_at_once_is_said)
{
	static const char timers[] = TOP POOL "service web-cache { pool = web routers "
					      "= { 10.0.1.1 } transmit-t = 500 }\n";
	static const char hash[] = TOP POOL "service web-cache { pool = web routers = "
					    "{ 10.0.1.1 } assign = hash }\n";
	static const char weight[] = TOP POOL
		"service web-cache { pool = web routers = { 10.0.1.1 } weight = 7 }\n";

	ck_assert_ptr_nonnull(strstr(log_of_reload(timers), "timers or methods"));
	ck_assert_ptr_null(strstr(log_of_reload(timers), "timers or methods"));
	ck_assert_ptr_nonnull(strstr(log_of_reload(hash), "timers or methods"));
	ck_assert_ptr_nonnull(strstr(log_of_reload(weight), "timers or methods"));
	ck_assert_ptr_null(
		strstr(log_of_reload(TOP POOL SERVICE), "timers or methods"));
}
