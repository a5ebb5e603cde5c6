/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do this kernel and our capabilities suffice? */
#include "kernel/features.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Our effective capabilities, as a mask of 64 bits. */
static uint64_t kernel_capabilities(void)
{
	struct __user_cap_header_struct head = { .version =
							 _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capget, &head, data) < 0)
		return 0;
	return (uint64_t)data[1].effective << 32 | data[0].effective;
}

static int kernel_check_capabilities(struct err *err)
{
	static const struct {
		int number;
		const char *name, *what_for;
	} needed[] = {
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN", "rules, routes, TC" },
		{ CAP_BPF, "CAP_BPF", "eBPF programs" },
		{ CAP_PERFMON, "CAP_PERFMON", "eBPF programs" },
		{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE",
		  "the listeners of other processes" },
	};
	uint64_t have = kernel_capabilities();

	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		bool bpf =
			needed[i].number == CAP_BPF || needed[i].number == CAP_PERFMON;

		if (have >> needed[i].number & 1)
			continue;
		if (bpf && have >> CAP_SYS_ADMIN & 1) /* includes both */
			continue;
		return err_set(err, "%s is missing (for %s)", needed[i].name,
			       needed[i].what_for);
	}
	return 0;
}

static int kernel_check_programs(struct err *err)
{
	static const struct {
		enum bpf_prog_type type;
		const char *what;
	} needed[] = {
		{ BPF_PROG_TYPE_SCHED_CLS, "TC eBPF programs (CONFIG_NET_CLS_BPF)" },
		{ BPF_PROG_TYPE_SK_LOOKUP, "sk_lookup eBPF programs (Linux 5.9)" },
	};

	for (unsigned i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		int rc = libbpf_probe_bpf_prog_type(needed[i].type, NULL);

		if (rc == -EPERM)
			return err_set(err, "the kernel lets us load no eBPF programs");
		if (rc != 1)
			return err_set(err, "the kernel lacks %s", needed[i].what);
	}
	return 0;
}

int kernel_check_pidfd(struct err *err)
{
	int self = pidfd_open(getpid(), 0);
	int copy = self < 0 ? -1 : pidfd_getfd(self, self, 0);

	if (copy < 0 && errno == ENOSYS)
		err_set(err, "the kernel lacks pidfd_getfd (Linux 5.6), or a seccomp "
			     "filter hides it");
	else if (copy < 0)
		err_set(err,
			"pidfd_getfd is not allowed here: %s (a seccomp filter, as of a "
			"container or of SystemCallFilter in the unit)",
			strerror(errno));
	if (self >= 0)
		close(self);
	if (copy < 0)
		return -1;
	close(copy);
	return 0;
}

int kernel_check(struct err *err)
{
	if (kernel_check_capabilities(err) < 0 || kernel_check_pidfd(err) < 0)
		return -1;
	return kernel_check_programs(err);
}

/* In octets; 0: there is no such member. */
static unsigned kernel_member_offset(const struct btf *btf, const char *type, const char *name)
{
	int id = btf__find_by_name_kind(btf, type, BTF_KIND_STRUCT);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

	for (uint32_t i = 0; t && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];

		if (strcmp(btf__name_by_offset(btf, m->name_off), name) == 0)
			return btf_member_bit_offset(t, i) / 8;
	}
	return 0;
}

struct kernel_layout kernel_layout(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	struct kernel_layout l = { 0 };

	if (!btf)
		return l;
	l.tells_ifindex = kernel_member_offset(btf, "bpf_sk_lookup", "ingress_ifindex") > 0;
	/* A tcp_sock begins with its struct sock. */
	l.accept_queue = kernel_member_offset(btf, "sock", "sk_ack_backlog");
	btf__free(btf);
	return l;
}
