/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wccprouter: command line, then the router or its client. */
#include "config.h"

#include "common/kept_sockets.h"
#include "common/privileges.h"
#include "common/reexec.h"
#include "common/udp_owner.h"
#include "descriptors.h"
#include "kernel/pins_directory.h"
#include "log.h"
#include "udp.h"
#include "wccprouter/conf/host_checks.h"
#include "wccprouter/control/routerd_client.h"
#include "wccprouter/control/routerd_commands.h"
#include "wccprouter/fault/faults.h"
#include "wccprouter/forward/routes.h"
#include "wccprouter/routerd.h"
#include "wccprouter/scenario/scenario_run.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct options {
	const char *file, *socket, *scenario;
	bool check_only, debug, json;
	unsigned n_faults;
	const char *faults[FAULTS_MAX];
};

static void routerd_main_usage(FILE *to)
{
	fputs("usage: wccprouter [-dn] [-f file] [-x scenario] [-F fault]...\n"
	      "       wccprouter [-j] -s socket COMMAND\n"
	      "  -f file    configuration (default " ROUTERD_CONF_DEFAULT_FILE ")\n"
	      "  -n         check the configuration and exit\n"
	      "  -d         debug: log everything, and every message\n"
	      "  -F fault   inject this fault, see wccprouter(8)\n"
	      "  -x file    carry out this scenario, then stop\n"
	      "  -s socket  ask the router that listens there\n"
	      "  -j         print JSON\n"
	      "  -h, -V     this help, the version\n"
	      "Commands:\n",
	      to);
	routerd_commands_print(to);
}

static void routerd_main_wrong_usage(void)
{
	routerd_main_usage(stderr);
	exit(2);
}

static void routerd_main_parse_option(struct options *o, int c)
{
	switch (c) {
	case 'f':
		o->file = optarg;
		break;
	case 'x':
		o->scenario = optarg;
		break;
	case 'F':
		if (o->n_faults == FAULTS_MAX)
			routerd_main_wrong_usage();
		o->faults[o->n_faults++] = optarg;
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
		routerd_main_usage(stdout);
		exit(EXIT_SUCCESS);
	case 'V':
		puts("wccprouter " PACKAGE_VERSION);
		exit(EXIT_SUCCESS);
	default:
		routerd_main_wrong_usage();
	}
}

/* Options may also follow the command (glibc's getopt permutes). */
static struct options routerd_main_parse(int argc, char **argv)
{
	struct options o = { .file = ROUTERD_CONF_DEFAULT_FILE };
	int c;

	while ((c = getopt(argc, argv, "f:s:x:F:ndjhV")) != -1)
		routerd_main_parse_option(&o, c);
	if (o.socket ? optind == argc || o.scenario : optind != argc || o.json)
		routerd_main_wrong_usage();
	return o;
}

static int routerd_main_complain(const struct err *err)
{
	fprintf(stderr, "wccprouter: %s\n", err->text);
	return EXIT_FAILURE;
}

/* Before anything is read. */
static int routerd_main_drop_privileges(const struct options *o, struct err *err)
{
	if (!o->debug)
		privileges_hide_memory();
	if (!o->check_only) {
		pins_directory_mount();
		kept_sockets_open(1 << KEPT_ICMP | 1 << KEPT_ICMPV6);
		udp_owner_note(UDP_PORT);
	}
	return privileges_reduce(PRIVILEGES_NETWORK | PRIVILEGES_BPF, err);
}

/* Where the configuration leaves the choice to the profile. */
static int routerd_main_choose_router_id(struct routerd_conf *conf, struct err *err)
{
	struct addr id;

	if (addr_is_set(&conf->router_id))
		return 0;
	id = routes_highest_address(conf->profile->loopback_id);
	if (!addr_is_set(&id))
		return err_set(err, "no address here can be the router id");
	routerd_conf_set_router_id(conf, &id);
	return 0;
}

static int routerd_main_run_scenario(struct routerd *d, const struct scenario *scenario)
{
	struct err err;
	struct scenario_run *r =
		scenario_run_new(d->base, &d->commands, scenario, stdout, &err);
	bool good;

	if (!r)
		return routerd_main_complain(&err);
	d->scenario = r;
	routerd_run(d);
	d->scenario = NULL;
	good = scenario_run_end(r);
	scenario_run_free(r);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int routerd_main_add_faults(struct routerd *d, const struct options *o,
				   struct err *err)
{
	for (unsigned i = 0; i < o->n_faults; i++)
		if (faults_add(d->faults, o->faults[i], err) < 0)
			return err_prefix(err, "-F");
	return 0;
}

static int routerd_main_run(struct routerd_conf *conf, const struct scenario *scenario,
			    const struct options *o)
{
	struct err err;
	struct routerd *d;
	int r = EXIT_SUCCESS;
	bool kept;

	signal(SIGPIPE, SIG_IGN); /* a client that leaves early */
	host_checks_warn(conf);
	if (routerd_main_choose_router_id(conf, &err) < 0)
		return routerd_main_complain(&err);
	d = routerd_new(conf, o->file, &err);
	if (!d)
		return routerd_main_complain(&err);
	if (routerd_main_add_faults(d, o, &err) < 0) {
		routerd_free(d);
		return routerd_main_complain(&err);
	}
	d->debug.on = o->debug;
	log_info("started", "router %s, %u services", ADDR_TEXT(&conf->router_id),
		 conf->n_services);
	if (scenario)
		r = routerd_main_run_scenario(d, scenario);
	else
		routerd_run(d);
	kept = d->leaves;
	routerd_free(d);
	log_info("stopped", "%s", kept ? "what is in the kernel stays" : "everything removed");
	return r;
}

static void routerd_main_print(const struct options *o, const struct routerd_conf *conf,
			       const struct scenario *scenario)
{
	printf("%s: configuration is good\n", o->file);
	for (unsigned i = 0; i < conf->n_warnings; i++)
		printf("%s (warning)\n", conf->warnings[i].text);
	if (scenario)
		printf("%s: %u steps\n", o->scenario, scenario->n_steps);
}

/* Configuration and scenario, if there is one, have been read and are good. */
static int routerd_main_start(const struct options *o, struct routerd_conf *conf,
			      const struct scenario *scenario)
{
	int r = EXIT_SUCCESS;

	log_open("wccprouter", LOG_TO_STDERR, o->debug ? NOTE_DEBUG : NOTE_INFO);
	if (!o->check_only)
		r = routerd_main_run(conf, scenario, o);
	else
		routerd_main_print(o, conf, scenario);
	log_close();
	return r;
}

int main(int argc, char **argv)
{
	struct options o;
	struct scenario *scenario = NULL;
	struct routerd_conf *conf;
	struct err err;
	int r = EXIT_FAILURE;

	descriptors_open_standard();
	reexec_init(argv);
	o = routerd_main_parse(argc, argv);
	if (o.socket)
		return routerd_client_run(o.socket, o.json, argc - optind,
					  argv + optind);
	if (routerd_main_drop_privileges(&o, &err) < 0)
		return routerd_main_complain(&err);
	conf = routerd_conf_load(o.file, &err);
	if (conf && o.scenario)
		scenario = scenario_load(o.scenario, routerd_commands_has, &err);
	if (!conf || (o.scenario && !scenario))
		fprintf(stderr, "%s\n", err.text);
	else
		r = routerd_main_start(&o, conf, scenario);
	scenario_free(scenario);
	routerd_conf_free(conf);
	return r;
}
