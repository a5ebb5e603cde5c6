/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes to the running router, as its administrator would make them.  They last until
 * it ends, and are not written anywhere. */
#ifndef WCCPD_WCCPROUTER_CONTROL_ROUTERD_ADMIN_H
#define WCCPD_WCCPROUTER_CONTROL_ROUTERD_ADMIN_H

#include <jansson.h>
#include <stdbool.h>

struct routerd_services;

/* SERVICE: take it away, or bring it back. */
json_t *routerd_admin_shut(struct routerd_services *services, bool shut, unsigned n,
			   char *const *words);
/* SERVICE any | ADDRESS...: the web-caches that may join. */
json_t *routerd_admin_group_list(struct routerd_services *services, unsigned n,
				 char *const *words);
/* [SERVICE]: like a router that restarts; all services, or one. */
json_t *routerd_admin_restart(struct routerd_services *services, unsigned n,
			      char *const *words);

/* SERVICE jump | wrap: the receive id goes on from far ahead, or from just before it
 * begins again. */
json_t *routerd_admin_receive_id(struct routerd_services *services, unsigned n,
				 char *const *words);
/* SERVICE ADDRESS: state another router id; packets still come from the configured
 * one. */
json_t *routerd_admin_router_id(struct routerd_services *services, unsigned n,
				char *const *words);

#endif
