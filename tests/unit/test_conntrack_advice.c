/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rules lose what web-caches answer, and what lets it pass. */
#include "wccprouter/firewall/conntrack_advice.h"

#include "suite.h"

#include <string.h>

static struct routerd_conf conf;
static struct router_status status[2];

static void add(struct routerd_interfaces *list, const char *name)
{
	strcpy(list->names[list->n++], name);
}

/* Service 0 is about port 80, service 1, if any, about what comes from there. */
static void set_up(unsigned n)
{
	memset(&conf, 0, sizeof(conf));
	memset(status, 0, sizeof(status));
	conf.n_services = n;
	add(&conf.caches_in, "bx1");
	add(&conf.caches_in, "bx2");
	for (unsigned i = 0; i < n; i++) {
		struct routerd_conf_service *s = &conf.services[i];

		strcpy(s->name, i ? "62" : "61");
		add(&s->redirect_in, i ? "or0" : "cl0");
		s->router.service_type = WCCP_SERVICE_DYNAMIC;
		status[i].described = true;
		status[i].service.protocol = 6;
		status[i].service.flags = WCCP_F_PORTS_DEFINED |
					  (i ? WCCP_F_PORTS_SOURCE : 0);
		status[i].service.ports[0] = 80;
	}
}

static const struct conntrack_advice *advice(const char *rules)
{
	static struct conntrack_advice out;
	json_error_t error;
	json_t *all = json_loads(rules, 0, &error);

	ck_assert_msg(all, "%s", error.text);
	conntrack_advise(&conf, status, all, &out);
	json_decref(all);
	return &out;
}

#define CHAIN(family, hook, prio, policy)                                              \
	"{\"nftables\": [{\"chain\": {\"family\": \"" family                           \
	"\", \"table\": \"t\", \"name\": \"c\", \"hook\": \"" hook                     \
	"\", \"prio\": " prio ", \"policy\": \"" policy "\"}}"
#define RULE(family, expr)                                                             \
	", {\"rule\": {\"family\": \"" family                                          \
	"\", \"table\": \"t\", \"chain\": \"c\", \"expr\": [" expr "]}}"
#define MATCH(op, left, right)                                                         \
	"{\"match\": {\"op\": \"" op "\", \"left\": " left ", \"right\": " right "}}, "
#define META(key) "{\"meta\": {\"key\": \"" key "\"}}"
#define STATE "{\"ct\": {\"key\": \"state\"}}"
#define PORT(which) "{\"payload\": {\"protocol\": \"tcp\", \"field\": \"" which "\"}}"
#define INVALID MATCH("in", STATE, "\"invalid\"")
#define DROP "{\"drop\": null}"
#define ACCEPT "{\"accept\": null}"
#define FORWARD(expr) CHAIN("inet", "forward", "0", "accept") RULE("inet", expr) "]}"

static const char *const drops[] = {
	FORWARD(INVALID DROP),
	FORWARD(MATCH("==", STATE, "[\"invalid\", \"new\"]") "{\"reject\": null}"),
	FORWARD(MATCH("!=", STATE, "{\"set\": [\"established\", \"untracked\"]}") DROP),
	FORWARD(MATCH("==", META("iifname"), "{\"set\": [\"x\", \"bx2\"]}") INVALID DROP),
	FORWARD(MATCH("==", META("oifname"), "\"cl*\"") INVALID "{\"counter\": {}}, " DROP),
	FORWARD(MATCH("==", PORT("sport"), "{\"range\": [1, 80]}") INVALID DROP),
	FORWARD(MATCH("!=", PORT("dport"), "22") INVALID DROP),
	FORWARD("{\"vmap\": {\"key\": " STATE ", \"data\": {\"set\": "
		"[[\"established\", " ACCEPT "], [\"invalid\", " DROP "]]}}}"),
	FORWARD("{\"xt\": {\"type\": \"match\", \"name\": \"conntrack\"}}, " DROP),
	CHAIN("ip", "prerouting", "-150", "accept") RULE("ip", INVALID DROP) "]}",
};

