/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ingress program for IPv6; see ingress_family.h. */
#define INGRESS_V6
#include "bpf/ingress/ingress_wire6.h"

#include "bpf/ingress/ingress.bpf.c"
