/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Redirect lists for the packet path. */
#ifndef WCCPD_WCCPROUTER_FORWARD_REDIRECT_LIST_H
#define WCCPD_WCCPROUTER_FORWARD_REDIRECT_LIST_H

#include "bpf/router/router_maps.h"
#include "err.h"
#include "wccprouter/conf/routerd_conf.h"

void redirect_list_render(const struct routerd_conf_service *service,
			  struct router_list *out);
/* Write the lists of all services to the map `fd`. */
int redirect_list_fill(int fd, const struct routerd_conf *conf, struct err *err);

#endif