TEST_LOOP(rules_that_drop, 0, (int)(sizeof(drops) / sizeof(drops[0])))
{
	const struct conntrack_advice *a;

	set_up(1);
	a = advice(drops[_i]);
	ck_assert_msg(strstr(a->text, "chain c of table "), "%s", drops[_i]);
	ck_assert_ptr_nonnull(strstr(a->text, "for service 61"));
	ck_assert_str_eq(a->remedy,
			 "nft 'table inet wccprouter { chain prerouting { type filter "
			 "hook prerouting priority raw; iifname { \"bx1\", \"bx2\" } "
			 "tcp sport { 80 } notrack; }; }'");
}

static const char *const passes[] = {
	"{}",
	"{\"nftables\": [{}, 7, {\"rule\": []}, {\"chain\": null}]}",
	FORWARD(DROP), /* whatever the state is */
	FORWARD(MATCH("==", META("iifname"), "\"or0\"") INVALID DROP),
	FORWARD(MATCH("==", META("l4proto"), "\"udp\"") INVALID DROP),
	FORWARD(MATCH("==", PORT("sport"), "443") INVALID DROP),
	FORWARD(MATCH("<", PORT("sport"), "443") INVALID DROP),
	FORWARD(MATCH("==", META("mark"), "80") INVALID DROP),
	FORWARD(MATCH("==", META("iifname"), "\"@lans\"") INVALID DROP),
	FORWARD(MATCH("in", STATE, "\"new\"") DROP),
	FORWARD("{\"jump\": {\"target\": \"c\"}}"),
	FORWARD("{\"goto\": {\"target\": \"nowhere\"}}"),
	CHAIN("ip6", "forward", "0", "accept") RULE("ip6", INVALID DROP) "]}",
	CHAIN("inet", "input", "0", "accept") RULE("inet", INVALID DROP) "]}",
	CHAIN("inet", "forward", "0", "accept") RULE("ip", INVALID DROP) "]}",
};

TEST_LOOP(rules_that_do_not, 0, (int)(sizeof(passes) / sizeof(passes[0])))
{
	set_up(1);
	ck_assert_msg(!*advice(passes[_i])->text, "%s", passes[_i]);
}

/* Untracked packets have to be let pass as well. */
TEST(policy_drop)
{
	const struct conntrack_advice *a;

	set_up(1);
	a = advice(CHAIN("ip", "forward", "0", "drop")
			   RULE("ip", MATCH("in", STATE, "\"established\"") ACCEPT) "]}");
	ck_assert_ptr_nonnull(strstr(a->remedy, "} notrack; }; }; insert rule ip t c "
						"iifname { \"bx1\", \"bx2\" } ct state "
						"untracked accept'"));
}

/* Spoofing: what web-caches send to servers is one half of a connection, too. */
TEST(both_directions)
{
	const struct conntrack_advice *a;

	set_up(2);
	status[1].service.ports[1] = 8080;
	a = advice(FORWARD(INVALID DROP));
	ck_assert_ptr_nonnull(strstr(a->text, "for service 61 62"));
	ck_assert_ptr_nonnull(strstr(a->remedy, "tcp sport { 80 } notrack; iifname { \"bx1\", "
						"\"bx2\" } tcp dport { 80, 8080 } notrack; }"));
	/* Of all of TCP, as WAAS has them. */
	status[0].service.flags = status[1].service.flags = 0;
	a = advice(FORWARD(INVALID DROP));
	ck_assert_ptr_nonnull(strstr(a->remedy, "} meta l4proto 6 notrack; "));
	status[0].described = status[1].described = false;
	ck_assert_str_eq(advice(FORWARD(INVALID DROP))->text, "");
}

TEST(not_tracked)
{
	static const char raw[] = CHAIN("ip", "prerouting", "-300", "accept")
		RULE("ip", MATCH("==", PORT("sport"), "80") "{\"notrack\": null}");
	char rules[2048];

	set_up(1);
	snprintf(rules, sizeof(rules), "%s, %s", raw,
		 strchr(FORWARD(INVALID DROP), '[') + 1);
	ck_assert_str_eq(advice(rules)->text, "");
	status[0].family = ADDR_V6; /* of which the first rule is not */
	ck_assert_str_ne(advice(rules)->text, "");
}
