/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file for a test of reading it. */
#include "conf_file.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char conf_file_path[] = "/tmp/wccpd-conf-XXXXXX";

void conf_file_make(void)
{
	int fd = mkstemp(conf_file_path);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

void conf_file_remove(void)
{
	unlink(conf_file_path);
	strcpy(conf_file_path, "/tmp/wccpd-conf-XXXXXX");
}

void conf_file_write(const char *text, size_t len)
{
	FILE *f = fopen(conf_file_path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	fclose(f);
}

struct conf *conf_file_load(const char *text, struct err *err)
{
	conf_file_write(text, strlen(text));
	memset(err, 0, sizeof(*err));
	return conf_load(conf_file_path, err);
}

struct conf *conf_file_good(const char *text)
{
	struct err err;
	struct conf *c = conf_file_load(text, &err);

	ck_assert_msg(c, "%s", err.text);
	return c;
}

void conf_file_bad(const char *text, const char *message)
{
	struct err err;
	struct conf *c = conf_file_load(text, &err);
	char full[400];

	snprintf(full, sizeof(full), "%s:%s", conf_file_path, message);
	ck_assert_ptr_null(c);
	ck_assert_str_eq(err.text, full);
}
