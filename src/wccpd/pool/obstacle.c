/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why an instance that should be there has no listener that counts. */
#include "wccpd/pool/obstacle.h"

#include "dp/steer/steer_fetch.h"
#include "wccpd/pool/pidfile.h"

#include <unistd.h>

bool obstacle_is_usable(const struct conf_instance *conf, const struct listener *l,
			struct err *why)
{
	int fd;
	enum steer_fetched rc = steer_fetch(
		l->pid, l->fd, l->inode, conf->plain ? ADDR_NONE : conf->family,
		conf->plain ? STEER_USE_PLAIN : STEER_USE_REDIRECTED, &fd, why);

	if (fd >= 0)
		close(fd); /* at once, see steer_fetch() */
	return rc != STEER_USELESS;
}

bool obstacle_is_in_place(const struct conf_instance *conf, const struct listener *l)
{
	/* Of two instances that differ by their addresses, neither has a socket for all. */
	if (addr_is_set(&conf->at) && !conf->plain)
		return addr_equal(&l->at, &conf->at);
	return !addr_is_set(&conf->at) || listeners_is_at(&l->at, &conf->at);
}

/* Does the pid file name a process that lives? */
static bool obstacle_is_named(const char *path, pid_t *named, struct err *why)
{
	*named = pidfile_read(path, why);
	if (*named == 0) {
		err_prefix(why, "pid file");
		return false;
	}
	if (pidfile_is_alive(*named))
		return true;
	err_set(why,
		"pid file %s names process %d, which does not exist here (stale, or of "
		"another pid namespace)",
		path, (int)*named);
	return false;
}

static void obstacle_of_listener(const struct conf_instance *conf,
				 const struct listener *l, struct err *why)
{
	const char *path = conf->pid_file;
	pid_t named = 0;

	if (l->pid <= 0)
		err_set(why,
			"the process that listens on port %u cannot be seen from here "
			"(another pid namespace?)",
			conf->port);
	else if (path[0] && !obstacle_is_named(path, &named, why))
		return;
	else if (path[0] && !pidfile_covers(path, l->pid))
		err_set(why,
			"port %u is held by process %d, which does not descend from "
			"process %d of pid file %s",
			conf->port, (int)l->pid, (int)named, path);
	else
		obstacle_is_usable(conf, l, why);
}

bool obstacle_explain(const struct conf_instance *conf, const struct listeners *all,
		      struct err *why)
{
	unsigned n;
	const struct listener *l = listeners_at(all, conf->port, &n);
	struct err of_file;
	pid_t named;

	why->text[0] = '\0';
	for (; n > 0 && !why->text[0]; n--, l++)
		if (obstacle_is_in_place(conf, l))
			obstacle_of_listener(conf, l, why);
	if (why->text[0])
		return true;
	if (conf->pid_file[0] && obstacle_is_named(conf->pid_file, &named, &of_file)) {
		err_set(why,
			"process %d of pid file %s lives, but nothing listens on port %u",
			(int)named, conf->pid_file, conf->port);
		return true;
	}
	if (addr_is_set(&conf->at))
		err_set(why, "nothing listens on port %u of %s", conf->port,
			ADDR_TEXT(&conf->at));
	else
		err_set(why, "nothing listens on port %u", conf->port);
	return false;
}
