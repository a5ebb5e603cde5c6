/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wccprouter: command line, then the router or its client. */
#include "config.h"

#include "checks.h"
#include "client.h"
#include "engine.h"
#include "log.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
	const char *file, *socket;
	bool check_only, debug, json;
};

static void usage(FILE *to)
{
	fputs("usage: wccprouter [-dn] [-f file]\n"
	      "       wccprouter -s socket [-j] show [global | SERVICE [VIEW]]\n"
	      "       wccprouter -s socket metrics\n"
	      "       wccprouter -s socket debug [on [SERVICE] [PEER] | off]\n"
	      "       wccprouter -s socket follow [SERVICE] [PEER]\n"
	      "  -f file    configuration (default " RCONF_DEFAULT_FILE ")\n"
	      "  -n         check the configuration and exit\n"
	      "  -d         debug: log everything, and every message\n"
	      "  -s socket  ask the router that listens there\n"
	      "  -j         print JSON\n"
	      "  -h, -V     this help, the version\n"
	      "VIEW is clients, detail, view or buckets.\n",
	      to);
}

static void wrong_usage(void)
{
	usage(stderr);
	exit(2);
}

static void parse_option(struct options *o, int c)
{
	switch (c) {
	case 'f':
		o->file = optarg;
		break;
	case 's':
		o->socket = optarg;
		break;
	case 'n':
		o->check_only = true;
		break;
	case 'd':
		o->debug = true;
		break;
	case 'j':
		o->json = true;
		break;
	case 'h':
		usage(stdout);
		exit(EXIT_SUCCESS);
	case 'V':
		puts("wccprouter " PACKAGE_VERSION);
		exit(EXIT_SUCCESS);
	default:
		wrong_usage();
	}
}

/* Options may stand behind the command, too (glibc's getopt permutes). */
static struct options parse(int argc, char **argv)
{
	struct options o = { .file = RCONF_DEFAULT_FILE };
	int c;

	while ((c = getopt(argc, argv, "f:s:ndjhV")) != -1)
		parse_option(&o, c);
	if (o.socket ? optind == argc : optind != argc || o.json)
		wrong_usage();
	return o;
}

static int complain(const struct err *err)
{
	fprintf(stderr, "wccprouter: %s\n", err->text);
	return EXIT_FAILURE;
}

static int run(const struct rconf *conf, const struct options *o)
{
	struct err err;
	struct engine *e;

	signal(SIGPIPE, SIG_IGN); /* a client that leaves early */
	checks_warn(conf);
	e = engine_new(conf, &err);
	if (!e)
		return complain(&err);
	e->debug.on = o->debug;
	log_info("started", "router %s, %u services", ADDR_TEXT(&conf->router_id),
		 conf->n_services);
	engine_run(e);
	engine_free(e);
	log_info("stopped", "everything removed");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	struct rconf *conf;
	struct err err;
	int r = EXIT_SUCCESS;

	if (o.socket)
		return client_run(o.socket, o.json, argc - optind, argv + optind);
	conf = rconf_load(o.file, &err);
	if (!conf) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	log_open("wccprouter", LOG_TO_STDERR, o.debug ? NOTE_DEBUG : NOTE_INFO);
	if (o.check_only)
		printf("%s: configuration is good\n", o.file);
	else
		r = run(conf, &o);
	rconf_free(conf);
	log_close();
	return r;
}
