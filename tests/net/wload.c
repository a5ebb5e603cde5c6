/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wload: HTTP load that accounts for every request.
 *
 *   wload [-n clients] [-r per-second] [-d seconds] [-s ms] [-t ms] [-b source]...
 *         [-x proxy] [-v] [-f file] [URL]...
 *
 * Each of n clients opens a connection, sends one request, takes the whole
 * answer, waits for the server to close, and starts again, until -d seconds are
 * over or SIGTERM comes; requests under way are then finished.  URLs
 * (http://ADDR[:PORT]/PATH) are taken in turn, each %u in them replaced by a
 * number never used before.  -b binds source addresses, in turn.  -r limits the
 * rate of new requests; 0 is as fast as it goes.
 *
 * -x asks a proxy, ADDR:PORT, for all of them.
 *
 * -s gives each URL in turn a slice of time of its own, of so many milliseconds, for
 * comparing them on a machine that is not always equally fast.  All requests of a
 * slice are finished before the next one begins.
 *
 * stdout has one JSON object a line: {"failed": ...} for every request without a
 * whole answer (status 200 and all of Content-Length), with -v {"ok": ...} for
 * every other, {"start": ...} first, {"snapshot": ...} for each SIGUSR1, {"slice": ...}
 * for each slice with the index of its URL, and {"summary": ...} at the end.  Times are
 * seconds of CLOCK_MONOTONIC.  Exit 0, whatever failed.
 */
#include "config.h" /* the GNU extensions */

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
	MAX_CLIENTS = 4096,
	MAX_SOURCES = 256,
	MAX_TARGETS = 8192,
	HEAD_MAX = 4096,
	TICK_MS = 20,
	/* Latency histogram: 16 steps per doubling of microseconds. */
	HIST_STEPS = 16,
	HIST_SIZE = 32 * HIST_STEPS,
};

struct target {
	struct sockaddr_in addr;
	char host[32]; /* as the Host header has it */
	char *path;
};

enum phase { IDLE, CONNECT, SEND, RECV, CLOSING };
static const char *const phase_names[] = {"idle", "connect", "send", "recv", "closing"};

struct client {
	int fd;
	enum phase phase;
	const struct target *target;
	struct sockaddr_in local;
	uint64_t t_start, t_connected; /* ns; 0: not yet */
	size_t sent, to_send;
	char request[768];
	size_t head_len; /* octets in head; the header is complete when body >= 0 */
	char head[HEAD_MAX + 1];
	int status;
	bool via;
	int64_t length, body; /* octets announced and got; -1: not known */
};

struct totals {
	uint64_t requests, whole, failed, via, retrans, octets;
	uint64_t t_first; /* ns */
	uint64_t hist[HIST_SIZE];
};

/* Of those a slice has ended, the URL that has its turn, and what there was before. */
static struct slices {
	unsigned target;
	bool over;
	struct totals before;
} slices;

static struct options {
	unsigned n_clients, rate, timeout_ms, slice_ms, n_sources, n_targets;
	double seconds;
	bool verbose;
	struct in_addr sources[MAX_SOURCES];
	struct target targets[MAX_TARGETS];
	bool proxied;
	struct sockaddr_in proxy;
} opt = {.n_clients = 8, .timeout_ms = 10000};

