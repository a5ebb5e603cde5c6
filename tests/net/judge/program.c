/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program under test, loaded and filled by wccpd's data plane. */
#include "judge.h"

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

/* The filter of wccpd (src/dp/ingress/ingress.c, src/kernel/tc.c). */
enum { HANDLE = 0x57434350, PRIORITY = 2048 };
/* Instructions that the verifier has followed: it gives up at a million, and that of
 * an older kernel follows more for the same program. */
enum { VERIFIED_MAX = 200000 };

static struct dp *dp;
static int prog_fd = -1;
static unsigned ifindex;
static uint8_t mac[6];
/* Of each service, and of none. */
static struct dp_counters expected[SERVICES + 1];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(2);
}

/* -- open and close ---------------------------------------------------------------- */

static void find_interface(void)
{
	struct ifreq req = { .ifr_name = "eth0" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	ifindex = if_nametoindex("eth0");
	if (!ifindex || ioctl(fd, SIOCGIFHWADDR, &req) < 0)
		die("not in the namespace of the test");
	memcpy(mac, req.ifr_hwaddr.sa_data, sizeof(mac));
	close(fd);
}

static void find_program(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	if (bpf_tc_query(&hook, &opts) < 0)
		die("no filter on the interface");
	prog_fd = bpf_prog_get_fd_by_id(opts.prog_id);
	if (prog_fd < 0 || bpf_obj_get_info_by_fd(prog_fd, &info, &len) < 0)
		die("no program of that id");
	if (info.verified_insns > VERIFIED_MAX) {
		fprintf(stderr, "%u instructions followed\n", info.verified_insns);
		die("the program is too much for verifiers of older kernels");
	}
}

void program_open(void)
{
	struct err err;
	FILE *f = fopen("/proc/sys/net/ipv4/conf/eth0/forwarding", "w");

	if (!f || fprintf(f, "%d", forwards) < 0 || fclose(f) != 0)
		die("forwarding cannot be set");
	find_interface();
	if (dp_open(&dp, "none", ADDR_V4, &err) < 0)
		die(err.text);
	memset(expected, 0, sizeof(expected));
}

void program_change(const struct plan *plan)
{
	struct err err;

	if (dp_apply(dp, plan, &err) < 0)
		die(err.text);
	if (prog_fd < 0)
		find_program();
}

void program_close(void)
{
	close(prog_fd);
	prog_fd = -1;
	dp_close(dp);
}

/* -- what is to come out ----------------------------------------------------------- */

static void put(struct result *r, const void *octets, unsigned n)
{
	memcpy(r->frame + r->len, octets, n);
	r->len += n;
}

static void put16(struct result *r, unsigned v)
{
	put(r, (uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static void put32(struct result *r, uint32_t v)
{
	put16(r, v >> 16);
	put16(r, v & 0xffff);
}

static void close_checksum(struct result *r, unsigned at, unsigned field, unsigned len)
{
	unsigned sum;

	r->frame[at + field] = r->frame[at + field + 1] = 0;
	sum = packet_checksum(r->frame + at, len);
	r->frame[at + field] = (uint8_t)(sum >> 8);
	r->frame[at + field + 1] = (uint8_t)sum;
}

static void put_ethernet(struct result *r, const struct sample *s,
			 const struct judgement *j)
{
	bool by_address = j->sending == BARE_BY_ADDRESS ||
			  j->sending == WRAPPED_BY_ADDRESS || j->sending == STAYS;

	put(r, by_address ? mac : j->sending == BARE_TO_MAC ? j->mac : s->from, 6);
	put(r, by_address ? s->from : mac, 6);
	put16(r, 0x0800);
}

static void put_aged(struct result *r, const uint8_t *packet, unsigned len)
{
	unsigned at = r->len;

	put(r, packet, len);
	r->frame[at + 8]--;
	close_checksum(r, at, 10, (packet[0] & 15) * 4u);
}

static unsigned outer_ttl(unsigned before)
{
	return before > 64 ? 64 : before - 1;
}

/* A header of the program's own; the identification is its choice. */
static void put_header(struct result *r, const struct result *got, const struct ip4 *h)
{
	unsigned at = r->len;

	put(r, (uint8_t[]){ 0x45, h->tos }, 2);
	put16(r, h->len);
	put(r, got->frame + at + 4, 2);
	put16(r, 0);
	put(r, (uint8_t[]){ h->ttl, h->protocol, 0, 0 }, 4);
	put32(r, SELF);
	put32(r, h->dst);
	close_checksum(r, at, 10, 20);
}

static void put_wrapped(struct result *r, const struct sample *s,
			const struct judgement *j, const struct result *got)
{
	unsigned at = r->len;
	const struct ip4 outer = {
		.tos = s->first.tos,
		.len = s->first.len + WRAP,
		.ttl = (uint8_t)outer_ttl(s->first.ttl),
		.protocol = 47,
		.dst = j->to,
	};

	if (s->inner_at && s->first.dst == SELF) { /* it was wrapped already */
		put(r, s->frame + at, WRAP);
		put_aged(r, s->frame + s->inner_at, s->len - s->inner_at);
		r->len = at + 12;
		put32(r, SELF);
		put32(r, j->to);
		r->len = s->len;
		r->frame[at + 8] = (uint8_t)outer_ttl(s->first.ttl);
		close_checksum(r, at, 10, 20);
		if (j->from_cache || j->reason == INGRESS_HANDED_OVER)
			r->frame[at + 24] = j->header[0];
		return;
	}
	put_header(r, got, &outer);
	put32(r, WCCP_GRE_PROTO);
	put(r, j->header, 4);
	put_aged(r, s->frame + ETHERNET, s->len - ETHERNET);
}

static void put_refusal(struct result *r, const struct sample *s,
			const struct result *got)
{
	unsigned at = r->len + 20;
	const struct ip4 head = {
		.len = 68, .ttl = 64, .protocol = 1, .dst = s->first.src
	};

	put_header(r, got, &head);
	put(r, (uint8_t[]){ 3, 4, 0, 0, 0, 0 }, 6);
	put16(r, MTU - WRAP);
	put(r, s->frame + ETHERNET, 40);
	close_checksum(r, at, 2, 48);
}

static bool is_delivered(const struct judgement *j)
{
	return j->ours && j->reason <= INGRESS_DELIVERED_FRAGMENT;
}

static struct result wanted(const struct sample *s, const struct judgement *j,
			    const struct result *sent, const struct result *got)
{
	/* Of what came wrapped, the packet itself. */
	unsigned at = s->inner_at && s->first.dst == SELF ? s->inner_at : ETHERNET;
	struct result r = *sent;

	r.action = j->ours ? TC_ACT_SHOT : TC_ACT_UNSPEC;
	if (!j->ours || (j->sending == STAYS && !is_delivered(j)))
		return r;
	r.len = 0;
	r.action = is_delivered(j) ? TC_ACT_OK : TC_ACT_REDIRECT;
	put_ethernet(&r, s, j);
	if (j->sending == STAYS) {
		put(&r, s->frame + at, s->len - at);
		r.mark = (s->mark & ~0xff00u) | 0x100;
	} else if (j->sending == REFUSED) {
		put_refusal(&r, s, got);
	} else if (j->sending == WRAPPED_TO_SENDER || j->sending == WRAPPED_BY_ADDRESS) {
		put_wrapped(&r, s, j, got);
	} else {
		put_aged(&r, s->frame + at, s->len - at);
	}
	return r;
}

/* -- comparison -------------------------------------------------------------------- */

void program_run(const struct sample *s, struct result *sent, struct result *got)
{
	struct __sk_buff skb = { .ifindex = ifindex, .mark = s->mark }, after = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = sent->frame,
		    .data_out = got->frame, .data_size_in = s->len,
		    .data_size_out = sizeof(got->frame), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .ctx_out = &after,
		    .ctx_size_out = sizeof(after), .repeat = 1);

	memcpy(sent->frame, s->frame, s->len);
	memcpy(sent->frame, mac, sizeof(mac));
	sent->frame[5] ^= !s->to_us;
	sent->len = s->len;
	sent->mark = s->mark;
	if (bpf_prog_test_run_opts(prog_fd, &opts) < 0) {
		perror("test run");
		die("the kernel does not run the program");
	}
	got->action = (int)opts.retval;
	got->len = opts.data_size_out;
	got->mark = after.mark;
}

static void expect(const struct sample *s, const struct judgement *j)
{
	struct dp_counters *c = &expected[j->service < 0 ? SERVICES : j->service];
	/* Octets of the frame's packet, with what wraps it. */
	unsigned octets = s->len - ETHERNET;

	if (!j->ours || j->reason >= INGRESS_REASONS)
		return;
	if (s->inner_at && s->first.dst == SELF)
		octets -= WRAP;
	c->by_reason[j->reason]++;
	c->odd_header += j->odd_header;
	c->other_caches += j->from_cache;
	c->redirected += !j->from_cache;
	c->redirected_octets += j->from_cache ? 0 : octets;
}

int program_compare(const struct sample *s, const struct judgement *j,
		    const struct result *sent, const struct result *got, struct err *err)
{
	struct result want = wanted(s, j, sent, got);

	expect(s, j);
	if (got->action != want.action)
		return err_set(err, "action %d, not %d", got->action, want.action);
	if (got->action == TC_ACT_SHOT)
		return 0;
	if (got->mark != want.mark)
		return err_set(err, "mark 0x%x, not 0x%x", got->mark, want.mark);
	if (got->len != want.len)
		return err_set(err, "%u octets, not %u", got->len, want.len);
	for (unsigned i = 0; i < want.len; i++)
		if (got->frame[i] != want.frame[i])
			return err_set(err, "octet %u is 0x%02x, not 0x%02x", i,
				       got->frame[i], want.frame[i]);
	return 0;
}

/* -- counters ---------------------------------------------------------------------- */

static int compare_one(unsigned service, const struct dp_counters *want, struct err *err)
{
	struct dp_counters got;
	uint64_t sum = 0;

	if (dp_get_counters(dp, service, &got) < 0)
		return err_set(err, "service %u: no counters", service);
	for (unsigned i = 0; i < DP_REASONS_MAX; i++) {
		sum += got.by_reason[i];
		if (got.by_reason[i] != want->by_reason[i])
			return err_set(err, "service %u: %s is %llu, not %llu", service,
				       dp_reason_name(i),
				       (unsigned long long)got.by_reason[i],
				       (unsigned long long)want->by_reason[i]);
	}
	if (sum != got.redirected + got.other_caches)
		return err_set(err, "service %u: %llu reasons for %llu packets", service,
			       (unsigned long long)sum,
			       (unsigned long long)(got.redirected + got.other_caches));
	if (got.redirected != want->redirected || got.completed ||
	    got.redirected_octets != want->redirected_octets ||
	    got.other_caches != want->other_caches ||
	    got.odd_header != want->odd_header)
		return err_set(err, "service %u: packets, octets, odd headers: %llu %llu "
				    "%llu",
			       service, (unsigned long long)got.redirected,
			       (unsigned long long)got.redirected_octets,
			       (unsigned long long)got.odd_header);
	return 0;
}

int program_compare_counters(const struct plan *plan, struct err *err)
{
	for (unsigned i = 0; i < plan->n_services; i++)
		if (compare_one(i, &expected[i], err) < 0)
			return -1;
	return compare_one(DP_NO_SERVICE, &expected[SERVICES], err);
}
