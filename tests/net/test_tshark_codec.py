# SPDX-License-Identifier: GPL-2.0-or-later
"""What Wireshark reads in the messages that the codec writes.

tests/unit/wccp_samples prints a sample of every kind of message; tshark, which
knows nothing of our code, has to find in it the values written down here, with
nothing malformed and no complaint.  Its own faults are listed one by one, each
for the samples it hits.
"""

import hashlib
import re
import struct
import subprocess

import pytest

import netns

PASSWORD = b"s3cret\0\0"
NOTE, WARNING = 0x400000, 0x600000  # severities of Wireshark's expert items

# Names of the addresses in the samples, by family.
ADDRESSES = {
    "ipv4": {"C1": "10.1.1.11", "C2": "10.1.1.12", "R1": "10.1.1.1", "R2": "10.1.2.1",
             "S": "0.0.1.0", "-": "0.0.0.0"},
    "ipv6": {"C1": "2001:db8::11", "C2": "2001:db8::12", "R1": "2001:db8::1",
             "R2": "2001:db8::2", "S": "::100", "-": "::"},
}

# Expected fields: a name ending in @ holds addresses, of the sample's family.
# All occurrences in one message, in their order.
DYNAMIC = {
    "service_info_type": "1",
    "service_info_dyn_id": "90",
    "service_info_std_id": "",
    "service_info_priority": "200",
    "service_info_protocol": "6",
    "service_info_flags": "0x00000813",
    "service_info_destination_port": "80 8080 3128",
}
STANDARD = {
    "service_info_type": "0",
    "service_info_std_id": "0",
    "service_info_dyn_id": "",
    "service_info_priority": "0",
    "service_info_protocol": "0",
    "service_info_flags": "0x00000000",
    "service_info_destination_port": "",
}
CACHE_VIEW = {
    "wc_view_info.change_num": "7",
    "wc_view_info.router_num": "2",
    "router_identity.ip_address@": "R1 R2",
    "router_identity.receive_id": "1000 1001",
    "wc_view_info.wc_num": "2",
    "wc_view_info.wc_ip@": "C1 C2",
}
EMPTY_VIEW = {
    "wc_view_info.change_num": "1",
    "wc_view_info.router_num": "0",
    "router_identity.receive_id": "",
    "wc_view_info.wc_num": "0",
    "wc_view_info.wc_ip@": "",
}
SEE = {
    "router_identity.ip_address@": "R1",
    "router_identity.receive_id": "4242",
    "router_identity.send_to_ip@": "R2",
    "router.num_recv_ip": "2",
    "router_identity.received_from_ip@": "C1 C2",
    "router_view.member_change_num": "9",
    "assignment_key@": "C1",
    "assignment_key.change_num": "3",
    "router_view.router_num": "2",
    "router_view@": "R1 R2",
    "web_cache_identity@": "C1 C2",
    "capability_element.type": "1 2 3",
    "capability_info.value": "0x00000003 0x00000003 0x00000003",
}
ASSIGN = {
    "assignment_key@": "C1",
    "assignment_key.change_num": "12",
    "router_identity.ip_address@": "R1 R2",
    "router_identity.receive_id": "2000 2001",
    "router_assignment_element.change_num": "30 31",
}
MASK = {
    "mask_value_set_list.num_elements": "1",
    "mask_element.dest_ip": "0x00000000",
    "mask_element.src_port": "0x0000",
    "mask_element.dest_port": "0x0001",
    "mask_value_set_selement.value_element_num": "4",
    "value_element.src_ip@": "- - S S",
    "value_element.dest_ip@": "- - - -",
    "value_element.src_port": "0 0 0 0",
    "value_element.dest_port": "0 1 0 1",
    "value_element.web_cache_ip@": "C1 C2 C1 C2",
}
ALTERNATE = {
    "alt_assignment_mask_value_list.num_elements": "1",
    "mask_element.dest_ip": "0x00000000",
    "mask_element.src_port": "0x0000",
    "mask_element.dest_port": "0x0001",
    "alt_assignment_mask_value_set_element.num_wc_value_elements": "2",
    "web_cache_value_element.wc_address@": "C1 C2",
    "web_cache_value_element.num_values": "2 2",
    "web_cache_value_element.value_seq_num": "0 1 2 3",
}
BUCKET = {"bucket": " ".join(["0 1"] * 127 + ["129", "255"])}
HASH = {**BUCKET, "hash_buckets_assignment.wc_ip@": "C1 C2"}