static struct client clients[MAX_CLIENTS];
static struct totals total;
static uint64_t unique;
static int epfd;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	fputs("wload: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* -- accounting ---------------------------------------------------------------- */

static unsigned hist_slot(uint64_t us)
{
	unsigned top, slot;

	if (us < HIST_STEPS)
		return (unsigned)us;
	top = 63 - (unsigned)__builtin_clzll(us); /* >= 4 */
	slot = (top - 3) * HIST_STEPS + (unsigned)((us >> (top - 4)) & (HIST_STEPS - 1));
	return slot < HIST_SIZE ? slot : HIST_SIZE - 1;
}

/* Lower edge of a slot in microseconds: the inverse of hist_slot(). */
static uint64_t hist_edge(unsigned slot)
{
	unsigned top = slot / HIST_STEPS + 3;

	if (slot < HIST_STEPS)
		return slot;
	return ((uint64_t)HIST_STEPS + slot % HIST_STEPS) << (top - 4);
}

static double percentile_ms(const struct totals *before, double share)
{
	uint64_t sum = 0, want = (uint64_t)(share * (double)(total.whole - before->whole));

	for (unsigned i = 0; i < HIST_SIZE; i++) {
		sum += total.hist[i] - before->hist[i];
		if (sum > want)
			return (double)hist_edge(i) / 1000;
	}
	return 0;
}

static void print_request(const char *kind, const struct client *c, uint64_t end,
			  const char *why)
{
	char src[INET_ADDRSTRLEN], dst[INET_ADDRSTRLEN], connected[32] = "null";

	inet_ntop(AF_INET, &c->local.sin_addr, src, sizeof(src));
	inet_ntop(AF_INET, &c->target->addr.sin_addr, dst, sizeof(dst));
	if (c->t_connected)
		snprintf(connected, sizeof(connected), "%.6f", (double)c->t_connected / 1e9);
	printf("{\"%s\": {\"src\": \"%s\", \"port\": %u, \"dst\": \"%s\", "
	       "\"t_start\": %.6f, \"t_connected\": %s, \"t_end\": %.6f, "
	       "\"phase\": \"%s\", \"why\": \"%s\", \"status\": %d, \"got\": %" PRId64
	       ", \"via\": %s}}\n",
	       kind, src, ntohs(c->local.sin_port), dst, (double)c->t_start / 1e9,
	       connected, (double)end / 1e9, phase_names[c->phase], why, c->status,
	       c->body, c->via ? "true" : "false");
}

/* What there is more than `before`, for the URL `target` or, -1, all of them. */
static void print_since(const char *kind, int target, const struct totals *before,
			uint64_t now)
{
	double s = (double)(now - before->t_first) / 1e9;
	uint64_t whole = total.whole - before->whole;
	unsigned open = 0;

	for (unsigned i = 0; i < opt.n_clients; i++)
		open += clients[i].phase != IDLE && clients[i].phase != CLOSING;
	printf("{\"%s\": {\"target\": %d, \"requests\": %" PRIu64 ", \"whole\": %" PRIu64
	       ", \"failed\": %" PRIu64 ", \"open\": %u, \"via\": %" PRIu64
	       ", \"octets\": %" PRIu64 ", \"retransmitted\": %" PRIu64
	       ", \"seconds\": %.3f, \"per_second\": %.1f, \"ms\": {\"p50\": %.3f, "
	       "\"p90\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f}}}\n",
	       kind, target, total.requests - before->requests, whole,
	       total.failed - before->failed, open, total.via - before->via,
	       total.octets - before->octets, total.retrans - before->retrans, s,
	       s > 0 ? (double)whole / s : 0, percentile_ms(before, 0.5),
	       percentile_ms(before, 0.9), percentile_ms(before, 0.99),
	       percentile_ms(before, 0.999), percentile_ms(before, 0.9999999));
	fflush(stdout);
}

static void print_totals(const char *kind, uint64_t now)
{
	const struct totals nothing = {.t_first = total.t_first};

	print_since(kind, -1, &nothing, now);
}

/* -- one request --------------------------------------------------------------- */

static void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->phase = IDLE;
}

static void client_failed(struct client *c, const char *why)
{
	total.failed++;
	print_request("failed", c, now_ns(), why);
	fflush(stdout);
	client_close(c);
}

static void client_failed_errno(struct client *c, int error)
{
	const char *name = strerrorname_np(error);

	client_failed(c, name ? name : "unknown");
}

/* All of the answer is there; the server is to close first, so that the
 * TIME_WAIT state is where it is with real clients that ask for close. */
