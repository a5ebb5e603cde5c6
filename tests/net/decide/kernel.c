/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program under test, loaded and filled by wccprouter's data plane. */
#include "decide.h"

#include "common/kept_sockets.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

const char *const kernel_interfaces[PLACES] = { "cl0", "cl0.7", "bx1" };

/* The filter of wccprouter (src/wccprouter/forward/tc_hook.c, src/kernel/tc.c). */
enum { HANDLE = 0x57434352, PRIORITY = 2048 };
/* Instructions that the verifier has followed: it gives up at a million, and that of
 * an older kernel follows more for the same program. */
enum { VERIFIED_MAX = 200000 };

static struct forward *forward;
static int prog_fds[2]; /* for what comes in, for what leaves */

struct interface {
	unsigned index;
	uint8_t mac[6];
};
static struct interface places[PLACES];

/* What the counters are to be. */
static struct router_packets expected[SERVICES];
static struct router_cache_packets expected_cache[SERVICES][CACHES];
static uint64_t expected_bucket[SERVICES][WCCP_BUCKETS];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(2);
}

/* -- open and close ---------------------------------------------------------------- */

static int find_program(enum bpf_tc_attach_point where)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)places[TRUNK].index,
		    .attach_point = where);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);
	int fd;

	if (bpf_tc_query(&hook, &opts) < 0)
		die("no filter on the interface");
	fd = bpf_prog_get_fd_by_id(opts.prog_id);
	if (fd < 0)
		die("no program of that id");
	return fd;
}

static void check_effort(int prog_fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len) < 0)
		die("nothing is known of the program");
	if (info.verified_insns > VERIFIED_MAX)
		die("the program is too much for verifiers of older kernels");
}

