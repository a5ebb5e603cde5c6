/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket of a daemon. */
#include "control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	MAX_CLIENTS = 16,
	CLIENT_TIMEOUT_S = 10, /* a client that neither sends nor reads */
	MAX_UNREAD = 1 << 20,  /* octets that wait for one who follows */
};

/* A request, cut into words. */
struct request {
	char line[CONTROL_MAX_LINE];
	const char *name;
	unsigned n;
	char *words[CONTROL_MAX_WORDS];
};

struct client {
	struct control *control;
	struct bufferevent *bev; /* NULL: free place */
	struct request *follows; /* NULL: it gets one answer */
};

struct control {
	const struct control_command *commands;
	size_t n_commands;
	void *arg;
	struct evconnlistener *listener;
	struct event *again; /* listening was given up for a moment */
	struct client clients[MAX_CLIENTS];
	struct sockaddr_un address;
};

/* -- requests ----------------------------------------------------------------------- */

static json_t *refuse(const char *what, const char *which)
{
	return json_pack("{s:s+}", "error", what, which);
}

/* NULL, or the refusal. */
static json_t *cut_line(const char *line, struct request *r)
{
	char *rest = NULL, *word;

	r->n = 0;
	r->name = "";
	if (strlen(line) >= sizeof r->line)
		return refuse("the command is too long", "");
	strcpy(r->line, line);
	word = strtok_r(r->line, " \t", &rest);
	if (word)
		r->name = word;
	while (word && (word = strtok_r(NULL, " \t", &rest))) {
		if (r->n == CONTROL_MAX_WORDS)
			return refuse("too many words: ", r->name);
		r->words[r->n++] = word;
	}
	return NULL;
}

static const struct control_command *find(const struct control_command *commands,
					  size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static json_t *run_request(const struct control_command *command, void *arg,
			   const struct request *r)
{
	if (!command)
		return refuse("unknown command: ", r->name);
	if (r->n > command->max_words)
		return json_pack("{s:o}", "error",
				 json_sprintf("%s: one word too many: %s", r->name,
					      r->words[command->max_words]));
	return command->run(arg, r->n, r->words);
}

json_t *control_run(const struct control_command *commands, size_t n_commands,
		    void *arg, const char *line)
{
	struct request r;
	json_t *refusal = cut_line(line, &r);

	if (refusal)
		return refusal;
	return run_request(find(commands, n_commands, r.name), arg, &r);
}

/* -- connections -------------------------------------------------------------------- */

static void drop(struct client *c)
{
	bufferevent_free(c->bev);
	free(c->follows);
	c->bev = NULL;
	c->follows = NULL;
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev, (void)what;
	drop(arg);
}

static void on_written(struct bufferevent *bev, void *arg)
{
	(void)bev;
	drop(arg);
}

static int append(const char *text, size_t len, void *out)
{
	return evbuffer_add(out, text, len);
}

/* One that follows may be silent for as long as it likes. */
static void begin_to_follow(struct client *c, struct request *r)
{
	c->follows = r;
	bufferevent_setcb(c->bev, NULL, NULL, on_event, c);
	bufferevent_set_timeouts(c->bev, NULL, NULL);
}

static void answer(struct client *c, const char *line)
{
	const struct control *control = c->control;
	struct request *r = malloc(sizeof *r);
	const struct control_command *command = NULL;
	struct evbuffer *out = bufferevent_get_output(c->bev);
	json_t *json = r ? cut_line(line, r) : NULL;

	/* Nothing more is read; the write callback closes. */
	bufferevent_setcb(c->bev, NULL, on_written, on_event, c);
	if (r && !json) {
		command = find(control->commands, control->n_commands, r->name);
		json = run_request(command, control->arg, r);
	}
	if (!json) { /* not UTF-8, or out of memory */
		evbuffer_add_printf(out, "{\"error\": \"no answer could be made\"}\n");
		free(r);
		return;
	}
	json_dump_callback(json, append, out, JSON_COMPACT);
	evbuffer_add(out, "\n", 1);
	if (command && command->follows && !json_object_get(json, "error"))
		begin_to_follow(c, r);
	else
		free(r);
	json_decref(json);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	char *line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);

	if (line) {
		answer(c, line);
		free(line);
	} else if (evbuffer_get_length(in) >= CONTROL_MAX_LINE) {
		drop(c);
	}
}

