/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket of a daemon. */
#include "control.h"

#include "common/kept_sockets.h"
#include "listen.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	PLACES = 16,
	MAX_CLIENTS = LISTENER_CONNECTIONS(PLACES),
	BACKLOG = 128,
	CLIENT_TIMEOUT_S = 10, /* a client that neither sends nor reads */
	MAX_UNREAD = 1 << 20,  /* octets waiting for a client that follows */
};

/* A request, split into words. */
struct control_request {
	char line[CONTROL_MAX_LINE];
	const char *name;
	unsigned n;
	char *words[CONTROL_MAX_WORDS];
};

struct control_connection {
	struct control *control;
	struct bufferevent *bev; /* NULL: free */
	struct listener_place *place;
	struct control_request *follows; /* NULL: it gets one answer */
};

struct control {
	const struct control_command *commands;
	size_t n_commands;
	void *arg;
	struct event_base *base;
	struct listener *listener;
	struct control_connection clients[MAX_CLIENTS];
	struct sockaddr_un address;
};

/* -- requests ---------------------------------------------------------------------- */

static json_t *control_refuse(const char *what, const char *which)
{
	return json_pack("{s:s+}", "error", what, which);
}

/* NULL, or the refusal. */
static json_t *control_cut_line(const char *line, struct control_request *r)
{
	char *rest = NULL, *word;

	r->n = 0;
	r->name = "";
	if (strlen(line) >= sizeof(r->line))
		return control_refuse("the command is too long", "");
	strcpy(r->line, line);
	word = strtok_r(r->line, " \t", &rest);
	if (word)
		r->name = word;
	while (word && (word = strtok_r(NULL, " \t", &rest))) {
		if (r->n == CONTROL_MAX_WORDS)
			return control_refuse("too many words: ", r->name);
		r->words[r->n++] = word;
	}
	return NULL;
}

static const struct control_command *
control_find(const struct control_command *commands, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static json_t *control_run_request(const struct control_command *command, void *arg,
				   const struct control_request *r)
{
	if (!command)
		return control_refuse("unknown command: ", r->name);
	if (r->n > command->max_words)
		return json_pack("{s:o}", "error",
				 json_sprintf("%s: one word too many: %s", r->name,
					      r->words[command->max_words]));
	return command->run(arg, r->n, r->words);
}

json_t *control_run(const struct control_command *commands, size_t n_commands,
		    void *arg, const char *line)
{
	struct control_request r;
	json_t *refusal = control_cut_line(line, &r);

	if (refusal)
		return refusal;
	return control_run_request(control_find(commands, n_commands, r.name), arg, &r);
}

void control_print_commands(const struct control_command *commands, size_t n_commands,
			    FILE *to)
{
	for (size_t i = 0; i < n_commands; i++) {
		const struct control_command *c = &commands[i];

		fprintf(to, "  %s%s%s\n      %s\n", c->name, c->arguments ? " " : "",
			c->arguments ? c->arguments : "", c->usage);
	}
}

/* -- connections ------------------------------------------------------------------- */

static void control_drop(struct control_connection *c)
{
	listener_leave(c->place);
	bufferevent_free(c->bev);
	free(c->follows);
	c->bev = NULL;
	c->follows = NULL;
}

static void control_on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev, (void)what;
	control_drop(arg);
}

static void control_on_written(struct bufferevent *bev, void *arg)
{
	(void)bev;
	control_drop(arg);
}

static int control_append(const char *text, size_t len, void *out)
{
	return evbuffer_add(out, text, len);
}

/* A client that follows may be silent for as long as it likes. */
static void control_begin_to_follow(struct control_connection *c,
				    struct control_request *r)
{
	c->follows = r;
	listener_set_rank(c->place, LISTENER_FOLLOWS);
	bufferevent_setcb(c->bev, NULL, NULL, control_on_event, c);
	bufferevent_set_timeouts(c->bev, NULL, NULL);
}

/* At once, as far as the socket takes it: a client that was answered needs no place any
 * more.  The rest is left to libevent. */