static struct interface find_interface(const char *name)
{
	struct interface found = { .index = if_nametoindex(name) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq req = { 0 };

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	if (!found.index || ioctl(fd, SIOCGIFHWADDR, &req) < 0)
		die("not in the namespace of the test");
	memcpy(found.mac, req.ifr_hwaddr.sa_data, sizeof(found.mac));
	close(fd);
	return found;
}

void kernel_open(const struct world *w)
{
	struct err err;

	for (int at = 0; at < PLACES; at++)
		places[at] = find_interface(kernel_interfaces[at]);
	kept_sockets_open(1 << KEPT_ICMP | 1 << KEPT_ICMPV6); /* as the daemon does */
	forward = forward_open(&w->conf, &err);
	if (!forward)
		die(err.text);
	prog_fds[0] = find_program(BPF_TC_INGRESS);
	prog_fds[1] = find_program(BPF_TC_EGRESS);
	check_effort(prog_fds[0]);
	check_effort(prog_fds[1]);
	memset(expected, 0, sizeof(expected));
	memset(expected_cache, 0, sizeof(expected_cache));
	memset(expected_bucket, 0, sizeof(expected_bucket));
}

static bool is_listed(const struct router_status *st, const struct addr *cache)
{
	for (unsigned i = 0; i < st->n_caches; i++)
		if (addr_equal(&st->caches[i].addr, cache))
			return true;
	return false;
}

static unsigned family_of(const struct world *w, unsigned service)
{
	return w->conf.services[service].router.allowed[0].addr.family;
}

/* The counters of a web-cache begin when it appears. */
void kernel_change(const struct world *w)
{
	struct err err;

	if (forward_apply(forward, w->status, &err) < 0)
		die(err.text);
	for (unsigned s = 0; s < w->conf.n_services; s++)
		for (unsigned i = 0; i < CACHES; i++) {
			struct addr cache = world_cache(family_of(w, s), i);

			if (!is_listed(&w->status[s], &cache))
				memset(&expected_cache[s][i], 0,
				       sizeof(expected_cache[s][i]));
		}
}

void kernel_close(void)
{
	close(prog_fds[0]);
	close(prog_fds[1]);
	forward_close(forward);
}

/* -- what is to come out ----------------------------------------------------------- */

struct result {
	uint32_t action;
	unsigned len;
	uint8_t frame[FRAME_MAX];
};

static void put(struct result *r, const void *octets, unsigned n)
{
	memcpy(r->frame + r->len, octets, n);
	r->len += n;
}

static void put16(struct result *r, unsigned v)
{
	put(r, (uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static void put_outer4(struct result *r, const struct sample *s,
		       const struct decision *d, const struct result *got)
{
	unsigned at = r->len, sum;

	put(r, (uint8_t[]){ 0x45, s->frame[s->l3 + 1] }, 2);
	put16(r, s->len - s->l3 + 28);
	put(r, got->frame + at + 4, 2); /* its own choice, but not 0 */
	put16(r, 0);
	put(r, (uint8_t[]){ 64, 47, 0, 0, 10, 0, 9, 1 }, 8);
	put(r, d->cache.octets, 4);
	sum = sample_checksum(r->frame + at, 20);
	r->frame[at + 10] = (uint8_t)(sum >> 8);
	r->frame[at + 11] = (uint8_t)sum;
	if (!r->frame[at + 4] && !r->frame[at + 5])
		r->frame[at + 5] = 1;
}

static void put_outer6(struct result *r, const struct sample *s,
		       const struct decision *d)
{
	static const uint8_t id[16] = { 0x20, 1, 0xd, 0xb8, 0, 9, [15] = 1 };
	const uint8_t *ip = s->frame + s->l3;

	/* The traffic class is that of the packet. */
	put(r, (uint8_t[]){ ip[0], ip[1] & 0xf0, 0, 0 }, 4);
	put16(r, s->len - s->l3 + 8);
	put(r, (uint8_t[]){ 47, 64 }, 2);
	put(r, id, 16);
	put(r, d->cache.octets, 16);
}

static void put_inner(struct result *r, const struct sample *s)
{
	unsigned at = r->len, header = (s->frame[s->l3] & 15) * 4, sum;
	uint8_t *ip = r->frame + at;

	put(r, s->frame + s->l3, s->len - s->l3);
	if (s->leaving)
		return; /* the hop was counted before */
	if (s->family == ADDR_V6) {
		ip[7]--;
		return;
	}
	ip[8]--;
	ip[10] = ip[11] = 0;
	sum = sample_checksum(ip, header);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

static bool is_redirected(const struct decision *d)
{
	return d->verdict == BY_HASH || d->verdict == BY_ALTERNATE_HASH ||
	       d->verdict == BY_MASK;
}

static struct result wanted(const struct sample *s, const struct decision *d,
			    const struct result *sent, const struct result *got)
{
	struct result r = { .action = TC_ACT_REDIRECT };

	if (!is_redirected(d)) {
		r = *sent;
		r.action =
			d->verdict == REFUSED ? TC_ACT_SHOT : (uint32_t)TC_ACT_UNSPEC;
		return r;
	}
	put(&r, sent->frame, s->l3);
	if (d->gre) {
		if (s->family == ADDR_V6)
			put_outer6(&r, s, d);
		else
			put_outer4(&r, s, d, got);
		put(&r, "\0\0\x88\x3e", 4);
		put(&r, d->header, sizeof(d->header));
	}
	put_inner(&r, s);
	return r;
}

/* -- comparison -------------------------------------------------------------------- */

static void run(const struct sample *s, struct result *sent, struct result *got)
{
	const struct interface *in = &places[s->at];
	struct __sk_buff skb = { .ifindex = in->index };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = sent->frame,
		    .data_out = got->frame, .ctx_in = &skb, .ctx_size_in = sizeof(skb),
		    .repeat = 1);

	if (s->leaving && s->from != PLACES)
		skb.ingress_ifindex = places[s->from].index;
	memcpy(sent->frame, s->frame, s->len);
	memcpy(sent->frame, in->mac, sizeof(in->mac));
	sent->frame[6] &= 0xfe; /* a sender is one host */
	sent->len = s->len;
	opts.data_size_in = s->len;
	opts.data_size_out = sizeof(got->frame);
	if (bpf_prog_test_run_opts(prog_fds[s->leaving], &opts) < 0) {
		perror("test run");
		die("the kernel does not run the program");
	}
	got->action = opts.retval;
	got->len = opts.data_size_out;
}

static unsigned index_of(const struct addr *cache)
{
	unsigned i;

	for (i = 0; i < CACHES - 1; i++) {
		struct addr a = world_cache(cache->family, i);

		if (addr_equal(&a, cache))
			break;
	}
	return i;
}

static void expect(const struct sample *s, const struct decision *d)
{
	struct router_packets *p = &expected[d->service];
	struct router_cache_packets *c;

	for (unsigned i = 0; i < SERVICES; i++)
		expected[i].bypassed += d->bypassed >> i & 1;
	p->denied += d->verdict == DENIED;
	p->unassigned += d->verdict == UNASSIGNED || d->verdict == REFUSED;
	p->dropped += d->verdict == REFUSED;
	if (!is_redirected(d))
		return;
	c = &expected_cache[d->service][index_of(&d->cache)];
	p->redirected++;
	c->redirected++;
	p->redirected_octets += s->len - s->l3;
	c->redirected_octets += s->len - s->l3;
	if (d->verdict != BY_MASK)
		expected_bucket[d->service][d->header[d->verdict == BY_HASH ? 3 : 2]]++;
}

int kernel_compare(const struct sample *s, const struct decision *d, struct err *err)
{
	struct result sent = { 0 }, got = { 0 }, want;

	run(s, &sent, &got);
	want = wanted(s, d, &sent, &got);
	expect(s, d);
	if (got.action != want.action)
		return err_set(err, "action %d, not %d", (int)got.action,
			       (int)want.action);
	if (got.len != want.len)
		return err_set(err, "%u octets, not %u", got.len, want.len);
	for (unsigned i = 0; i < want.len; i++)
		if (got.frame[i] != want.frame[i])
			return err_set(err, "octet %u is 0x%02x, not 0x%02x", i,
				       got.frame[i], want.frame[i]);
	return 0;
}

/* -- counters ---------------------------------------------------------------------- */

static int compare_service(unsigned service, const struct router_packets *got,
			   struct err *err)
{
	static const char *const names[] = { "redirected", "redirected_octets",
					     "unassigned", "denied",
					     "returned",   "unreturnable",
					     "bypassed",   "dropped",
					     "too_big" };
	const __u64 *a = (const void *)got, *b = (const void *)&expected[service];

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (a[i] != b[i])
			return err_set(err, "service %u: %s is %llu, not %llu", service,
				       names[i], a[i], b[i]);
	return 0;
}
_Static_assert(sizeof(struct router_packets) == 9 * sizeof(__u64), "name them all");

static int compare_caches(const struct world *w, unsigned service, struct err *err)
{
	for (unsigned i = 0; i < CACHES; i++) {
		struct addr cache = world_cache(family_of(w, service), i);
		struct router_cache_packets got;

		forward_cache_packets(forward, service, &cache, &got);
		if (memcmp(&got, &expected_cache[service][i], sizeof(got)) != 0)
			return err_set(err, "%s: %llu packets, not %llu",
				       ADDR_TEXT(&cache), got.redirected,
				       expected_cache[service][i].redirected);
	}
	return 0;
}

int kernel_compare_counters(const struct world *w, struct err *err)
{
	for (unsigned s = 0; s < w->conf.n_services; s++) {
		struct router_packets got;
		uint64_t buckets[WCCP_BUCKETS];

		if (forward_packets(forward, s, &got) < 0 ||
		    forward_bucket_packets(forward, s, buckets) < 0)
			return err_set(err, "service %u: no counters", s);
		if (memcmp(buckets, expected_bucket[s], sizeof(buckets)) != 0)
			return err_set(err, "service %u: other counters of buckets", s);
		if (compare_service(s, &got, err) < 0 || compare_caches(w, s, err) < 0)
			return -1;
	}
	return 0;
}
