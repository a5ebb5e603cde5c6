/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/proof/proof.h"

#include "bpf/proof.skel.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

struct proof {
	unsigned family;
	struct proof_bpf *bpf;
	int sink; /* a listener; owns what arrives, which is nothing */
};

/* -- the sink ------------------------------------------------------------------------ */

/* It listens where no client connects by accident: at a free port of the loopback
 * address. */
static int proof_open_sink(struct proof *p, struct err *err)
{
	const struct sockaddr_in at4 = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct sockaddr_in6 at6 = {
		.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	const bool v6 = p->family == ADDR_V6;
	const void *at = v6 ? (const void *)&at6 : &at4;
	int filter = bpf_program__fd(p->bpf->progs.proof_sink);

	p->sink = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->sink < 0 ||
	    setsockopt(p->sink, SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof(filter)) < 0 ||
	    bind(p->sink, at, v6 ? sizeof(at6) : sizeof(at4)) < 0 ||
	    listen(p->sink, 1) < 0)
		return err_set(err, "listener for proofs: %s", strerror(errno));
	return 0;
}

static int proof_place_sink(const struct proof *p, int sinks_fd, struct err *err)
{
	const uint32_t first = 0;
	const uint64_t fd = (uint64_t)p->sink;

	if (bpf_map_update_elem(sinks_fd, &first, &fd, BPF_ANY) < 0)
		return err_set(err, "listener for proofs: %s", strerror(errno));
	return 0;
}

/* -- life ------------------------------------------------------------------------------ */

static int proof_load(struct proof *p, int proofs_fd, struct err *err)
{
	int rc;

	p->bpf = proof_bpf__open();
	if (!p->bpf)
		return err_set(err, "proof programs: %s", strerror(errno));
	rc = bpf_map__reuse_fd(p->bpf->maps.proofs, proofs_fd);
	if (rc == 0)
		rc = proof_bpf__load(p->bpf);
	if (rc < 0)
		return err_set(err, "proof programs refused: %s", strerror(-rc));
	return 0;
}

int proof_new(struct proof **out, unsigned family, int proofs_fd, int sinks_fd,
	      struct err *err)
{
	struct proof *p = calloc(1, sizeof(*p));

	if (!p)
		return err_set(err, "out of memory");
	p->family = family;
	p->sink = -1;
	if (proof_load(p, proofs_fd, err) < 0 || proof_open_sink(p, err) < 0 ||
	    proof_place_sink(p, sinks_fd, err) < 0) {
		proof_free(p);
		return -1;
	}
	*out = p;
	return 0;
}

void proof_free(struct proof *p)
{
	if (!p)
		return;
	if (p->sink >= 0)
		close(p->sink); /* leaves the SOCKMAP by itself */
	proof_bpf__destroy(p->bpf);
	free(p);
}

/* -- sending --------------------------------------------------------------------------- */

int proof_inject(struct proof *p, unsigned ifindex, const void *frame, size_t len,
		 struct err *err)
{
	struct xdp_md context = {
		.data_end = (uint32_t)len,
		.ingress_ifindex = ifindex,
	};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame,
		    .data_size_in = (uint32_t)len, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1, .batch_size = 1,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	int rc = bpf_prog_test_run_opts(bpf_program__fd(p->bpf->progs.proof_door), &run);

	if (rc < 0)
		return err_set(err, "cannot let a frame in: %s", strerror(-rc));
	return 0;
}

static int proof_write_way(const struct proof *p, uint32_t way,
			   const struct proof_way *value, struct err *err)
{
	if (bpf_map_update_elem(bpf_map__fd(p->bpf->maps.proofs), &way, value, BPF_ANY) <
	    0)
		return err_set(err, "proofs: %s", strerror(errno));
	return 0;
}

int proof_send(struct proof *p, unsigned way, unsigned ifindex, struct proof_frame *f,
	       struct err *err)
{
	uint8_t frame[PROOF_FRAME_MAX];
	struct proof_way value = { 0 };
	uint32_t random[2];
	size_t len;

	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return err_set(err, "no random numbers: %s", strerror(errno));
	value.nonce = random[0] | 1; /* never 0 */
	value.source_port = PROOF_PORT_MIN + way +
			    random[1] % (PROOF_PORT_MIN / PROOF_WAYS) * PROOF_WAYS;
	if (proof_write_way(p, way, &value, err) < 0)
		return -1;
	f->to = proof_addr(p->family, PROOF_DESTINATION);
	f->from_port = (uint16_t)value.source_port;
	f->sequence = value.nonce;
	len = proof_frame_write(f, frame);
	return proof_inject(p, ifindex, frame, len, err);
}

int proof_end(struct proof *p, unsigned way, enum proof_outcome *out)
{
	static const struct proof_way none;
	struct proof_way value;
	uint32_t key = way;

	if (bpf_map_lookup_elem(bpf_map__fd(p->bpf->maps.proofs), &key, &value) < 0)
		return -1;
	if (value.nonce && value.at_sink == value.nonce)
		*out = PROOF_ARRIVED;
	else if (value.nonce && value.at_ingress == value.nonce)
		*out = PROOF_LOST;
	else
		*out = PROOF_UNSEEN;
	return proof_write_way(p, key, &none, NULL);
}
