/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lookup_thief FLAGS: attaches an sk_lookup program to this network namespace that gives
 * connections to port 80 to a listener of its own, with these flags of bpf_sk_assign()
 * (1: replace what another program has chosen).  Says "attached" and stays until it is
 * killed.
 */
#include "lookup_thief.skel.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_listener(void)
{
	const struct sockaddr_in any = { .sin_family = AF_INET };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	if (s < 0 || bind(s, (const struct sockaddr *)&any, sizeof(any)) < 0 ||
	    listen(s, 100) < 0) {
		perror("listener");
		exit(1);
	}
	return s;
}

int main(int argc, char **argv)
{
	struct lookup_thief_bpf *bpf = lookup_thief_bpf__open();
	int here = open("/proc/self/ns/net", O_RDONLY);
	uint64_t listener = (uint64_t)open_listener();
	uint32_t zero = 0;

	if (!bpf || argc != 2)
		return 1;
	bpf->rodata->flags = strtoull(argv[1], NULL, 0);
	if (lookup_thief_bpf__load(bpf) < 0 ||
	    bpf_map_update_elem(bpf_map__fd(bpf->maps.thieves), &zero, &listener, BPF_ANY) <
		    0 ||
	    !bpf_program__attach_netns(bpf->progs.thief, here)) {
		perror("attach");
		return 1;
	}
	printf("attached\n");
	fflush(stdout);
	pause();
	return 0;
}
