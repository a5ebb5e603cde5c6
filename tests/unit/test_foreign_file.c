/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that others may have made: only regular ones, without waiting, of bounded size. */
#include "foreign/foreign_file.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[64], path[80], other[80], text[9];
static struct err why;

static void begin(void)
{
	strcpy(folder, "/tmp/test_foreign.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
}

static void end(void)
{
	unlink(path);
	rmdir(path);
	unlink(other);
	rmdir(folder);
}

CASE(foreign_file, .setup = begin, .teardown = end, .timeout = 10)

static void put(const char *name, const char *what)
{
	FILE *f = fopen(name, "w");

	fputs(what, f);
	fclose(f);
}

static ssize_t get(enum foreign_links links)
{
	why.text[0] = '\0';
	return foreign_file_read(path, links, text, sizeof(text) - 1, NULL, &why);
}

static void refused(const char *words)
{
	ck_assert_int_eq(get(FOREIGN_LINKS_NONE), -1);
	ck_assert_msg(strstr(why.text, words) && strstr(why.text, path), "%s", why.text);
	ck_assert_int_eq(get(FOREIGN_LINKS_OURS), -1);
	ck_assert_msg(strstr(why.text, words), "%s", why.text);
	ck_assert_int_eq(foreign_file_write(path, "1\n", &why), -1);
	ck_assert_msg(strstr(why.text, words), "%s", why.text);
}

TEST(regular_files_of_bounded_size)
{
	put(path, "12345678");
	ck_assert_int_eq(get(FOREIGN_LINKS_NONE), 8);
	ck_assert_mem_eq(text, "12345678", 8);
	put(path, "123456789");
	ck_assert_int_eq(get(FOREIGN_LINKS_NONE), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "larger than 8 octets"));
	put(path, "");
	ck_assert_int_eq(get(FOREIGN_LINKS_NONE), 0);
	unlink(path);
	ck_assert_int_eq(get(FOREIGN_LINKS_NONE), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "No such file"));
}

/* Nobody ever writes to it: the time-out of the test would end the wait. */
TEST(no_fifo)
{
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	refused("is a FIFO");
}

TEST(no_folder)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	refused("is a directory");
}

TEST(no_socket)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(a.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	refused("is a socket");
	close(fd);
}

TEST(no_device)
{
	ck_assert_int_eq(foreign_file_read("/dev/zero", FOREIGN_LINKS_OURS, text, 8, NULL,
					   &why),
			 -1);
	ck_assert_ptr_nonnull(strstr(why.text, "is a device"));
}

/* Followed only where nobody else can have put it, and never to write. */
TEST(links)
{
	put(other, "x");
	ck_assert_int_eq(symlink(other, path), 0);
	ck_assert_int_eq(get(FOREIGN_LINKS_NONE), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "is a symbolic link"));
	ck_assert_int_eq(get(FOREIGN_LINKS_OURS), 1);
	ck_assert_int_eq(foreign_file_write(path, "1\n", &why), -1);
	ck_assert_int_eq(chmod(folder, 01777), 0);
	ck_assert_int_eq(get(FOREIGN_LINKS_OURS), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "is a symbolic link"));
	unlink(other);
	ck_assert_int_eq(mkfifo(other, 0600), 0);
	ck_assert_int_eq(chmod(folder, 0700), 0);
	ck_assert_int_eq(get(FOREIGN_LINKS_OURS), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "is a FIFO"));
}

TEST(writes_what_is_ours)
{
	put(path, "a longer text");
	ck_assert_int_eq(foreign_file_write(path, "4711\n", &why), 0);
	ck_assert_int_eq(get(FOREIGN_LINKS_NONE), 5);
	ck_assert_int_eq(link(path, other), 0);
	ck_assert_int_eq(foreign_file_write(path, "1\n", &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "another name"));
	unlink(path);
	ck_assert_int_eq(foreign_file_write(path, "1\n", &why), 0);
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(chown(path, 65534, 65534), 0);
	ck_assert_int_eq(foreign_file_write(path, "1\n", &why), -1);
	ck_assert_ptr_nonnull(strstr(why.text, "belongs to user 65534"));
}
