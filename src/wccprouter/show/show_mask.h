/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mask assignment as JSON, and that as text. */
#ifndef WCCPD_WCCPROUTER_SHOW_SHOW_MASK_H
#define WCCPD_WCCPROUTER_SHOW_SHOW_MASK_H

#include "router.h"

#include <jansson.h>
#include <stdio.h>

/* The masks in order: their fields and how many values each has. */
json_t *show_mask_sets(const struct router_masks *m);
/* The values of one web-cache, each with the index of its mask. */
json_t *show_mask_values(const struct router_masks *m, const struct addr *cache);
/* How many different values the masks have room for. */
unsigned long long show_mask_slots(const struct router_masks *m);

/* What a client was assigned, from the JSON of its service and of itself. */
void show_mask_text(const json_t *service, const json_t *client, FILE *to);

#endif
