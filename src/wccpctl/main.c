/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wccpctl: command line, one request, one answer. */
#include "config.h"
#include "control.h"
#include "control_client.h"
#include "wccpctl/rolling_restart.h"
#include "wccpctl/show.h"
#include "wccpctl/show_explain.h"
#include "wccpctl/show_problems.h"
#include "wccpd/conf/conf.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

struct options {
	const char *socket, *seconds;
	bool json, all;
};

typedef int wccpctl_run(const struct options *o, int argc, char **argv);

static wccpctl_run wccpctl_show, wccpctl_reload, wccpctl_explain, wccpctl_trace, wccpctl_drain,
	wccpctl_enable, wccpctl_maintenance, wccpctl_restart,
	wccpctl_rolling_restart, wccpctl_stop;

static const struct {
	const char *name, *arguments, *usage;
	wccpctl_run *run;
} wccpctl_commands[] = {
	{ "show", "[services] [routers] [caches] [instances] [packets] [problems]",
	  "show the state, or some parts of it", wccpctl_show },
	{ "trace", "client ADDRESS [PORT]",
	  "say what becomes of each packet of a client", wccpctl_trace },
	{ "explain", "SRC DST [DPORT [SPORT]]",
	  "what would happen to a TCP connection, and why", wccpctl_explain },
	{ "drain", "[SERVICE | POOL/INSTANCE]",
	  "give no new connections to it; a service is then withdrawn", wccpctl_drain },
	{ "maintenance", "POOL/INSTANCE",
	  "as drain, and what happens to it is no problem", wccpctl_maintenance },
	{ "enable", "[SERVICE | POOL/INSTANCE]", "take a share of the traffic again", wccpctl_enable },
	{ "reload", "", "read the configuration again", wccpctl_reload },
	{ "restart", "", "execute the present program in place; routers are not told",
	  wccpctl_restart },
	{ "rolling-restart", "POOL COMMAND...",
	  "run COMMAND for one instance after the other, each drained before",
	  wccpctl_rolling_restart },
	{ "stop", "[keep]",
	  "leave all routers and end; keep: end at once, for the next start",
	  wccpctl_stop },
};

enum { N_COMMANDS = sizeof(wccpctl_commands) / sizeof(wccpctl_commands[0]) };

static void wccpctl_usage(FILE *to)
{
	fputs("usage: wccpctl [-ajhV] [-s socket] [-t seconds] command\n", to);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(to, "  %s%s%s\n             %s\n", wccpctl_commands[i].name,
			*wccpctl_commands[i].arguments ? " " : "",
			wccpctl_commands[i].arguments, wccpctl_commands[i].usage);
	fputs("  -a         of packets, also reasons that none had\n"
	      "  -j         the daemon's answer as JSON, whole\n"
	      "  -s socket  where wccpd listens (default " CONF_DEFAULT_CONTROL ")\n"
	      "  -t seconds that a trace lasts (default 10), or that rolling-restart waits\n"
	      "             for each step (default 120)\n"
	      "  -h, -V     this help, the version\n",
	      to);
}

static int wccpctl_bad_usage(void)
{
	wccpctl_usage(stderr);
	return EXIT_USAGE;
}

/* NULL after saying why. */
static json_t *wccpctl_request(const struct options *o, const char *line)
{
	struct err err;
	json_t *answer = control_client_ask("wccpd", o->socket, line, &err);

	if (!answer)
		fprintf(stderr, "wccpctl: %s\n", err.text);
	return answer;
}

/* A command and its words as one line; -1: they are too long. */
static int wccpctl_join(const char *command, int argc, char **argv,
			char line[CONTROL_MAX_LINE])
{
	int used = snprintf(line, CONTROL_MAX_LINE, "%s", command);

	for (int i = 0; i < argc && used < CONTROL_MAX_LINE; i++)
		used += snprintf(line + used, (size_t)(CONTROL_MAX_LINE - used), " %s",
				 argv[i]);
	return used < CONTROL_MAX_LINE ? 0 : -1;
}

static int wccpctl_show(const struct options *o, int argc, char **argv)
{
	unsigned parts = 0;
	json_t *status;
	int result;

	for (int i = 0; i < argc; i++) {
		int part = show_part(argv[i]);

		if (part < 0)
			return wccpctl_bad_usage();
		parts |= (unsigned)part;
	}
	if (parts & SHOW_PACKETS && o->all)
		parts ^= SHOW_PACKETS | SHOW_ALL_PACKETS;
	status = wccpctl_request(o, "show");
	if (!status)
		return EXIT_FAILURE;
	if (o->json)
		control_client_print(status);
	else
		show_print(status, parts, stdout);
	result = parts & SHOW_PROBLEMS && show_problems_count(status) ? EXIT_FAILURE
								      : EXIT_SUCCESS;
	json_decref(status);
	return result;
}

