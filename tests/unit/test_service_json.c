/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What programs are told of services. */
#include "wccpd/tell/service_json.h"
#include "suite.h"

#include <stdlib.h>
#include <string.h>

/* Takes `got` over. */
static void expect(json_t *got, const char *text)
{
	json_error_t why;
	json_t *want = json_loads(text, 0, &why);

	ck_assert_msg(want, "%s", why.text);
	if (!json_equal(got, want))
		ck_abort_msg("%s is not %s", json_dumps(got, JSON_SORT_KEYS), text);
	json_decref(got);
	json_decref(want);
}

TEST(descriptions)
{
	struct wccp_service s = { .type = WCCP_SERVICE_STANDARD };

	expect(service_json_description(&s),
	       "{\"priority\": 240, \"protocol\": \"tcp\", \"ports\": [80],"
	       " \"port_type\": \"destination\", \"hash\": [\"dst-ip\"],"
	       " \"alternate_hash\": [\"src-ip\", \"src-port\"],"
	       " \"only_protocol_0\": false}");
	s = (struct wccp_service){ .type = WCCP_SERVICE_DYNAMIC,
				   .priority = 3,
				   .protocol = 17,
				   .flags = 0x3f,
				   .ports = { 53, 5353 } };
	expect(service_json_description(&s),
	       "{\"priority\": 3, \"protocol\": \"udp\", \"ports\": [53, 5353],"
	       " \"port_type\": \"source\","
	       " \"hash\": [\"src-ip\", \"dst-ip\", \"src-port\", \"dst-port\"],"
	       " \"alternate_hash\": [], \"only_protocol_0\": false}");
	s.flags = 0;
	expect(service_json_description(&s),
	       "{\"priority\": 3, \"protocol\": \"udp\", \"ports\": \"any\","
	       " \"port_type\": \"-\", \"hash\": [], \"alternate_hash\": [],"
	       " \"only_protocol_0\": false}");
	s.protocol = 0;
	s.flags = WCCP_F_ONLY_PROTOCOL_0;
	expect(service_json_description(&s),
	       "{\"priority\": 3, \"protocol\": \"any\", \"ports\": [],"
	       " \"port_type\": \"-\", \"hash\": [], \"alternate_hash\": [],"
	       " \"only_protocol_0\": true}");
}

TEST(assignments)
{
	static struct cache_status st;

	memset(&st, 0, sizeof(st));
	st.n_slots = 256;
	st.my_slots = 128;
	st.mask.dst = addr_v4(0x1741); /* in wait for routers that take masks */
	expect(service_json_assignment(&st), "{\"method\": \"hash\", \"mask\": null,"
					     " \"slots\": 256, \"my_slots\": 128}");
	st.by_mask = true;
	st.n_slots = 64;
	expect(service_json_assignment(&st),
	       "{\"method\": \"mask\", \"mask\": \"dst-ip 0x1741\","
	       " \"slots\": 64, \"my_slots\": 128}");
}

TEST(configured_things)
{
	static struct conf conf;
	struct conf_service *s = &conf.services[0];

	s->pair = -1;
	expect(service_json_configured(&conf, s),
	       "{\"version\": \"2.0\", \"multicast\": null, \"allowed_caches\": [],"
	       " \"mirror_of\": null}");
	s->pair = 1;
	strcpy(conf.services[1].name, "x-return");
	s->group.version = CACHE_NEGOTIATE;
	s->group.multicast = addr_v4(0xe0000105);
	s->group.n_allowed = 2;
	s->group.allowed[0] = addr_v4(0x0a000001);
	s->group.allowed[1] = addr_v4(0x0a000002);
	expect(service_json_configured(&conf, s),
	       "{\"version\": \"negotiate\", \"multicast\": \"224.0.1.5\","
	       " \"allowed_caches\": [\"10.0.0.1\", \"10.0.0.2\"],"
	       " \"mirror_of\": \"x-return\"}");
}
