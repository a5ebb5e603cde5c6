/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dp/ingress/ingress_program.h"

#include "bpf/ingress/ingress.skel.h"
#include "bpf/ingress/ingress6.skel.h"
#include "kernel/pins.h"

#include <errno.h>
#include <string.h>

/* Skeletons of the two programs have the same members, but are of different types. */
#define INGRESS_PROGRAM_TAKE(p, b)                                                     \
	do {                                                                           \
		(p)->program = bpf_program__fd((b)->progs.ingress);                    \
		(p)->configs = bpf_map__fd((b)->maps.configs);                         \
		(p)->counters = bpf_map__fd((b)->maps.counters);                       \
		(p)->new_connections = bpf_map__fd((b)->maps.new_connections);         \
		(p)->strangers = bpf_map__fd((b)->maps.strangers);                     \
		(p)->answers = bpf_map__fd((b)->maps.answers);                         \
		(p)->traced = bpf_map__fd((b)->maps.traced);                           \
		(p)->bypasses = bpf_map__fd((b)->maps.bypasses);                       \
		(p)->trace = &(b)->bss->trace;                                         \
	} while (0)

static struct bpf_object *ingress_program_open(struct ingress_program *p, unsigned family,
					       unsigned ticks_again)
{
	if (family == ADDR_V6) {
		p->v6 = ingress6_bpf__open();
		if (p->v6)
			p->v6->rodata->ticks_again = ticks_again;
		return p->v6 ? p->v6->obj : NULL;
	}
	p->v4 = ingress_bpf__open();
	if (p->v4)
		p->v4->rodata->ticks_again = ticks_again;
	return p->v4 ? p->v4->obj : NULL;
}

static int ingress_program_reuse(struct bpf_object *object, const struct steer_maps *maps)
{
	const struct {
		const char *name;
		int fd;
	} shared[] = {
		{ "own_prefixes", maps->own_prefixes },
		{ "own_prefixes6", maps->own_prefixes6 },
		{ "probes", maps->probes },
		{ "samples", maps->samples },
		{ "proofs", maps->proofs },
		{ "listener_slots", maps->listener_slots },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(shared) / sizeof(shared[0]); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(object, shared[i].name);

		rc = map ? bpf_map__reuse_fd(map, shared[i].fd) : -ENOENT;
	}
	return rc;
}

int ingress_program_load(struct ingress_program *p, unsigned family, unsigned ticks_again,
			 const struct steer_maps *maps, struct pins *pins, struct err *err)
{
	struct bpf_object *object;
	int rc;

	*p = (struct ingress_program){ 0 };
	object = ingress_program_open(p, family, ticks_again);
	if (!object)
		return err_set(err, "ingress program: %s", strerror(errno));
	rc = ingress_program_reuse(object, maps);
	if (rc == 0 && pins_reuse(pins, object, err) < 0)
		return -1;
	if (rc == 0)
		rc = p->v6 ? ingress6_bpf__load(p->v6) : ingress_bpf__load(p->v4);
	if (rc < 0)
		return err_set(err, "ingress program (TC) refused: %s", strerror(-rc));
	pins_keep(pins, object);
	if (p->v6)
		INGRESS_PROGRAM_TAKE(p, p->v6);
	else
		INGRESS_PROGRAM_TAKE(p, p->v4);
	return 0;
}

void ingress_program_free(struct ingress_program *p)
{
	ingress_bpf__destroy(p->v4);
	ingress6_bpf__destroy(p->v6);
	*p = (struct ingress_program){ 0 };
}