static void client_whole(struct client *c)
{
	uint64_t now = now_ns();

	total.whole++;
	total.via += c->via;
	total.octets += (uint64_t)c->body;
	total.hist[hist_slot((now - c->t_start) / 1000)]++;
	if (opt.verbose)
		print_request("ok", c, now, "");
	c->phase = CLOSING;
}

static size_t build_request(struct client *c)
{
	char path[512];
	size_t n = 0;

	for (const char *p = c->target->path; *p && n < sizeof(path) - 24; p++) {
		if (p[0] == '%' && p[1] == 'u') {
			n += (size_t)snprintf(path + n, 24, "%" PRIu64, unique++);
			p++;
		} else {
			path[n++] = *p;
		}
	}
	path[n] = 0;
	return (size_t)snprintf(c->request, sizeof(c->request),
				"GET %s%s%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: wload\r\n"
				"Connection: close\r\n\r\n",
				opt.proxied ? "http://" : "",
				opt.proxied ? c->target->host : "", path,
				c->target->host);
}

static int open_socket(struct client *c)
{
	static unsigned turn;
	struct sockaddr_in src = {.sin_family = AF_INET};
	socklen_t len = sizeof(c->local);
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -1;
	if (opt.n_sources) {
		src.sin_addr = opt.sources[turn++ % opt.n_sources];
		/* The port is chosen at connect(), when the pair is known. */
		setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
		if (bind(c->fd, (struct sockaddr *)&src, sizeof(src)))
			return -1;
	}
	if (connect(c->fd,
		    (const struct sockaddr *)(opt.proxied ? &opt.proxy : &c->target->addr),
		    sizeof(c->target->addr)) &&
	    errno != EINPROGRESS)
		return -1;
	return getsockname(c->fd, (struct sockaddr *)&c->local, &len);
}

static void client_start(struct client *c)
{
	static unsigned turn;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = c};

	memset(c, 0, offsetof(struct client, request));
	c->head_len = 0;
	c->status = 0;
	c->via = false;
	c->length = c->body = -1;
	c->target = &opt.targets[opt.slice_ms ? slices.target : turn++ % opt.n_targets];
	c->to_send = build_request(c);
	c->phase = CONNECT;
	c->t_start = now_ns();
	total.requests++;
	if (open_socket(c) || epoll_ctl(epfd, EPOLL_CTL_ADD, c->fd, &ev))
		client_failed_errno(c, errno);
}

static bool step_connect(struct client *c)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(int);
	int error = 0;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		client_failed_errno(c, error);
		return false;
	}
	c->t_connected = now_ns();
	len = sizeof(info);
	if (!getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		total.retrans += info.tcpi_total_retrans;
	c->phase = SEND;
	return true;
}

static bool step_send(struct client *c)
{
	ssize_t n = send(c->fd, c->request + c->sent, c->to_send - c->sent, MSG_NOSIGNAL);

	if (n < 0) {
		if (errno != EAGAIN)
			client_failed_errno(c, errno);
		return false;
	}
	c->sent += (size_t)n;
	if (c->sent == c->to_send)
		c->phase = RECV;
	return true;
}

/* The header is complete: what it says.  NULL, or what is wrong with it. */
static const char *parse_head(struct client *c)
{
	const char *length = strcasestr(c->head, "\r\nContent-Length:");

	if (sscanf(c->head, "HTTP/1.%*1[01] %3d ", &c->status) != 1)
		return "not HTTP";
	c->via = strcasestr(c->head, "\r\nVia:");
	if (c->status != 200)
		return "status";
	if (!length)
		return "no Content-Length";
	c->length = strtoll(length + strlen("\r\nContent-Length:"), NULL, 10);
	return c->length < 0 ? "bad Content-Length" : NULL;
}

