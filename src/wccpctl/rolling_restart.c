/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wccpctl/rolling_restart.h"

#include "control_client.h"

#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	ROLLING_LOOK_MS = 200,
	/* A command that leaves the process as it is (reconfigure) is taken for done when
	 * the instance has been well for so long. */
	ROLLING_SAME_MS = 5000,
};

/* An instance as wccpd shows it. */
struct rolling_view {
	char state[32], health[32];
	int pid, open;
};

static int rolling_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int rolling_say(const char *format, ...)
{
	va_list args;

	fputs("wccpctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -1;
}

/* -- asking wccpd ----------------------------------------------------------------------- */

static json_t *rolling_ask(const struct rolling_restart *r, const char *request)
{
	struct err err;
	json_t *answer = control_client_ask("wccpd", r->socket, request, &err);

	if (!answer)
		rolling_say("%s", err.text);
	return answer;
}

static int rolling_tell(const struct rolling_restart *r, const char *command,
			const char *instance)
{
	char request[256];
	json_t *answer;

	snprintf(request, sizeof(request), "%s %s/%s", command, r->pool, instance);
	answer = rolling_ask(r, request);
	json_decref(answer);
	return answer ? 0 : -1;
}

/* The instances of the pool in a status; borrowed; NULL: there is no such pool. */
static const json_t *rolling_instances(const struct rolling_restart *r, const json_t *status)
{
	const json_t *pools = json_object_get(status, "pools"), *pool;
	size_t i;

	json_array_foreach(pools, i, pool)
	{
		const char *name = json_string_value(json_object_get(pool, "name"));

		if (name && strcmp(name, r->pool) == 0)
			return json_object_get(pool, "instances");
	}
	return NULL;
}

static const char *rolling_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static int rolling_int(const json_t *object, const char *key)
{
	return (int)json_integer_value(json_object_get(object, key));
}

/* -1: wccpd does not answer, or does not have the instance any more. */
static int rolling_look(const struct rolling_restart *r, const char *instance,
			struct rolling_view *out)
{
	json_t *status = rolling_ask(r, "show");
	const json_t *in;
	int rc = -1;
	size_t i;

	json_array_foreach(rolling_instances(r, status), i, in)
	{
		if (strcmp(rolling_text(in, "name"), instance) != 0)
			continue;
		snprintf(out->state, sizeof(out->state), "%s", rolling_text(in, "state"));
		snprintf(out->health, sizeof(out->health), "%s", rolling_text(in, "health"));
		out->pid = rolling_int(in, "pid");
		out->open = rolling_int(in, "open");
		rc = 0;
	}
	json_decref(status);
	return rc;
}

/* -- waiting ---------------------------------------------------------------------------- */

static long rolling_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct rolling_wait {
	const struct rolling_restart *r;
	const char *instance;
	int old_pid;
	long same_since_ms; /* well, and still the old process; 0: not so */
};

typedef bool rolling_condition(struct rolling_wait *w, const struct rolling_view *v);

static bool rolling_is_free(struct rolling_wait *w, const struct rolling_view *v)
{
	(void)w;
	return v->open <= 0 || v->pid == 0;
}

static bool rolling_is_well(struct rolling_wait *w, const struct rolling_view *v)
{
	if (strcmp(v->health, "up") != 0) {
		w->same_since_ms = 0;
		return false;
	}
	if (v->pid != w->old_pid)
		return true;
	if (!w->same_since_ms)
		w->same_since_ms = rolling_now_ms();
	return rolling_now_ms() - w->same_since_ms >= ROLLING_SAME_MS;
}

static bool rolling_is_up(struct rolling_wait *w, const struct rolling_view *v)
{
	(void)w;
	return strcmp(v->state, "up") == 0;
}

/* 1: it is so; 0: the time is over; -1: it cannot be known. */
static int rolling_wait(struct rolling_wait *w, rolling_condition *condition,
			struct rolling_view *v)
{
	long end = rolling_now_ms() + 1000L * w->r->seconds;

	for (;;) {
		if (rolling_look(w->r, w->instance, v) < 0)
			return -1;
		if (condition(w, v))
			return 1;
		if (rolling_now_ms() >= end)
			return 0;
		poll(NULL, 0, ROLLING_LOOK_MS);
	}
}

/* -- the command ------------------------------------------------------------------------ */

/* A copy of `word` with each "{}" replaced; the caller frees it. */
static char *rolling_fill(const char *word, const char *instance)
{
	size_t len = 0;
	char *out = NULL;
	FILE *f = open_memstream(&out, &len);
	const char *hole;

	if (!f)
		return NULL;
	for (; (hole = strstr(word, "{}")); word = hole + 2)
		fprintf(f, "%.*s%s", (int)(hole - word), word, instance);
	fputs(word, f);
	if (fclose(f) == EOF) {
		free(out);
		return NULL;
	}
	return out;
}

static void rolling_free_words(char **words)
{
	for (char **w = words; w && *w; w++)
		free(*w);
	free(words);
}

static char **rolling_words(const struct rolling_restart *r, const char *instance)
{
	size_t n = 0;
	char **words;

	while (r->command[n])
		n++;
	words = calloc(n + 1, sizeof(*words));
	for (size_t i = 0; words && i < n; i++) {
		words[i] = rolling_fill(r->command[i], instance);
		if (!words[i]) {
			rolling_free_words(words);
			return NULL;
		}
	}
	return words;
}

extern char **environ;

static int rolling_run_command(const struct rolling_restart *r, const char *instance)
{
	char **words = rolling_words(r, instance);
	int status = 0, rc;
	pid_t pid;

	if (!words)
		return rolling_say("out of memory");
	rc = posix_spawnp(&pid, words[0], NULL, NULL, words, environ);
	rolling_free_words(words);
	if (rc != 0)
		return rolling_say("%s: %s", r->command[0], strerror(rc));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return rolling_say("%s: %s", r->command[0], strerror(errno));
	if (WIFSIGNALED(status))
		return rolling_say("%s: ended by signal %d", r->command[0], WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return rolling_say("%s: exit status %d", r->command[0], WEXITSTATUS(status));
	return 0;
}

/* -- one after the other ---------------------------------------------------------------- */

static int rolling_restart_one(const struct rolling_restart *r, const char *instance)
{
	struct rolling_wait w = { .r = r, .instance = instance };
	struct rolling_view v = { .pid = 0 };
	int rc;

	if (rolling_tell(r, "drain", instance) < 0)
		return -1;
	rc = rolling_wait(&w, rolling_is_free, &v);
	if (rc < 0)
		return -1;
	if (rc == 0)
		rolling_say("%s/%s: %d connections are still open after %d s", r->pool,
			    instance, v.open, r->seconds);
	w.old_pid = v.pid;
	if (rolling_run_command(r, instance) < 0) {
		rolling_tell(r, "enable", instance);
		return rolling_say("%s/%s takes connections again, if it can", r->pool,
				   instance);
	}
	rc = rolling_wait(&w, rolling_is_well, &v);
	if (rc == 0)
		rolling_say("%s/%s is %s, not up, after %d s: it stays drained", r->pool,
			    instance, v.health, r->seconds);
	if (rc <= 0 || rolling_tell(r, "enable", instance) < 0)
		return -1;
	rc = rolling_wait(&w, rolling_is_up, &v);
	if (rc == 0)
		rolling_say("%s/%s is %s, not up, after %d s", r->pool, instance, v.state,
			    r->seconds);
	return rc > 0 ? 0 : -1;
}

/* Taking an instance out while another one is out may leave nobody. */
static int rolling_restart_begin(const struct rolling_restart *r, const json_t *instances)
{
	const json_t *in;
	size_t i;

	if (!instances)
		return rolling_say("there is no pool %s", r->pool);
	json_array_foreach(instances, i, in)
		if (strcmp(rolling_text(in, "state"), "up") != 0)
			return rolling_say("%s/%s is %s: all have to be up to begin with",
					   r->pool, rolling_text(in, "name"),
					   rolling_text(in, "state"));
	return 0;
}

int rolling_restart_run(const struct rolling_restart *r)
{
	json_t *status = rolling_ask(r, "show");
	const json_t *instances = rolling_instances(r, status), *in;
	int rc = status ? rolling_restart_begin(r, instances) : -1;
	size_t i;

	json_array_foreach(instances, i, in)
	{
		if (rc < 0)
			break;
		rc = rolling_restart_one(r, rolling_text(in, "name"));
		if (rc < 0)
			rolling_say("stopped at %s/%s, %zu of %zu done", r->pool,
				    rolling_text(in, "name"), i, json_array_size(instances));
		else
			printf("%s/%s is back\n", r->pool, rolling_text(in, "name"));
		fflush(stdout);
	}
	json_decref(status);
	return rc;
}
