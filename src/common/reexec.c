/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h" /* the GNU extensions */

#include "common/reexec.h"

#include "common/kept_sockets.h"
#include "log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REEXEC_CHECK_MS = 5000, REEXEC_OUTPUT = 4096 };

static struct {
	char *const *argv;
	char path[PATH_MAX]; /* empty: not known */
} reexec;

void reexec_init(char *const *argv)
{
	/* Now: once the file is replaced, the kernel calls it "(deleted)". */
	ssize_t n = readlink("/proc/self/exe", reexec.path, sizeof(reexec.path) - 1);

	reexec.argv = argv;
	reexec.path[n < 0 ? 0 : n] = '\0';
}

/* -- the check ------------------------------------------------------------------------- */

static int reexec_spawn(const char *conf_path, int output, pid_t *pid, struct err *err)
{
	char *const argv[] = { reexec.argv[0], "-n", "-f", (char *)conf_path, NULL };
	posix_spawn_file_actions_t actions;
	int rc;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	rc = posix_spawn(pid, reexec.path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (rc)
		return err_set(err, "%s: %s", reexec.path, strerror(rc));
	return 0;
}

/* The last octets of its output, up to its end; false: it takes too long. */
static bool reexec_read(int fd, char out[REEXEC_OUTPUT])
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	while (poll(&p, 1, REEXEC_CHECK_MS) > 0) {
		if (len == REEXEC_OUTPUT - 1) {
			len /= 2;
			memmove(out, out + REEXEC_OUTPUT - 1 - len, len);
		}
		n = read(fd, out + len, REEXEC_OUTPUT - 1 - len);
		if (n <= 0) {
			out[len] = '\0';
			return true;
		}
		len += (size_t)n;
	}
	return false;
}

static const char *reexec_last_line(char *text)
{
	size_t len = strlen(text);
	char *line;

	while (len && text[len - 1] == '\n')
		text[--len] = '\0';
	line = strrchr(text, '\n');
	return line ? line + 1 : text;
}

static int reexec_judge(pid_t pid, int fd, struct err *err)
{
	char output[REEXEC_OUTPUT];
	bool ended = reexec_read(fd, output);
	int status;

	if (!ended)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ended)
		return err_set(err, "%s -n does not end", reexec.path);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(err, "%s -n: %s", reexec.path, reexec_last_line(output));
}

int reexec_check(const char *conf_path, struct err *err)
{
	int ends[2], rc;
	pid_t pid;

	if (!reexec.path[0])
		return err_set(err, "the path of the program is not known");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, "pipe: %s", strerror(errno));
	rc = reexec_spawn(conf_path, ends[1], &pid, err);
	close(ends[1]);
	if (rc == 0)
		rc = reexec_judge(pid, ends[0], err);
	close(ends[0]);
	return rc;
}

/* -- executing ------------------------------------------------------------------------- */

/* Libraries open descriptors that would stay open. */
static void reexec_close_all(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		int fd = atoi(e->d_name);

		if (fd > STDERR_FILENO)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	closedir(d);
}

static void reexec_set_signals(int how)
{
	sigset_t all;

	/* One that came before there is a handler would end the process. */
	sigemptyset(&all);
	sigaddset(&all, SIGTERM);
	sigaddset(&all, SIGINT);
	sigaddset(&all, SIGHUP);
	sigaddset(&all, SIGUSR2);
	sigprocmask(how, &all, NULL);
}

void reexec_now(struct err *err)
{
	log_finish();
	reexec_set_signals(SIG_BLOCK);
	reexec_close_all();
	kept_sockets_hand_on();
	execv(reexec.path, reexec.argv);
	err_set(err, "%s: %s", reexec.path, strerror(errno));
	reexec_set_signals(SIG_UNBLOCK);
}

void reexec_done(void)
{
	reexec_set_signals(SIG_UNBLOCK);
}
