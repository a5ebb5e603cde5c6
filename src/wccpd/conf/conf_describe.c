/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The description of a service: the fields of a template, which explicit options
 * override.
 */
#include "wccpd/conf/conf_sections.h"
#include "wccpd/conf/conf_template.h"

#include <netinet/in.h>
#include <string.h>

/* Options that describe a dynamic service; routers know the well-known one. */
static const char *const dynamic_only[] = {
	"id",	     "priority", "protocol",	   "ports",
	"port-type", "hash",	 "alternate-hash", "redirect-only-protocol-0",
	NULL,
};

static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
	{ "any", 0 },  { "icmp", 1 }, { "tcp", 6 },	{ "udp", 17 },	 { "gre", 47 },
	{ "esp", 50 }, { "ah", 51 },  { "icmpv6", 58 }, { "sctp", 132 },
};

const char *conf_protocol_name(uint8_t number)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].number == number)
			return protocols[i].name;
	return NULL;
}

static int conf_describe_read_protocol(struct reader *r, cfg_t *section, uint8_t *out)
{
	const char *text;
	uint32_t number;

	if (!read_is_set(section, "protocol"))
		return 0;
	text = cfg_getstr(section, "protocol");
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (strcmp(text, protocols[i].name) == 0) {
			*out = protocols[i].number;
			return 0;
		}
	}
	if (read_digits(text, UINT8_MAX, &number) < 0)
		return read_fail(r, section, "protocol",
				 "protocol: %s is neither a number from 0 to 255 nor "
				 "any, icmp, tcp, udp, gre, esp, ah, icmpv6, sctp",
				 text);
	*out = (uint8_t)number;
	return 0;
}

static int conf_describe_read_port_list(struct reader *r, cfg_t *section,
					struct wccp_service *out)
{
	unsigned n = cfg_size(section, "ports");
	uint32_t port;

	if (n > WCCP_MAX_PORTS)
		return read_fail_item(r, section, "ports", WCCP_MAX_PORTS,
				      "ports: more than %d", WCCP_MAX_PORTS);
	memset(out->ports, 0, sizeof(out->ports));
	for (unsigned i = 0; i < n; i++) {
		const char *text = cfg_getnstr(section, "ports", i);

		/* On the wire a zero ends the list (2.0 section 5.1.2). */
		if (read_digits(text, UINT16_MAX, &port) < 0 || port == 0)
			return read_fail_item(
				r, section, "ports", i,
				"ports: %s is not a number from 1 to 65535", text);
		out->ports[i] = (uint16_t)port;
	}
	out->flags |= WCCP_F_PORTS_DEFINED;
	return 0;
}

/* Redirecting all of TCP needs an explicit word: forgotten ports must not mean that. */
static bool conf_describe_says_any(cfg_t *section)
{
	return cfg_size(section, "ports") == 1 &&
	       strcmp(cfg_getnstr(section, "ports", 0), "any") == 0;
}

static int conf_describe_read_ports(struct reader *r, cfg_t *section,
				    struct wccp_service *out)
{
	static const char *const types[] = { "destination", "source", NULL };
	bool has_ports = out->protocol == IPPROTO_TCP || out->protocol == IPPROTO_UDP;
	unsigned type = 0;

	if (!has_ports || conf_describe_says_any(section)) {
		if (read_is_set(section, "ports") && !conf_describe_says_any(section))
			return read_fail(r, section, "ports",
					 "ports: only protocols tcp and udp have any");
		if (read_is_set(section, "port-type"))
			return read_fail(r, section, "port-type",
					 "port-type: there are no ports");
		out->flags &= ~(uint32_t)WCCP_F_PORTS_DEFINED;
		memset(out->ports, 0, sizeof(out->ports));
		return 0;
	}
	if (!(out->flags & WCCP_F_PORTS_DEFINED) &&
	    read_require(r, section, "ports") < 0)
		return -1;
	if ((read_is_set(section, "ports") &&
	     conf_describe_read_port_list(r, section, out) < 0) ||
	    read_word(r, section, "port-type", 0, types, &type) < 0)
		return -1;
	if (type == 1)
		out->flags |= WCCP_F_PORTS_SOURCE;
	return 0;
}

/* Flags for a list of fields, `shift` bits above those of the primary hash. */
static int conf_describe_read_fields(struct reader *r, cfg_t *section, const char *name,
				     unsigned shift, uint32_t *flags)
{
	static const char *const words[] = { "src-ip", "dst-ip", "src-port", "dst-port",
					     NULL };
	static const uint32_t bits[] = { WCCP_F_SRC_IP_HASH, WCCP_F_DST_IP_HASH,
					 WCCP_F_SRC_PORT_HASH, WCCP_F_DST_PORT_HASH };
	unsigned n = cfg_size(section, name), which = 0;

	if (n == 0)
		return 0;
	*flags &= ~(0xfu << shift);
	for (unsigned i = 0; i < n; i++) {
		if (read_word(r, section, name, i, words, &which) < 0)
			return -1;
		if (*flags & bits[which] << shift)
			return read_fail_item(r, section, name, i,
					      "%s: %s is listed twice", name,
					      words[which]);
		*flags |= bits[which] << shift;
	}
	return 0;
}