static void control_send_answer(struct control_connection *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	evbuffer_unfreeze(out, 1);
	evbuffer_write(out, bufferevent_getfd(c->bev));
	evbuffer_freeze(out, 1);
	if (evbuffer_get_length(out) == 0)
		control_drop(c);
}

static void control_make_answer(struct control_connection *c, const char *line)
{
	const struct control *control = c->control;
	struct control_request *r = malloc(sizeof(*r));
	const struct control_command *command = NULL;
	struct evbuffer *out = bufferevent_get_output(c->bev);
	json_t *json = r ? control_cut_line(line, r) : NULL;

	/* Nothing more is read; the write callback closes. */
	bufferevent_setcb(c->bev, NULL, control_on_written, control_on_event, c);
	if (r && !json) {
		command = control_find(control->commands, control->n_commands, r->name);
		json = control_run_request(command, control->arg, r);
	}
	if (!json) { /* not UTF-8, or out of memory */
		evbuffer_add_printf(out, "{\"error\": \"no answer could be made\"}\n");
		free(r);
		return;
	}
	json_dump_callback(json, control_append, out, JSON_COMPACT);
	evbuffer_add(out, "\n", 1);
	if (command && command->follows && !json_object_get(json, "error"))
		control_begin_to_follow(c, r);
	else
		free(r);
	json_decref(json);
}

static void control_answer(struct control_connection *c, const char *line)
{
	listener_set_rank(c->place, LISTENER_ANSWERED);
	control_make_answer(c, line);
	if (!c->follows)
		control_send_answer(c);
}

static void control_on_read(struct bufferevent *bev, void *arg)
{
	struct control_connection *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);

	if (line) {
		control_answer(c, line);
		free(line);
	} else if (evbuffer_get_length(in) >= CONTROL_MAX_LINE) {
		control_drop(c);
	}
}

static struct control_connection *control_free_client(struct control *c)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (!c->clients[i].bev)
			return &c->clients[i];
	return NULL;
}

/* Most requests are there when their client is accepted. */
static void control_read_now(struct control_connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);

	evbuffer_unfreeze(in, 0);
	evbuffer_read(in, bufferevent_getfd(c->bev), CONTROL_MAX_LINE);
	evbuffer_freeze(in, 0);
	control_on_read(c->bev, c);
}

/* There are as many clients as places, so one is free. */
static int control_on_accept(void *arg, int fd, struct listener_place *place)
{
	struct control *c = arg;
	struct control_connection *client = control_free_client(c);
	struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT_S };
	struct bufferevent *bev =
		bufferevent_socket_new(c->base, fd, BEV_OPT_CLOSE_ON_FREE);

	if (!bev)
		return -1;
	*client =
		(struct control_connection){ .control = c, .bev = bev, .place = place };
	bufferevent_setcb(bev, control_on_read, NULL, control_on_event, client);
	bufferevent_set_timeouts(bev, &timeout, &timeout);
	bufferevent_setwatermark(bev, EV_READ, 0, CONTROL_MAX_LINE);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	control_read_now(client);
	return 0;
}

/* -- those who follow -------------------------------------------------------------- */

bool control_is_followed(const struct control *c)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (c->clients[i].follows)
			return true;
	return false;
}

static void control_publish_to(struct control_connection *c, const char *text,
			       size_t len)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	if (evbuffer_get_length(out) + len > MAX_UNREAD)
		control_drop(c);
	else
		evbuffer_add(out, text, len);
}

void control_publish(struct control *c,
		     bool (*wants)(void *arg, unsigned n, char *const *words),
		     void *arg, const char *text, size_t len)
{
	for (int i = 0; i < MAX_CLIENTS; i++) {
		struct control_connection *client = &c->clients[i];

		if (client->follows &&
		    wants(arg, client->follows->n, client->follows->words))
			control_publish_to(client, text, len);
	}
}