def vector(*runs):
    """Bits of a bucket vector as tshark shows them, from (how many, set) runs."""
    bits = [on for n, on in runs for _ in range(n)]
    assert len(bits) % 256 == 0
    return " ".join(str((1 << b % 8) if on else 0) for b, on in enumerate(bits))


def methods(forward, assign, ret):
    return {"capability_element.type": "1 2 3", "capability_info.value":
            f"0x{forward:08x} 0x{assign:08x} 0x{ret:08x}"}


def identity(flags, weight, status):
    return {"web_cache_identity@": "C1", "web_cache_identity.flags": flags,
            "assignment_weight": weight, "assignment_status": status}


HERE_HASH = {**DYNAMIC, **CACHE_VIEW, **methods(1, 1, 1),
             **identity("0x0000", "100", "0x0001"),
             "bucket_bit": vector((128, 1), (128, 0))}
SEE_HASH = {**DYNAMIC, **SEE, "web_cache_identity.flags": "0x0000 0x0000",
            "bucket_bit": vector((128, 1), (128, 0), (128, 0), (128, 1)),
            "assignment_weight": "100 100", "assignment_status": "0x0001 0x0001"}
SEE_MASK = {**STANDARD, **SEE, "web_cache_identity.flags": "0x0002 0x0002",
            "assignment_weight": "0 0"}

EXPECTED = {
    "here_first": {**STANDARD, **EMPTY_VIEW, **methods(2, 1, 2),
                   **identity("0x0001", "100", "0x0001"),
                   "bucket_bit": vector((256, 0))},
    "here_hash": HERE_HASH,
    "here_mask": {**DYNAMIC, **CACHE_VIEW, **MASK, **methods(2, 2, 2),
                  **identity("0x0002", "3", "0x0004")},
    "here_shutdown": {**HERE_HASH, "command_element_type": "1",
                      "command_element_length": "4",
                      "command_element_shudown_ip_address@": "C1"},
    "here_none": {**DYNAMIC, **CACHE_VIEW, **identity("0x000c", "", ""),
                  "capability_element.type": "1 2 3 4 5"},
    "here_weight": {**DYNAMIC, **CACHE_VIEW, **methods(1, 1, 1),
                    **identity("0x0006", "5", "0x0006"),
                    "extended_assignment_data.type": "3",
                    "extended_assignment_data.length": "4"},
    "here_alt_mask": {**DYNAMIC, **CACHE_VIEW, **ALTERNATE, **methods(2, 2, 2),
                      **identity("0x0006", "3", "0x0004"),
                      "extended_assignment_data.type": "2",
                      "extended_assignment_data.length": "56"},
    "see_hash": SEE_HASH,
    # Two keys, and the routers of the assignment after the sender.
    "see_hash_echo": {**SEE_HASH, **HASH,
                      "assignment_key@": "C1 C1",
                      "assignment_key.change_num": "3 12",
                      "router_identity.ip_address@": "R1 R1 R2",
                      "router_identity.receive_id": "4242 2000 2001",
                      "router_assignment_element.change_num": "30 31"},
    "see_shutdown": {**SEE_HASH, "command_element_type": "2",
                     "command_element_shudown_ip_address@": "C2"},
    "see_mask": {**SEE_MASK, **MASK, "mask_value_set_list.num_elements": "0 0 1"},
    "see_timers": {**SEE_MASK, **MASK, "mask_value_set_list.num_elements": "0 0 1",
                   "capability_element.type": "1 2 3 4 5"},
    "see_alt_map": {**SEE_MASK, **ALTERNATE,
                    "alt_assignment_map.assignment_type": "2",
                    "alt_assignment_map.assignment_length": "52"},
    # Without what the dissector also reads, at wrong places, in the map: see FAULTS.
    "see_hash_map": {**{k: v for k, v in SEE_HASH.items() if not
                        k.startswith(("router_identity.", "assignment_key"))},
                     "alt_assignment_map.assignment_type": "0",
                     "alt_assignment_map.assignment_length": "268"},
    "assign_hash": {**DYNAMIC, **ASSIGN, **HASH, "assignment_info.router_num": "2"},
    "assign_alt_hash": {**DYNAMIC, **ASSIGN, **BUCKET,
                        "wc_view_info.wc_num": "2",
                        "alt_assignment_info.assignment_type": "0",
                        "alt_assignment_info.assignment_length": "304",
                        "alt_assignment_info.num_routers": "2"},
    "assign_mask": {**DYNAMIC, **ASSIGN, **MASK,
                    "alt_assignment_info.assignment_type": "1",
                    "alt_assignment_info.assignment_length": "120",
                    "alt_assignment_info.num_routers": "2"},
    "assign_alt_mask": {**DYNAMIC, **ASSIGN, **ALTERNATE,
                        "alt_assignment_info.assignment_type": "2",
                        "alt_assignment_info.assignment_length": "88",
                        "alt_assignment_info.num_routers": "2"},
    "query": {**STANDARD,
              "router_identity.ip_address@": "R1",
              "router_identity.receive_id": "77",
              "router_query_info.send_to_ip@": "R2",
              "router_query_info.target_ip@": "C1"},
}