/* A command that is only to be done. */
static int wccpctl_do(const struct options *o, const char *line)
{
	json_t *answer = wccpctl_request(o, line);

	if (!answer)
		return EXIT_FAILURE;
	if (o->json)
		control_client_print(answer);
	json_decref(answer);
	return EXIT_SUCCESS;
}

static int wccpctl_reload(const struct options *o, int argc, char **argv)
{
	(void)argv;
	return argc ? wccpctl_bad_usage() : wccpctl_do(o, "reload");
}

static int wccpctl_restart(const struct options *o, int argc, char **argv)
{
	(void)argv;
	return argc ? wccpctl_bad_usage() : wccpctl_do(o, "restart");
}

static int wccpctl_leave(const struct options *o, const char *command, int argc,
			 char **argv)
{
	char line[CONTROL_MAX_LINE];

	if (argc > 1 || wccpctl_join(command, argc, argv, line) < 0)
		return wccpctl_bad_usage();
	return wccpctl_do(o, line);
}

static int wccpctl_drain(const struct options *o, int argc, char **argv)
{
	return wccpctl_leave(o, "drain", argc, argv);
}

static int wccpctl_enable(const struct options *o, int argc, char **argv)
{
	return wccpctl_leave(o, "enable", argc, argv);
}

static int wccpctl_maintenance(const struct options *o, int argc, char **argv)
{
	return argc == 1 ? wccpctl_leave(o, "maintenance", argc, argv)
			 : wccpctl_bad_usage();
}

static int wccpctl_rolling_restart(const struct options *o, int argc, char **argv)
{
	struct rolling_restart r = { .socket = o->socket, .seconds = 120 };
	char rest = '\0';

	if (argc < 2 || (o->seconds && (sscanf(o->seconds, "%d%c", &r.seconds, &rest) != 1 ||
					r.seconds < 1)))
		return wccpctl_bad_usage();
	r.pool = argv[0];
	r.command = argv + 1;
	return rolling_restart_run(&r) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int wccpctl_stop(const struct options *o, int argc, char **argv)
{
	return wccpctl_leave(o, "stop", argc, argv);
}

static int wccpctl_explain(const struct options *o, int argc, char **argv)
{
	char line[CONTROL_MAX_LINE];
	json_t *answer;

	if (argc < 2 || argc > 4 || wccpctl_join("explain", argc, argv, line) < 0)
		return wccpctl_bad_usage();
	answer = wccpctl_request(o, line);
	if (!answer)
		return EXIT_FAILURE;
	if (o->json)
		control_client_print(answer);
	else
		show_explain_print(answer, stdout);
	json_decref(answer);
	return EXIT_SUCCESS;
}

static int wccpctl_trace(const struct options *o, int argc, char **argv)
{
	char *words[] = { "client", NULL, "any", (char *)o->seconds };
	char line[CONTROL_MAX_LINE];
	struct err err;

	if (argc < 2 || argc > 3 || strcmp(argv[0], "client") != 0)
		return wccpctl_bad_usage();
	words[1] = argv[1];
	if (argc > 2)
		words[2] = argv[2];
	if (wccpctl_join("trace", o->seconds ? 4 : 3, words, line) < 0)
		return wccpctl_bad_usage();
	if (control_client_follow("wccpd", o->socket, line, stdout, &err) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "wccpctl: %s\n", err.text);
	return EXIT_FAILURE;
}

static int wccpctl_dispatch(const struct options *o, int argc, char **argv)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (argc && strcmp(wccpctl_commands[i].name, argv[0]) == 0)
			return wccpctl_commands[i].run(o, argc - 1, argv + 1);
	return wccpctl_bad_usage();
}

int main(int argc, char **argv)
{
	struct options o = { .socket = CONF_DEFAULT_CONTROL };
	int c, result;

	while ((c = getopt(argc, argv, "s:t:ajhV")) != -1)
		switch (c) {
		case 's':
			o.socket = optarg;
			break;
		case 't':
			o.seconds = optarg;
			break;
		case 'a':
			o.all = true;
			break;
		case 'j':
			o.json = true;
			break;
		case 'h':
			wccpctl_usage(stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts(PACKAGE_STRING);
			return EXIT_SUCCESS;
		default:
			return wccpctl_bad_usage();
		}
	result = wccpctl_dispatch(&o, argc - optind, argv + optind);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		fputs("wccpctl: the answer could not be written\n", stderr);
		return EXIT_FAILURE;
	}
	return result;
}
