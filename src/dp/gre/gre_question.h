/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does another web-cache still answer?  It is handed a packet of a flow that nobody has;
 * its ingress program hands that back, and ours notes it (bpf/ingress/ingress_search.h).
 */
#ifndef WCCPD_DP_GRE_GRE_QUESTION_H
#define WCCPD_DP_GRE_GRE_QUESTION_H

#include "addr.h"
#include "wccp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* By a raw socket of gre_raw.h, bound to our address `self`.  It may get lost; so may
 * the answer. */
void gre_question_ask(int fd, const struct addr *self, const struct addr *cache,
		      const struct wccp_service *service);

/* Is a packet a question?  From its GRE header on, which is WCCP's. */
bool gre_question_is(const uint8_t *octets, size_t len);

#endif
