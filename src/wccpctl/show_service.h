/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptions of services, and how many slots they are divided into. */
#ifndef WCCPD_WCCPCTL_SHOW_SERVICE_H
#define WCCPD_WCCPCTL_SHOW_SERVICE_H

#include <jansson.h>
#include <stdio.h>

/* A table of the descriptions of all services. */
void show_service_descriptions(const json_t *services, FILE *to);

/* 256 buckets, or the values of a mask; never 0. */
long long show_service_slots(const json_t *service);

/* What is being drained, and how far it is. */
void show_service_drains(const json_t *services, FILE *to);

#endif