static int conf_describe_read_only_protocol_0(struct reader *r, cfg_t *section,
					      struct wccp_service *out)
{
	bool only = false;

	if (read_flag(r, section, "redirect-only-protocol-0", &only) < 0)
		return -1;
	if (only && out->protocol != 0)
		return read_fail(r, section, "redirect-only-protocol-0",
				 "redirect-only-protocol-0: the protocol is not 0");
	if (only)
		out->flags |= WCCP_F_ONLY_PROTOCOL_0;
	return 0;
}

static int conf_describe_read_well_known(struct reader *r, cfg_t *section,
					 const struct spoof *spoof)
{
	if (spoof->on)
		return read_fail(r, section, "spoof",
				 "spoof: the well-known " TEMPLATE_WELL_KNOWN
				 " has no mirror; write template = " TEMPLATE_HTTP
				 ", and the numbers of spoof-ids into the routers");
	for (unsigned i = 0; dynamic_only[i]; i++)
		if (read_is_set(section, dynamic_only[i]))
			return read_fail(r, section, dynamic_only[i],
					 "%s: service " TEMPLATE_WELL_KNOWN
					 " is well known, it cannot be set",
					 dynamic_only[i]);
	return 0;
}

/* `template = NAME`, or the title if it is one; NULL in *out when neither. */
static int conf_describe_choose_template(struct reader *r, cfg_t *section,
					 const struct conf_template **out)
{
	const char *name = cfg_title(section);

	if (read_is_set(section, "template"))
		name = cfg_getstr(section, "template");
	*out = conf_template_find(name);
	if (!*out && read_is_set(section, "template"))
		return read_fail(r, section, "template",
				 "template: %s is not one of: %s", name,
				 conf_template_names());
	return 0;
}

static int conf_describe_read_id(struct reader *r, cfg_t *section,
				 const struct spoof *spoof, bool has_default,
				 uint8_t *out)
{
	uint32_t id = spoof->on ? spoof->ids[0] : *out;

	if (!spoof->on && !has_default && !read_is_set(section, "id"))
		return read_fail(r, section, NULL,
				 "service %s has no id, and is no template (%s)",
				 cfg_title(section), conf_template_names());
	if (read_number(r, section, "id", 0, 255, &id) < 0)
		return -1;
	*out = (uint8_t)id;
	return 0;
}

/* Login works, no transfer does. */
static void conf_describe_warn_ftp(struct reader *r, cfg_t *section,
				   const struct wccp_service *s)
{
	enum { FTP = 21 };

	for (unsigned i = 0; s->protocol == IPPROTO_TCP && i < WCCP_MAX_PORTS; i++)
		if (s->flags & WCCP_F_PORTS_DEFINED && s->ports[i] == FTP)
			read_warn(r, section, "ports",
				  "ports: 21 is for FTP's control connections: its data "
				  "connections have any port, are not redirected, and "
				  "every transfer fails");
}

static int conf_describe_read_dynamic(struct reader *r, cfg_t *section,
				      const struct spoof *spoof, bool has_default,
				      struct wccp_service *out)
{
	uint32_t priority = out->priority;

	/* A client's address is the same on both sides of a proxy that spoofs. */
	if (spoof->on)
		out->flags = (out->flags & ~0xfu) | WCCP_F_SRC_IP_HASH;
	if (conf_describe_read_id(r, section, spoof, has_default, &out->id) < 0 ||
	    read_number(r, section, "priority", 0, 255, &priority) < 0 ||
	    conf_describe_read_protocol(r, section, &out->protocol) < 0 ||
	    conf_describe_read_ports(r, section, out) < 0 ||
	    conf_describe_read_fields(r, section, "hash", 0, &out->flags) < 0 ||
	    conf_describe_read_fields(r, section, "alternate-hash", 8, &out->flags) <
		    0 ||
	    conf_describe_read_only_protocol_0(r, section, out) < 0)
		return -1;
	out->priority = (uint8_t)priority;
	conf_describe_warn_ftp(r, section, out);
	if (out->protocol != IPPROTO_TCP && !read_is_set(section, "udp"))
		read_warn(r, section, "protocol",
			  "service %s: the instances take TCP only, all other packets "
			  "go back to the routers",
			  cfg_title(section));
	return 0;
}

int conf_describe_read(struct reader *r, cfg_t *section, const struct spoof *spoof,
		       struct wccp_service *out)
{
	const struct conf_template *like;

	if (conf_describe_choose_template(r, section, &like) < 0)
		return -1;
	*out = (struct wccp_service){
		.type = WCCP_SERVICE_DYNAMIC,
		.protocol = IPPROTO_TCP,
		.priority = 200,
		.flags = WCCP_F_DST_IP_HASH, /* as routers hash the well-known one */
	};
	if (like)
		*out = like->service;
	if (out->type == WCCP_SERVICE_STANDARD)
		return conf_describe_read_well_known(r, section, spoof);
	return conf_describe_read_dynamic(r, section, spoof, like != NULL, out);
}