static struct client *free_place(struct control *c)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (!c->clients[i].bev)
			return &c->clients[i];
	return NULL;
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa,
		      int len, void *arg)
{
	struct control *c = arg;
	struct client *client = free_place(c);
	struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT_S };

	(void)sa, (void)len;
	if (!client) {
		close(fd);
		return;
	}
	client->control = c;
	client->bev = bufferevent_socket_new(evconnlistener_get_base(l), fd,
					     BEV_OPT_CLOSE_ON_FREE);
	if (!client->bev) {
		close(fd);
		return;
	}
	bufferevent_setcb(client->bev, on_read, NULL, on_event, client);
	bufferevent_set_timeouts(client->bev, &timeout, &timeout);
	bufferevent_setwatermark(client->bev, EV_READ, 0, CONTROL_MAX_LINE);
	bufferevent_enable(client->bev, EV_READ | EV_WRITE);
}

/* No descriptor for the next client, who stays in the queue: to be told so at once
 * again and again would keep the daemon from all other work. */
static void on_accept_error(struct evconnlistener *l, void *arg)
{
	struct control *c = arg;
	struct timeval later = { .tv_sec = 1 };

	evconnlistener_disable(l);
	event_add(c->again, &later);
}

static void listen_again(evutil_socket_t fd, short what, void *arg)
{
	struct control *c = arg;

	(void)fd, (void)what;
	evconnlistener_enable(c->listener);
}

/* -- those who follow --------------------------------------------------------------- */

bool control_is_followed(const struct control *c)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (c->clients[i].follows)
			return true;
	return false;
}

static void publish_to(struct client *c, const char *text, size_t len)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	if (evbuffer_get_length(out) + len > MAX_UNREAD)
		drop(c);
	else
		evbuffer_add(out, text, len);
}

void control_publish(struct control *c,
		     bool (*wants)(void *arg, unsigned n, char *const *words),
		     void *arg, const char *text, size_t len)
{
	for (int i = 0; i < MAX_CLIENTS; i++) {
		struct client *client = &c->clients[i];

		if (client->follows &&
		    wants(arg, client->follows->n, client->follows->words))
			publish_to(client, text, len);
	}
}

/* -- life -------------------------------------------------------------------------------- */

static bool is_alive(const struct sockaddr_un *sun)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive =
		fd >= 0 && connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0;

	if (fd >= 0)
		close(fd);
	return alive;
}

static int set_address(struct sockaddr_un *sun, const char *path, struct err *err)
{
	sun->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof sun->sun_path)
		return err_set(err, "%s: longer than the path of a socket can be",
			       path);
	strcpy(sun->sun_path, path);
	return 0;
}

static int bind_socket(const struct sockaddr_un *sun, struct err *err)
{
	mode_t mask;
	int fd, rc;

	if (is_alive(sun))
		return err_set(err, "%s: another daemon is listening there",
			       sun->sun_path);
	unlink(sun->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, "control socket: %s", strerror(errno));
	mask = umask(0117); /* root and its group only, from the first moment */
	rc = bind(fd, (const struct sockaddr *)sun, sizeof *sun);
	umask(mask);
	if (rc == 0)
		return fd;
	err_set(err, "%s: %s", sun->sun_path, strerror(errno));
	close(fd);
	return -1;
}

static int start_listening(struct control *c, struct event_base *base, struct err *err)
{
	int fd = bind_socket(&c->address, err);

	if (fd < 0)
		return -1;
	c->listener =
		evconnlistener_new(base, on_accept, c, LEV_OPT_CLOSE_ON_FREE, -1, fd);
	if (!c->listener) {
		err_set(err, "%s: %s", c->address.sun_path, strerror(errno));
		close(fd);
		unlink(c->address.sun_path);
		return -1;
	}
	c->again = evtimer_new(base, listen_again, c);
	if (c->again)
		evconnlistener_set_error_cb(c->listener, on_accept_error);
	return 0;
}

struct control *control_open(struct event_base *base, const char *path,
			     const struct control_command *commands, size_t n_commands,
			     void *arg, struct err *err)
{
	struct control *c = calloc(1, sizeof *c);

	if (!c) {
		err_set(err, "out of memory");
		return NULL;
	}
	c->commands = commands;
	c->n_commands = n_commands;
	c->arg = arg;
	if (set_address(&c->address, path, err) == 0 &&
	    start_listening(c, base, err) == 0)
		return c;
	free(c);
	return NULL;
}

void control_close(struct control *c)
{
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (c->clients[i].bev)
			drop(&c->clients[i]);
	evconnlistener_free(c->listener);
	if (c->again)
		event_free(c->again);
	unlink(c->address.sun_path);
	free(c);
}
