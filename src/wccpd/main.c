/* SPDX-License-Identifier: GPL-2.0-or-later */
/* wccpd: command line, then the daemon. */
#include "config.h"
#include "common/kept_sockets.h"
#include "common/privileges.h"
#include "common/reexec.h"
#include "descriptors.h"
#include "foreign/foreign_file.h"
#include "kernel/pins_directory.h"
#include "log.h"
#include "udp.h"
#include "wccpd/daemon.h"

#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	const char *file;
	bool check_only, debug;
};

static void wccpd_usage(FILE *to)
{
	fputs("usage: wccpd [-dhnV] [-f file]\n"
	      "  -f file  configuration (default " CONF_DEFAULT_FILE ")\n"
	      "  -n       check the configuration, show its services and exit\n"
	      "  -d       debug: log everything, to stderr\n"
	      "  -h, -V   this help, the version\n",
	      to);
}

static struct options wccpd_parse(int argc, char **argv)
{
	struct options o = { .file = CONF_DEFAULT_FILE };
	int c;

	while ((c = getopt(argc, argv, "f:ndhV")) != -1)
		switch (c) {
		case 'f':
			o.file = optarg;
			break;
		case 'n':
			o.check_only = true;
			break;
		case 'd':
			o.debug = true;
			break;
		case 'h':
			wccpd_usage(stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			puts(PACKAGE_STRING);
			exit(EXIT_SUCCESS);
		default:
			wccpd_usage(stderr);
			exit(2);
		}
	if (optind != argc) {
		wccpd_usage(stderr);
		exit(2);
	}
	return o;
}

/* Before anything is read: what works now will work after a reload, too. */
static int wccpd_drop_privileges(const struct options *o, struct err *err)
{
	if (!o->debug)
		privileges_hide_memory();
	if (!o->check_only) {
		pins_directory_mount();
		kept_sockets_open(1 << KEPT_GRE);
	}
	return privileges_reduce(PRIVILEGES_NETWORK | PRIVILEGES_BPF | PRIVILEGES_PROCESSES,
				 err);
}

/* 0, or -1 after saying why on stderr. */
static int wccpd_write_pid_file(const char *path)
{
	char text[16];
	struct err err;

	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (!path[0] || foreign_file_write(path, text, &err) == 0)
		return 0;
	fprintf(stderr, "wccpd: pid file %s\n", err.text);
	return -1;
}

static void wccpd_check_interface(const char *name, const char *file)
{
	struct err err;

	if (!if_nametoindex(name))
		printf("%s: there is no interface %s here (warning)\n", file, name);
	else if (dp_check_interface(name, &err) < 0)
		printf("%s: %s (warning)\n", file, err.text);
}

static void wccpd_check_listen(const struct plan_listen *l, const char *file)
{
	if (addr_is_set(&l->addr) && !udp_is_local(&l->addr))
		printf("%s: this host does not have the address of listen %s (warning)\n", file,
		       conf_endpoint_text(&l->addr, l->port).s);
}

static int wccpd_check(struct conf *conf, const char *file)
{
	printf("%s: configuration is good\n", file);
	for (unsigned i = 0; i < conf->n_listens; i++)
		wccpd_check_listen(&conf->listens[i], file);
	for (unsigned i = 0; i < conf->n_interfaces; i++)
		wccpd_check_interface(conf->interfaces[i], file);
	conf_print(conf, stdout);
	conf_free(conf);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct options o;
	struct err err;
	struct conf *conf;
	struct daemon *d;
	char pid_file[CONF_PATH_MAX];

	descriptors_open_standard();
	reexec_init(argv);
	o = wccpd_parse(argc, argv);
	if (wccpd_drop_privileges(&o, &err) < 0) {
		fprintf(stderr, "wccpd: %s\n", err.text);
		return EXIT_FAILURE;
	}
	conf = conf_load(o.file, &err);
	if (!conf) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	if (o.check_only)
		return wccpd_check(conf, o.file);
	log_open("wccpd",
		 o.debug || conf->log == CONF_LOG_STDERR ? LOG_TO_STDERR
							 : LOG_TO_SYSLOG,
		 o.debug ? NOTE_DEBUG : NOTE_INFO);
	signal(SIGPIPE, SIG_IGN); /* a control client that leaves early */
	signal(SIGHUP, SIG_IGN);  /* the file has just been read */
	memcpy(pid_file, conf->pid_file, sizeof(pid_file));
	d = daemon_new(conf, o.file, &err);
	if (!d || wccpd_write_pid_file(pid_file) < 0) {
		if (d)
			daemon_free(d);
		else
			fprintf(stderr, "wccpd: %s\n", err.text);
		return EXIT_FAILURE;
	}
	daemon_run(d);
	daemon_free(d);
	if (pid_file[0])
		unlink(pid_file);
	log_close();
	return EXIT_SUCCESS;
}
