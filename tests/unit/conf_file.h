/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file for a test of reading it. */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include "wccpd/conf/conf.h"

/* The least there must be. */
#define TOP "address = 10.0.1.2\ninterface = eth0\n"
#define POOL "pool web { instance s1 { port = 3129 check = 127.0.0.1:4201 } }\n"
#define SERVICE "service web-cache { pool = web routers = { 10.0.1.1 } }\n"

extern char conf_file_path[];

/* A checked fixture. */
void conf_file_make(void);
void conf_file_remove(void);

void conf_file_write(const char *text, size_t len);
struct conf *conf_file_load(const char *text, struct err *err);
/* Fails the test when it cannot be loaded. */
struct conf *conf_file_good(const char *text);
/* Loading must fail with `message` ("LINE: text") about the file. */
void conf_file_bad(const char *text, const char *message);

/* -- services ------------------------------------------------------------------------- */

#define ROUTERS "pool = web routers = { 10.0.1.1 }\n"
#define NAMED(name, rest) TOP POOL "service " name " { " ROUTERS rest "\n}"
#define IN(rest) NAMED("x", "id = 7 ports = { 1 }\n" rest)
#define WEB_CACHE(rest) NAMED("web-cache", rest)
#define TOP6 "address = 2001:db8::2\ninterface = eth0\n"
#define IN6(rest)                                                                      \
	TOP6 POOL "service web-cache { pool = web routers = { 2001:db8::1 }\n" rest    \
		  "\n}"

#endif
