/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sections of wccpd's configuration and the parts of a service. */
#ifndef WCCPD_WCCPD_CONF_CONF_SECTIONS_H
#define WCCPD_WCCPD_CONF_CONF_SECTIONS_H

#include "conffile/read.h"
#include "wccpd/conf/conf.h"

extern cfg_opt_t conf_options[], pool_options[], service_options[], mask_options[];

/* The static bypass: out->bypass, NULL if there is none. */
int conf_bypass_read(struct reader *r, struct conf *out);

/* One section into *out, defaults filled in. */
/* `family`: of the services. */
int conf_pool_read(struct reader *r, cfg_t *section, uint8_t family, struct conf_pool *out);

/* One section into *out and, if it is to be mirrored, out[1].  `conf` must have its
 * address and pools.  Returns the number of services made, or -1. */
int conf_service_read(struct reader *r, cfg_t *section, const struct conf *conf,
		      struct conf_service *out);

/* The title of a section as a name: letters, digits, and ".", "_", "-"; shorter
 * than `size` octets. */
int conf_part_name(struct reader *r, cfg_t *section, char *out, size_t size);

/* -- the parts of a service; each reads its own options ------------------------ */

/* spoof.c: one service in the file, a mirrored pair on the wire. */
struct spoof {
	bool on;
	uint8_t ids[2]; /* of the service and of its mirror */
};
int conf_spoof_read(struct reader *r, cfg_t *section, struct spoof *out);
/* Does everything in a finished service have a mirror image? */
int conf_spoof_check(struct reader *r, cfg_t *section, const struct cache_conf *group);
/* The other half of a pair. */
void conf_spoof_mirror(const struct conf_service *s, uint8_t id,
		       struct conf_service *out);

/* conf_ports.c: ports of instances for single ports of services. */
int conf_ports_read(struct reader *r, cfg_t *section, struct conf_instance *out);
/* When all pools are read: what they become. */
int conf_ports_make_pools(struct reader *r, struct conf *conf);
/* When all else of the service is read: of its pool, those for its ports. */
void conf_ports_choose_pool(const struct conf *conf, struct conf_service *s);
/* TLS and plain HTTP at one port, beside the services that are in `conf` already? */
void conf_ports_warn(struct reader *r, cfg_t *section, const struct conf *conf,
		     const struct conf_service *s);

/* conf_listen.c: addresses and ports of the box that pools listen on. */
int conf_listen_read_proxy(struct reader *r, cfg_t *section, bool listens,
			   struct conf_instance *out);
/* When all pools are read, and those of conf_ports.c made. */
int conf_listen_make_pools(struct reader *r, struct conf *conf);
/* "127.0.0.1:4201" or "[::1]:4201" */
int conf_listen_parse(const char *text, struct addr *addr, uint16_t *port);

/* describe.c: what the service is, from a template and explicit options. */
int conf_describe_read(struct reader *r, cfg_t *section, const struct spoof *spoof,
		       struct wccp_service *out);

/* members.c: version, routers, multicast group, web-caches; `out->self` must be
 * set. */
int conf_endpoints_read(struct reader *r, cfg_t *section, struct conf_service *out);

/* sources.c: further senders of redirected packets; `out->group.self` must be set. */
int conf_sources_read(struct reader *r, cfg_t *section, struct conf_service *out);

/* assign.c: methods of assignment, masks, hot buckets; all of the above must be
 * read. */
int conf_assign_read(struct reader *r, cfg_t *section, const struct spoof *spoof,
		     struct cache_conf *out);

/* Methods by name, best first; if unset, *out stays. */
int conf_part_methods(struct reader *r, cfg_t *section, const char *name,
		      const char *const *words, const uint32_t *bits,
		      struct cache_preference *out);

#endif