TYPES = {"here": ("10", "3 5"), "see": ("11", "2 4"), "assign": ("12", ""),
         "query": ("13", "7")}
# What follows the components that every message of a type has.
MORE = {"here": "8", "here_shutdown": "8 15", "see": "8", "see_shutdown": "8 15",
        "see_hash_echo": "6 8", "see_mask": "14 8", "see_timers": "14 8",
        "see_alt_map": "16 8", "see_hash_map": "16 8", "assign": "13",
        "assign_hash": "6", "query": ""}

# Complaints of the dissector about what the drafts demand or allow.
FAULTS = {
    # 2.0 section 5.2 lists Assignment Info among the components of I_SEE_YOU.
    "see_hash_echo": [r"This message contains a Assignment Info component, .*"],
    # 2.01 lists the Alternate Assignment Map there.
    "see_alt_map": [r"This message contains a Alternative Assignment Map .*"],
    # A hash body has a key in component 13, but none in component 16; the
    # dissector reads one all the same and then runs out of octets.
    "see_hash_map": [r"This message contains a Alternative Assignment Map .*",
                     r"The item is \d+ bytes too short"],
}
# So the octets of that body are compared: count, two web-caches, buckets; also in
# component 13, where the dissector turns the addresses of the web-caches around.
BUCKETS = "0001" * 127 + "81ff"
BODIES = {
    "see_hash_map.ipv4": "00000002 0a01010b 0a01010c" + BUCKETS,
    "see_hash_map.ipv6": "00000002 00000003 00000004" + BUCKETS,
    "assign_alt_hash.ipv4": "00000002 0a01010b 0a01010c" + BUCKETS,
    "assign_alt_hash.ipv6": "00000002 00000001 00000004" + BUCKETS,
}
# The dissector looks for the values of TRANSMIT_T and TIMER_SCALE in the header
# of their element: their octets are compared instead.
TIMERS = {
    "here_none": "0004 0004 0000 01f4 0005 0004 00 01 00 02",
    "see_timers": "0004 0004 ea60 01f4 0005 0004 05 01 04 02",
}

META = ["_ws.malformed", "_ws.expert.severity", "_ws.expert.message"]
COMMON = ["message", "message_header_version", "message_header_length", "item_type",
          "security_info_option", "security_md5_checksum", "mask_element.src_ip",
          "address_table.family_type", "address_table.address_length"]
SEPARATOR = "|"  # neither in values nor in texts of the expert


def names_of(expected):
    """Names of fields as tshark has them."""
    for name in expected:
        if name.endswith("@"):
            yield from (f"wccp.{name[:-1]}.{family}" for family in ADDRESSES)
        else:
            yield f"wccp.{name}"


FIELDS = META + sorted({n for e in [*EXPECTED.values(), COMMON] for n in names_of(e)})


def frame(payload):
    """An IPv4 packet with the message, as a capture without link layer has it."""
    udp = struct.pack(">HHHH", 2048, 2048, 8 + len(payload), 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                       bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])) + udp


def write_capture(path, messages):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for at, message in enumerate(messages):
            packet = frame(message)
            f.write(struct.pack("<IIII", at, 0, len(packet), len(packet)) + packet)


