/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why an instance that should be there has no listener that counts. */
#include "wccpd/pool/obstacle.h"

#include "dp/steer/steer_fetch.h"
#include "wccpd/pool/pidfile.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

bool obstacle_is_usable(const struct listener *l, struct err *why)
{
	int fd;
	enum steer_fetched rc = steer_fetch(l->pid, l->fd, l->inode, &fd, why);

	if (fd >= 0)
		close(fd); /* at once, see steer_fetch() */
	return rc != STEER_USELESS;
}

static bool obstacle_is_alive(pid_t pid)
{
	return kill(pid, 0) == 0 || errno != ESRCH;
}

/* What is wrong with the pid file, whether or not anything listens; false: nothing. */
static bool obstacle_of_pid_file(const char *path, pid_t named, struct err *why)
{
	if (named == 0)
		err_set(why, "pid file %s is missing or names no process", path);
	else if (!obstacle_is_alive(named))
		err_set(why,
			"pid file %s names process %d, which does not exist here "
			"(stale, "
			"or of another pid namespace)",
			path, (int)named);
	else
		return false;
	return true;
}

static void obstacle_of_listener(const struct conf_instance *conf,
				 const struct listener *l, struct err *why)
{
	const char *path = conf->pid_file;
	pid_t named = path[0] ? pidfile_read(path) : 0;

	if (l->pid <= 0)
		err_set(why,
			"the process that listens on port %u cannot be seen from here "
			"(another pid namespace?)",
			conf->port);
	else if (path[0] && obstacle_of_pid_file(path, named, why))
		return;
	else if (path[0] && !pidfile_covers(path, l->pid))
		err_set(why,
			"port %u is held by process %d, which does not descend from "
			"process %d of pid file %s",
			conf->port, (int)l->pid, (int)named, path);
	else
		obstacle_is_usable(l, why);
}

bool obstacle_explain(const struct conf_instance *conf, const struct listeners *all,
		      struct err *why)
{
	unsigned n;
	const struct listener *l = listeners_at(all, conf->port, &n);

	why->text[0] = '\0';
	for (; n > 0 && !why->text[0]; n--, l++)
		obstacle_of_listener(conf, l, why);
	if (why->text[0])
		return true;
	if (conf->pid_file[0]) {
		pid_t named = pidfile_read(conf->pid_file);

		if (named > 0 && obstacle_is_alive(named)) {
			err_set(why,
				"process %d of pid file %s lives, but nothing listens "
				"on "
				"port %u",
				(int)named, conf->pid_file, conf->port);
			return true;
		}
	}
	err_set(why, "nothing listens on port %u", conf->port);
	return false;
}
