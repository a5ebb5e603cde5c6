/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options password and password-file. */
#include "conf_file.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONF(more)                                                                     \
	"address = 10.0.1.2\ninterface = eth0\n"                                        \
	"pool a { instance s { port = 3129 check = '127.0.0.1:1' } }\n"                 \
	"service web-cache { pool = a routers = { 10.0.1.1 }\n" more "\n}\n"

static char folder[32], path[64];

static void begin(void)
{
	conf_file_make();
	strcpy(folder, "/tmp/test_password.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/wccp", folder);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void end(void)
{
	conf_file_remove();
	unlink(path);
	rmdir(folder);
}

CASE(password, .setup = begin, .teardown = end)

static void put(const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

static const char *with_file(const char *name)
{
	static char text[400];

	snprintf(text, sizeof(text), CONF("password-file = \"%s\""), name);
	return text;
}

static void is_secret(const char *text, unsigned warnings)
{
	struct conf *c = conf_file_good(text);

	ck_assert(c->services[0].group.password.set);
	ck_assert_mem_eq(c->services[0].group.password.octets, "secret\0\0", 8);
	ck_assert_uint_eq(c->n_warnings, warnings);
	if (warnings)
		ck_assert_ptr_nonnull(strstr(c->warnings[0].text, "every user can read"));
	conf_free(c);
}

static void refused(const char *text, const char *words)
{
	struct err err;

	ck_assert_ptr_null(conf_file_load(text, &err));
	ck_assert_msg(strstr(err.text, words) && strstr(err.text, ":5: password-file: "),
		      "%s", err.text);
}

TEST(in_a_file_of_its_own)
{
	put("secret\n", 0600);
	is_secret(with_file(path), 0);
	put("secret", 0640);
	is_secret(with_file(path), 0);
}

TEST(a_credential)
{
	put("secret\n", 0400);
	refused(with_file("wccp"), "there are no credentials for wccp");
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	is_secret(with_file("wccp"), 0);
	refused(with_file("other"), "No such file");
	refused(with_file("../wccp"), "neither a path");
	unsetenv("CREDENTIALS_DIRECTORY");
}

TEST(no_other_file)
{
	put("secret\nmore\n", 0600);
	refused(with_file(path), "larger than");
	put("a\nb\n", 0600);
	refused(with_file(path), "more than one line");
	put("123456789", 0600);
	refused(with_file(path), "longer than 8 octets");
	put("\n", 0600);
	refused(with_file(path), "empty");
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	refused(with_file(path), "is a FIFO");
	refused(with_file("/dev/zero"), "is a device");
}

TEST(one_of_both)
{
	refused(CONF("password-file = /x\npassword = secret"), "there is a password, too");
}

TEST(that_everybody_can_read)
{
	put("secret\n", 0644);
	is_secret(with_file(path), 1);
	is_secret(CONF("password = secret"), 0);
	chmod(conf_file_path, 0644);
	is_secret(CONF("password = secret"), 1);
}
