/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t privileges_bit(unsigned capability)
{
	return UINT64_C(1) << capability;
}

static uint64_t privileges_permitted(void)
{
	uint64_t set = 0;

	for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
		if (capng_have_capability(CAPNG_PERMITTED, i))
			set |= privileges_bit(i);
	return set;
}

/* Linux 5.14 lets those with CAP_SYS_PTRACE list the descriptors of any process (the
 * inodes of its sockets are in fdinfo); before, only its own user could. */
static bool privileges_lists_descriptors(void)
{
	struct stat st;

	return stat("/proc/self/fdinfo", &st) == 0 && st.st_mode & S_IROTH;
}

static uint64_t privileges_wanted(unsigned needs, uint64_t have)
{
	const uint64_t bpf = privileges_bit(CAP_BPF) | privileges_bit(CAP_PERFMON);
	uint64_t set = 0;

	if (needs & PRIVILEGES_NETWORK)
		set |= privileges_bit(CAP_NET_ADMIN);
	if (needs & PRIVILEGES_BPF)
		/* It includes both, and is all there is where they are not known. */
		set |= (have & bpf) == bpf ? bpf : bpf | privileges_bit(CAP_SYS_ADMIN);
	if (needs & PRIVILEGES_PROCESSES)
		set |= privileges_bit(CAP_SYS_PTRACE);
	if (needs & PRIVILEGES_PROCESSES && !privileges_lists_descriptors())
		set |= privileges_bit(CAP_DAC_READ_SEARCH);
	return set & have;
}

/* Root gets what the bounding set has when it executes a program. */
static void privileges_choose(uint64_t keep)
{
	unsigned sets = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET;

	if (geteuid() != 0)
		sets |= CAPNG_INHERITABLE | CAPNG_AMBIENT;
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++)
		if (keep & privileges_bit(i))
			capng_update(CAPNG_ADD, (capng_type_t)sets, i);
}

/* The bounding set needs CAP_SETPCAP, which no user but root starts with as a rule; nor
 * does it matter for any other, with no-new-privileges. */
static int privileges_apply(uint64_t have, struct err *err)
{
	unsigned sets = CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT;

	if (have & privileges_bit(CAP_SETPCAP))
		sets |= CAPNG_SELECT_BOUNDS;
	if (capng_apply((capng_select_t)sets) < 0)
		return err_set(err, "cannot give up capabilities: %s", strerror(errno));
	return 0;
}

int privileges_reduce(unsigned needs, struct err *err)
{
	const struct rlimit memory = { RLIM_INFINITY, RLIM_INFINITY };
	uint64_t have, keep;

	/* eBPF maps count as locked memory before Linux 5.11.  Later is too late. */
	setrlimit(RLIMIT_MEMLOCK, &memory);
	if (capng_get_caps_process() < 0)
		return err_set(err, "cannot read our capabilities: %s", strerror(errno));
	have = privileges_permitted();
	keep = privileges_wanted(needs, have);
	privileges_choose(keep);
	if (privileges_apply(have, err) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(err, "no-new-privileges: %s", strerror(errno));
	capng_get_caps_process();
	if (privileges_permitted() != keep)
		return err_set(err, "capabilities are left that should be given up");
	return 0;
}

void privileges_hide_memory(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
