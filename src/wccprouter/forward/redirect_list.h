/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Redirect lists as the packet path has them. */
#ifndef WCCPD_WCCPROUTER_FORWARD_REDIRECT_LIST_H
#define WCCPD_WCCPROUTER_FORWARD_REDIRECT_LIST_H

#include "err.h"
#include "wccprouter/conf/routerd_conf.h"
#include "bpf/router_maps.h"

void lists_render(const struct rconf_service *service, struct router_list *out);
/* Put those of all services into the map `fd`. */
int lists_fill(int fd, const struct rconf *conf, struct err *err);

#endif
