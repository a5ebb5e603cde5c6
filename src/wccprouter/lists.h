/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Redirect lists as the packet path has them. */
#ifndef LISTS_H
#define LISTS_H

#include "err.h"
#include "rconf.h"
#include "router_maps.h"

void lists_render(const struct rconf_service *service, struct router_list *out);
/* Put those of all services into the map `fd`. */
int lists_fill(int fd, const struct rconf *conf, struct err *err);

#endif
