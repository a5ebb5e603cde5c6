/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another process' listening socket, as a descriptor of ours for a moment. */
#include "dp/steer/steer_fetch.h"

#include <errno.h>
#include <linux/in6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The MSS that a socket states when none was set (RFC 9293 section 3.7.1). */
enum { MSS_UNSET = 536 };

static int steer_fetch_option(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) == 0 ? value : -1;
}

static int steer_fetch_is_transparent(int fd)
{
	if (steer_fetch_option(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6)
		return steer_fetch_option(fd, IPPROTO_IPV6, IPV6_TRANSPARENT);
	return steer_fetch_option(fd, IPPROTO_IP, IP_TRANSPARENT);
}

/* An IPv6 socket takes IPv4 connections, too, unless it was told not to, or is bound to an
 * IPv6 address. */
static bool steer_fetch_takes_v4(int fd)
{
	return steer_fetch_option(fd, SOL_SOCKET, SO_DOMAIN) != AF_INET6 ||
	       steer_fetch_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
}

static bool steer_fetch_takes(int fd, unsigned family, struct err *err)
{
	if (family == ADDR_V4 && !steer_fetch_takes_v4(fd)) {
		err_set(err, "the port takes IPv6 only (Squid: http_port without an "
			     "address, or with an IPv4 address)");
		return false;
	}
	if (family == ADDR_V6 && steer_fetch_option(fd, SOL_SOCKET, SO_DOMAIN) != AF_INET6) {
		err_set(err, "the port takes IPv4 only (Squid: http_port without an "
			     "address, or with an IPv6 address)");
		return false;
	}
	return true;
}

/* Squid would look for an origin at the address of this box. */
static enum steer_fetched steer_fetch_check_plain(int fd, struct err *err)
{
	if (steer_fetch_is_transparent(fd) != 1)
		return STEER_FETCHED;
	err_set(err, "the port is transparent, and takes redirected connections only (Squid: "
		     "http_port without tproxy)");
	return STEER_USELESS;
}

static enum steer_fetched steer_fetch_check(int fd, uint64_t inode, unsigned family,
					    enum steer_use use, struct err *err)
{
	struct stat st;

	/* The descriptor may have been closed and given to something else. */
	if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_ino != inode ||
	    steer_fetch_option(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
		return STEER_GONE;
	if (steer_fetch_option(fd, SOL_SOCKET, SO_PROTOCOL) != IPPROTO_TCP) {
		err_set(err, "it is not a TCP socket");
		return STEER_USELESS;
	}
	if (use == STEER_USE_PLAIN)
		return steer_fetch_check_plain(fd, err);
	/* Without it, the kernel refuses to answer from an address not its own. */
	if (steer_fetch_is_transparent(fd) != 1) {
		err_set(err, "the port is not transparent (Squid: http_port ... "
			     "tproxy; intercept "
			     "will not do)");
		return STEER_USELESS;
	}
	return steer_fetch_takes(fd, family, err) ? STEER_FETCHED : STEER_USELESS;
}

enum steer_fetched steer_fetch(pid_t pid, int fd, uint64_t inode, unsigned family,
			       enum steer_use use, int *out, struct err *err)
{
	enum steer_fetched rc;
	int process = pidfd_open(pid, 0);
	int error;

	*out = -1;
	if (process < 0 && errno == ESRCH)
		return STEER_GONE;
	if (process >= 0) {
		*out = pidfd_getfd(process, fd, 0);
		error = errno;
		close(process);
		errno = error;
	}
	if (*out < 0 && (errno == ESRCH || errno == EBADF))
		return STEER_GONE;
	if (*out < 0) {
		err_set(err, "listener of process %d: %s%s", (int)pid, strerror(errno),
			errno == EPERM ? " (needs CAP_SYS_PTRACE)" : "");
		return STEER_DENIED;
	}
	rc = steer_fetch_check(*out, inode, family, use, err);
	if (rc != STEER_FETCHED) {
		close(*out);
		*out = -1;
	}
	return rc;
}

int steer_set_mss(int listener, int mss)
{
	int before = steer_fetch_option(listener, IPPROTO_TCP, TCP_MAXSEG);

	setsockopt(listener, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss));
	return before == MSS_UNSET || before < 0 ? 0 : before;
}

int steer_set_mtu_discovery(int listener, int how)
{
	int before = steer_fetch_option(listener, IPPROTO_IP, IP_MTU_DISCOVER);

	setsockopt(listener, IPPROTO_IP, IP_MTU_DISCOVER, &how, sizeof(how));
	return before;
}