/* Take n octets of the answer.  NULL, or what is wrong with it. */
static const char *take(struct client *c, const char *octets, size_t n)
{
	size_t room = HEAD_MAX - c->head_len, part = n < room ? n : room;
	const char *end, *wrong;

	if (c->body >= 0) {
		c->body += (int64_t)n;
		return c->body > c->length ? "too long" : NULL;
	}
	memcpy(c->head + c->head_len, octets, part);
	c->head_len += part;
	c->head[c->head_len] = 0;
	end = strstr(c->head, "\r\n\r\n");
	if (!end)
		return c->head_len == HEAD_MAX ? "long header" : NULL;
	wrong = parse_head(c);
	/* What came behind the header; `part` may be less than n. */
	c->body = (int64_t)(c->head + c->head_len - (end + 4) + (n - part));
	return wrong ? wrong : c->body > c->length ? "too long" : NULL;
}

static bool step_recv(struct client *c)
{
	static char buf[65536];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);
	const char *wrong;

	if (n < 0) {
		if (errno != EAGAIN)
			client_failed_errno(c, errno);
		return false;
	}
	if (n == 0) {
		client_failed(c, "closed early");
		return false;
	}
	wrong = take(c, buf, (size_t)n);
	if (wrong) {
		client_failed(c, wrong);
		return false;
	}
	if (c->body >= 0 && c->body == c->length)
		client_whole(c);
	return true;
}

static bool step_closing(struct client *c)
{
	char buf[256];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0)
		client_close(c);
	return n > 0;
}

/* Do what can be done without waiting; the epoll edge is used up afterwards. */
static void client_ready(struct client *c, uint32_t events)
{
	bool more = true;

	if (c->phase == CONNECT && !(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return;
	while (more) {
		switch (c->phase) {
		case CONNECT:
			more = step_connect(c);
			break;
		case SEND:
			more = step_send(c);
			break;
		case RECV:
			more = step_recv(c);
			break;
		case CLOSING:
			more = step_closing(c);
			break;
		case IDLE:
			more = false;
			break;
		}
	}
}

/* -- the loop ------------------------------------------------------------------ */

static void expire(uint64_t now)
{
	for (unsigned i = 0; i < opt.n_clients; i++) {
		struct client *c = &clients[i];

		if (c->phase == IDLE || now - c->t_start < opt.timeout_ms * 1000000ull)
			continue;
		if (c->phase == CLOSING)
			client_close(c);
		else
			client_failed_errno(c, ETIMEDOUT);
	}
}

static void slice_begin(uint64_t now)
{
	slices.over = false;
	slices.before = total;
	slices.before.t_first = now;
}

/* The last request of a slice is done: the next URL has its turn. */
static void slice_end(uint64_t now)
{
	print_since("slice", (int)slices.target, &slices.before, now);
	slices.target = (slices.target + 1) % opt.n_targets;
	slice_begin(now);
}

static bool slice_is_over(uint64_t now)
{
	return opt.slice_ms && now - slices.before.t_first >= opt.slice_ms * 1000000ull;
}

/* Start what the rate allows.  Returns how many clients are not idle. */
static unsigned start_idle(uint64_t now, bool stopping)
{
	uint64_t allowed = UINT64_MAX;
	unsigned busy = 0;

	if (opt.rate)
		allowed = (now - total.t_first) * opt.rate / 1000000000u + 1;
	for (unsigned i = 0; i < opt.n_clients; i++) {
		struct client *c = &clients[i];

		if (c->phase == IDLE && !stopping && total.requests < allowed)
			client_start(c);
		busy += c->phase != IDLE;
	}
	return busy;
}

static int open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		die("signalfd: %s", strerror(errno));
	return fd;
}

/* Returns true when the run is to end. */
static bool read_signals(int fd)
{
	struct signalfd_siginfo info;
	bool stop = false;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			print_totals("snapshot", now_ns());
		else
			stop = true;
	}
	return stop;
}

