/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Watches nftables' rules: libnftables lists them, nfnetlink reports changes. */
#include "wccprouter/firewall/firewall.h"

#include "log.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* What the answer depends on, of each service. */
struct firewall_seen {
	bool described;
	uint8_t family;
	struct wccp_service service;
};

struct firewall {
	const struct routerd_conf *conf;
	int fd;
	bool stale; /* the rules are to be listed anew */
	json_t *ruleset;
	struct firewall_seen seen[ROUTERD_MAX_SERVICES];
	struct conntrack_advice advice;
};

/* -- changes ----------------------------------------------------------------------- */

static int firewall_subscribe(struct err *err)
{
	struct sockaddr_nl self = { .nl_family = AF_NETLINK,
				    .nl_groups = 1u << (NFNLGRP_NFTABLES - 1) };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_NETFILTER);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&self, sizeof(self)) == 0)
		return fd;
	err_set(err, "nfnetlink: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

struct firewall *firewall_open(const struct routerd_conf *conf, struct err *err)
{
	struct firewall *f = calloc(1, sizeof(*f));

	if (!f) {
		err_set(err, "out of memory");
		return NULL;
	}
	f->conf = conf;
	f->stale = true;
	f->fd = firewall_subscribe(err);
	if (f->fd >= 0)
		return f;
	free(f);
	return NULL;
}

void firewall_close(struct firewall *f)
{
	if (!f)
		return;
	close(f->fd);
	json_decref(f->ruleset);
	free(f);
}

int firewall_changes_fd(const struct firewall *f)
{
	return f->fd;
}

/* Neither their content matters, nor whether some were lost. */
void firewall_have_changed(struct firewall *f)
{
	char buffer[16384];

	for (int i = 0; i < 64; i++)
		if (recv(f->fd, buffer, sizeof(buffer), 0) < 0 && errno != ENOBUFS)
			break;
	f->stale = true;
}

/* -- rules ------------------------------------------------------------------------- */

/* Without the elements of named sets, which may be many. */
static json_t *firewall_list(void)
{
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	json_t *out = NULL;

	if (!ctx)
		return NULL;
	nft_ctx_output_set_flags(ctx, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_TERSE);
	if (nft_ctx_buffer_output(ctx) == 0 && nft_ctx_buffer_error(ctx) == 0 &&
	    nft_run_cmd_from_buffer(ctx, "list ruleset") == 0)
		out = json_loads(nft_ctx_get_output_buffer(ctx), 0, NULL);
	nft_ctx_free(ctx);
	return out;
}

static bool firewall_has_seen(struct firewall *f, const struct router_status *status)
{
	bool same = true;

	for (unsigned i = 0; i < f->conf->n_services; i++) {
		struct firewall_seen *seen = &f->seen[i];

		same &= seen->described == status[i].described &&
			seen->family == status[i].family &&
			memcmp(&seen->service, &status[i].service,
			       sizeof(seen->service)) == 0;
		seen->described = status[i].described;
		seen->family = status[i].family;
		seen->service = status[i].service;
	}
	return same;
}

enum { LOG_LINE = 400 };

static void firewall_report(const struct conntrack_advice *before,
			    const struct conntrack_advice *now)
{
	if (strcmp(before->text, now->text) == 0 &&
	    strcmp(before->remedy, now->remedy) == 0)
		return;
	if (*now->text)
		log_warning("conntrack-drops", "%s; to let it pass: %s", now->text,
			    strlen(now->remedy) < LOG_LINE
				    ? now->remedy
				    : "the command that \"show problems\" prints");
	else
		log_info("conntrack-passes", "no rule drops what web-caches answer now");
}

void firewall_follow(struct firewall *f, const struct router_status *status)
{
	struct conntrack_advice before = f->advice;

	if (firewall_has_seen(f, status) && !f->stale)
		return;
	if (f->stale) {
		json_decref(f->ruleset);
		f->ruleset = firewall_list();
		f->stale = false;
	}
	conntrack_advise(f->conf, status, f->ruleset, &f->advice);
	firewall_report(&before, &f->advice);
}

const struct conntrack_advice *firewall_advice(const struct firewall *f)
{
	return &f->advice;
}