void control_end_following(struct control *c, const char *command)
{
	const struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT_S };

	for (int i = 0; i < MAX_CLIENTS; i++) {
		struct control_connection *client = &c->clients[i];

		if (!client->follows || strcmp(client->follows->name, command) != 0)
			continue;
		free(client->follows);
		client->follows = NULL;
		bufferevent_setcb(client->bev, NULL, control_on_written, control_on_event,
				  client);
		bufferevent_set_timeouts(client->bev, &timeout, &timeout);
		/* The callback comes when output runs empty, not when it is empty. */
		if (evbuffer_get_length(bufferevent_get_output(client->bev)) == 0)
			control_drop(client);
	}
}

/* -- life -------------------------------------------------------------------------- */

static bool control_is_alive(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Whoever does not accept, or not us, still has it. */
	bool dead = fd >= 0 &&
		    connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0 &&
		    (errno == ECONNREFUSED || errno == ENOENT);

	if (fd >= 0)
		close(fd);
	return !dead;
}

static int control_set_address(struct sockaddr_un *sun, const char *path,
			       struct err *err)
{
	sun->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sun->sun_path))
		return err_set(err, "%s: longer than the path of a socket can be",
			       path);
	strcpy(sun->sun_path, path);
	return 0;
}

/* Replace nothing but a socket: a mistyped path may name anything. */
static int control_check_path(const struct sockaddr_un *sun, struct err *err)
{
	struct stat st;

	if (lstat(sun->sun_path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return err_set(err, "%s: exists and is not a socket", sun->sun_path);
	return 0;
}

/* The socket of the program whose place we take.  If it has another path, it goes. */
static int control_take_over(const struct sockaddr_un *sun)
{
	int fd = kept_socket_take(KEPT_CONTROL);
	struct sockaddr_un was = { .sun_family = AF_UNSPEC };
	socklen_t len = sizeof(was);

	if (fd < 0)
		return -1;
	if (getsockname(fd, (struct sockaddr *)&was, &len) == 0) {
		if (strcmp(was.sun_path, sun->sun_path) == 0)
			return fd;
		unlink(was.sun_path);
	}
	close(fd);
	return -1;
}

static int control_bind(const struct sockaddr_un *sun, struct err *err)
{
	int fd = control_take_over(sun), rc;
	mode_t mask;

	if (fd >= 0)
		return fd;
	if (control_check_path(sun, err) < 0)
		return -1;
	if (control_is_alive(sun))
		return err_set(err, "%s: another daemon is listening there",
			       sun->sun_path);
	unlink(sun->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, "control socket: %s", strerror(errno));
	mask = umask(0117); /* root and its group only, from the first moment */
	rc = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	umask(mask);
	if (rc == 0)
		return fd;
	err_set(err, "%s: %s", sun->sun_path, strerror(errno));
	close(fd);
	return -1;
}

static int control_listen(struct control *c, struct err *err)
{
	const struct listener_conf conf = { .name = "control socket",
					    .places = PLACES,
					    .accept = control_on_accept,
					    .arg = c };
	int fd = control_bind(&c->address, err);

	if (fd < 0)
		return -1;
	if (listen(fd, BACKLOG) < 0)
		err_set(err, "%s: %s", c->address.sun_path, strerror(errno));
	else if ((c->listener = listener_new(c->base, fd, &conf, err)))
		return 0;
	close(fd);
	unlink(c->address.sun_path);
	return -1;
}

struct control *control_open(struct event_base *base, const char *path,
			     const struct control_command *commands, size_t n_commands,
			     void *arg, struct err *err)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(err, "out of memory");
		return NULL;
	}
	c->commands = commands;
	c->n_commands = n_commands;
	c->arg = arg;
	c->base = base;
	if (control_set_address(&c->address, path, err) == 0 &&
	    control_listen(c, err) == 0)
		return c;
	free(c);
	return NULL;
}

void control_hand_on(const struct control *c)
{
	kept_socket_lend(KEPT_CONTROL, listener_fd(c->listener));
}

void control_close(struct control *c)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (c->clients[i].bev)
			control_drop(&c->clients[i]);
	listener_free(c->listener);
	unlink(c->address.sun_path);
	free(c);
}