def dissect(path):
    """One dictionary of field name to list of values for each message."""
    argv = ["tshark", "-r", path, "-d", "udp.port==2048,wccp", "-T", "fields",
            "-E", f"aggregator={SEPARATOR}", "-E", "occurrence=a"]
    for name in FIELDS:
        argv += ["-e", name]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)
    for line in done.stdout.splitlines():
        values = line.split("\t")
        assert len(values) == len(FIELDS)
        yield {n: v.split(SEPARATOR) if v else [] for n, v in zip(FIELDS, values)}


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Name of each sample to (its octets, what tshark reads in them)."""
    done = netns.run(netns.program("tests/unit/wccp_samples"))
    octets = {n: bytes.fromhex(h) for n, h in map(str.split, done.stdout.splitlines())}
    path = tmp_path_factory.mktemp("tshark") / "samples.pcap"
    write_capture(path, octets.values())
    seen = list(dissect(path))
    assert len(seen) == len(octets)
    return {n: (o, s) for (n, o), s in zip(octets.items(), seen)}


def all_names():
    """Every sample there must be, from this file alone."""
    minors = {k: (0, 1) for k in EXPECTED}
    for kind in ("here_none", "here_weight", "here_alt_mask", "see_timers",
                 "see_alt_map", "see_hash_map", "assign_alt_mask"):
        minors[kind] = (1,)  # 2.01 only
    minors["see_hash_echo"] = (0,)  # 2.0 only
    return [f"{kind}.{minor}.{security}.{family}"
            for kind in EXPECTED for minor in minors[kind]
            for security in ("none", "md5")
            for family in (("ipv4", "ipv6") if minor else ("ipv4",))]


def test_every_sample_is_there(samples):
    assert sorted(samples) == sorted(all_names())


@pytest.mark.parametrize("name", all_names())
def test_no_complaints(samples, name):
    _, seen = samples[name]
    kind = name.split(".")[0]
    texts = [t for s, t in zip(seen["_ws.expert.severity"], seen["_ws.expert.message"],
                               strict=True) if int(s) >= WARNING]
    notes = [t for s, t in zip(seen["_ws.expert.severity"], seen["_ws.expert.message"])
             if int(s) < WARNING]
    assert seen["_ws.malformed"] == []
    for fault in FAULTS.get(kind, []):
        texts = [t for t in texts if not re.fullmatch(fault, t)]
    assert texts == []
    # Said of every well-known service, whose fields are zero by definition.
    assert set(notes) <= {"Ports fields not used"}


def expected_types(kind, family):
    group = kind.split("_")[0]
    more = MORE.get(kind, MORE[group])
    table = "17" if family == "ipv6" else ""
    return f"0 1 {TYPES[group][1]} {more} {table}".split()


@pytest.mark.parametrize("name", all_names())
def test_header_and_security(samples, name):
    octets, seen = samples[name]
    kind, minor, security, family = name.split(".")
    assert seen["wccp.message"] == [TYPES[kind.split("_")[0]][0]]
    assert [int(v, 16) for v in seen["wccp.message_header_version"]] == \
        [0x200 + int(minor)]
    assert seen["wccp.message_header_length"] == [str(len(octets) - 8)]
    assert seen["wccp.item_type"] == expected_types(kind, family)
    assert seen["wccp.security_info_option"] == ["1" if security == "md5" else "0"]
    if security == "md5":
        blank = octets[:16] + bytes(16) + octets[32:]
        digest = hashlib.md5(PASSWORD + blank).hexdigest()
        assert seen["wccp.security_md5_checksum"][0].replace(":", "") == digest
    else:
        assert seen["wccp.security_md5_checksum"] == []
    if family == "ipv6":
        assert seen["wccp.address_table.family_type"] == ["2"]
        assert seen["wccp.address_table.address_length"] == ["16"]


@pytest.mark.parametrize("name", all_names())
def test_values(samples, name):
    octets, seen = samples[name]
    kind, _, _, family = name.split(".")
    for field, values in EXPECTED[kind].items():
        values = values.split()
        if field.endswith("@"):
            values = [ADDRESSES[family][v] for v in values]
            field = f"{field[:-1]}.{family}"
        if kind in TIMERS and field == "capability_info.value":
            continue  # the dissector shows the element headers, see TIMERS
        assert seen[f"wccp.{field}"] == values, field
    if f"{kind}.{family}" in BODIES:
        assert bytes.fromhex(BODIES[f"{kind}.{family}"]) in octets
    if kind in TIMERS:
        assert bytes.fromhex(TIMERS[kind]) in octets
    # The dissector shows a mask behind a table as what is on the wire, its index.
    if "mask_element.dest_ip" in EXPECTED[kind] and family == "ipv4":
        assert seen["wccp.mask_element.src_ip"] == ["0x00000100"]