static void loop(void)
{
	struct epoll_event events[256], ev = {.events = EPOLLIN, .data.ptr = NULL};
	int sigfd = open_signals();
	uint64_t now = now_ns(), checked = now;
	uint64_t end = opt.seconds > 0 ? now + (uint64_t)(opt.seconds * 1e9) : UINT64_MAX;
	bool stopping = false;
	unsigned busy;

	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epfd < 0 || epoll_ctl(epfd, EPOLL_CTL_ADD, sigfd, &ev))
		die("epoll: %s", strerror(errno));
	total.t_first = now;
	print_totals("start", now); /* from here on signals are heard */
	slice_begin(now);
	while ((busy = start_idle(now, stopping || slices.over)) || !stopping) {
		int n;

		if (!busy && slices.over) {
			slice_end(now_ns());
			continue;
		}
		n = epoll_wait(epfd, events, 256, opt.rate ? 1 : TICK_MS);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				client_ready(events[i].data.ptr, events[i].events);
			else
				stopping |= read_signals(sigfd);
		}
		now = now_ns();
		slices.over |= slice_is_over(now);
		stopping |= now >= end;
		if (now - checked >= TICK_MS * 1000000ull) {
			expire(now);
			checked = now;
		}
	}
	print_totals("summary", now_ns());
}

/* -- arguments ----------------------------------------------------------------- */

static void add_target(const char *url)
{
	struct target *t = &opt.targets[opt.n_targets];
	const char *slash;
	unsigned port = 80;
	char addr[32];

	if (opt.n_targets == MAX_TARGETS)
		die("more than %d URLs", MAX_TARGETS);
	if (strncmp(url, "http://", 7) || !(slash = strchr(url + 7, '/')) ||
	    slash - (url + 7) >= (ptrdiff_t)sizeof(t->host) || strlen(slash) > 256)
		die("%s: not http://ADDR[:PORT]/PATH", url);
	snprintf(t->host, sizeof(t->host), "%.*s", (int)(slash - (url + 7)), url + 7);
	if (sscanf(t->host, "%31[0-9.]:%u", addr, &port) < 1 || port > 65535 ||
	    inet_pton(AF_INET, addr, &t->addr.sin_addr) != 1)
		die("%s: not http://ADDR[:PORT]/PATH", url);
	t->addr.sin_family = AF_INET;
	t->addr.sin_port = htons((uint16_t)port);
	t->path = strdup(slash);
	opt.n_targets++;
}

static void parse_proxy(const char *text)
{
	unsigned port;
	char addr[32];

	if (sscanf(text, "%31[0-9.]:%u", addr, &port) != 2 || port > 65535 ||
	    inet_pton(AF_INET, addr, &opt.proxy.sin_addr) != 1)
		die("%s: not ADDR:PORT", text);
	opt.proxy.sin_family = AF_INET;
	opt.proxy.sin_port = htons((uint16_t)port);
	opt.proxied = true;
}

static void read_targets(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[512];

	if (!f)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (line[0])
			add_target(line);
	}
	fclose(f);
}

static void add_source(const char *text)
{
	if (opt.n_sources == MAX_SOURCES)
		die("more than %d sources", MAX_SOURCES);
	if (inet_pton(AF_INET, text, &opt.sources[opt.n_sources++]) != 1)
		die("%s: not an IPv4 address", text);
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:r:d:s:t:b:f:x:v")) != -1) {
		switch (c) {
		case 'n':
			opt.n_clients = (unsigned)atoi(optarg);
			break;
		case 'r':
			opt.rate = (unsigned)atoi(optarg);
			break;
		case 'd':
			opt.seconds = atof(optarg);
			break;
		case 's':
			opt.slice_ms = (unsigned)atoi(optarg);
			break;
		case 't':
			opt.timeout_ms = (unsigned)atoi(optarg);
			break;
		case 'b':
			add_source(optarg);
			break;
		case 'x':
			parse_proxy(optarg);
			break;
		case 'f':
			read_targets(optarg);
			break;
		case 'v':
			opt.verbose = true;
			break;
		default:
			return 2;
		}
	}
	while (optind < argc)
		add_target(argv[optind++]);
	if (!opt.n_clients || opt.n_clients > MAX_CLIENTS || !opt.n_targets)
		die("needs a URL, and 1 to %d clients", MAX_CLIENTS);
	for (unsigned i = 0; i < opt.n_clients; i++)
		clients[i].fd = -1;
	loop();
	return 0;
}
