#!/usr/bin/env python3
"""`make faults`: what is broken on purpose, what is claimed of it, and whether that was seen.

Each line of the table is held by tests that break just this; they are run here, and nothing else. A
counterpart that is not installed (PostgreSQL, Prometheus, the OpenID provider) is a failure: `make test`
installs them.
"""

import argparse
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Where tests are: the arguments of cargo.
IT = ("gateway", "--test", "it")
CLI = ("ktrlplane", "--test", "cli")
PEERS = ("ktrlplane", "--test", "counterparts")
POSTGRESQL = ("directory", "--test", "postgresql")
NOTIFICATIONS = ("directory", "--test", "notifications")
KILL = ("embedded", "--test", "kill")
BREAKER = ("gateway", "--lib")

# Fault, claim, tests.
FAULTS = [
    ("backend refuses", "502, and within a second 503 with Retry-After; found again within seconds, by no caller's request; ready all the while",
     [(PEERS, "failing::a_stopped_backend_is_502_until_it_is_back"),
      (IT, "probes::a_backend_that_is_back_is_found_without_a_request_of_anybody"),
      (IT, "upstreams::where_no_url_answers_callers_are_told_at_once_until_one_does")]),
    ("one URL of several refuses", "no caller of a read notices, and it is asked again when it is back",
     [(IT, "upstreams::reads_go_to_the_next_url_and_back_when_the_first_answers_again"),
      (IT, "upstreams::a_write_goes_elsewhere_once_it_is_known_that_nobody_is_there")]),
    ("backend hangs", "504 after its time, then 503 at once; in the middle of an answer the answer breaks off",
     [(IT, "upstreams::a_backend_that_says_nothing_is_not_waited_for_again_and_again"),
      (IT, "probes::a_backend_that_went_silent_is_left_out_long_before_requests_are_given_up"),
      (IT, "answers::threat_24_a_backend_that_stalls_in_the_middle_is_given_up")]),
    ("one host of several is gone", "it is left out within seconds, and found again when it is back",
     [(IT, "probes::a_backend_to_which_connections_hang_is_left_out_within_seconds_and_found_again")]),
    ("one tenant's query fails, is slow, or makes the backend break off", "the backend stays open to the others: only the gateway's own probes close it",
     [(IT, "upstreams::an_answer_is_a_sign_of_life_whatever_its_status"),
      (IT, "probes::queries_that_are_not_answered_in_time_close_the_backend_to_nobody_else"),
      (IT, "probes::a_query_at_which_the_backend_breaks_off_closes_it_to_nobody_else"),
      (IT, "probes::a_probe_is_the_gateway_s_own_and_nobody_s_request"),
      (BREAKER, "breaker::tests::whatever_becomes_of_callers_requests_opens_nothing")]),
    ("one tenant's query kills the backend", "it is sent twice at the most, and never to the next URL",
     [(IT, "upstreams::a_query_that_breaks_every_connection_is_sent_twice_at_the_most"),
      (IT, "upstreams::a_query_that_kills_one_backend_is_not_given_to_the_next"),
      (IT, "upstreams::a_query_after_which_a_connection_breaks_later_is_not_sent_again")]),
    ("backend resets in the middle of a head, or sends garbage", "502",
     [(IT, "broken::a_head_that_is_none_or_breaks_off_is_a_502")]),
    ("backend resets in the middle of a chunk, or of a length", "the caller's answer breaks off, and never looks complete",
     [(IT, "broken::threat_24_a_body_that_is_reset_or_is_none_breaks_the_caller_s"),
      (IT, "answers::threat_24_an_answer_broken_in_the_middle_never_looks_complete"),
      (IT, "answers::threat_24_an_answer_that_does_not_say_where_it_ends_is_not_passed_on")]),
    ("backend is cut off in the middle of a WebSocket frame", "no half frame; close code 1011 says why",
     [(IT, "broken::threat_24_a_frame_that_is_cut_off_in_its_middle_is_not_passed_on")]),
    ("backend closes a connection of the pool", "a read is sent once more, a write never; what broke a fresh connection is not tried elsewhere",
     [(IT, "upstreams::a_read_on_a_connection_that_was_just_closed_is_sent_again"),
      (IT, "upstreams::a_write_is_never_sent_twice"),
      (IT, "upstreams::a_read_that_broke_a_fresh_connection_is_not_tried_on_the_next_url")]),
    ("backend answers 10 GB, and the caller goes", "nothing collects, and the backend is told to stop",
     [(IT, "answers::threat_24_an_answer_streams_and_is_not_collected"),
      (IT, "answers::threat_24_when_the_caller_goes_the_upstream_request_is_dropped")]),
    ("the backend's name moves", "found at its new address",
     [(CLI, "faults::a_backend_whose_name_moves_is_found_where_it_is_now")]),
    ("database stops, hangs, restarts", "503 for everybody and never open; a write is carried out once; again without a restart",
     [(POSTGRESQL, "a_restart_of_the_server_needs_none_of_the_process"),
      (PEERS, "database::a_stopped_directory_lets_nobody_in_until_it_is_back"),
      (IT, "permissions::threat_23_when_the_directory_is_down_nobody_is_let_in")]),
    ("database is full", "writes fail and leave nothing, decisions go on",
     [(POSTGRESQL, "a_server_without_room_writes_nothing_and_goes_on_answering")]),
    ("database loses its notifications", "nothing is believed for longer than half a second",
     [(NOTIFICATIONS, "a_listener_that_is_cut_off_again_and_again_misses_nothing"),
      (NOTIFICATIONS, "silence_ends_the_trust_by_itself"),
      (NOTIFICATIONS, "behind_a_pooler_that_drops_notifications_nothing_is_remembered")]),
    ("issuer is down", "known keys go on serving; without any, 503 until it is there",
     [(IT, "keys::old_keys_are_kept_while_the_issuer_is_down"),
      (PEERS, "identity::known_keys_go_on_serving_while_the_issuer_is_away"),
      (PEERS, "identity::an_issuer_that_comes_after_the_gateway_is_found")]),
    ("issuer is slow", "the first requests wait for seconds, and no others",
     [(IT, "keys::a_hanging_issuer_delays_the_first_requests_by_seconds_only")]),
    ("issuer rotates its keys", "a new key works at its first token, a withdrawn one stops to count",
     [(IT, "keys::a_rotated_key_works_at_its_first_token"),
      (PEERS, "identity::a_rotated_key_is_picked_up_and_a_withdrawn_one_stops_to_count")]),
    ("issuer serves rubbish", "what it said before stays, and nobody is let in by it",
     [(IT, "keys::only_public_signature_keys_are_taken_and_bad_ones_spoil_nothing"),
      (IT, "keys::an_issuer_that_is_not_what_was_configured_is_not_believed")]),
    ("disk of the audit is full", "nothing is answered that could not be audited, and no line is lost",
     [(IT, "audit::failing::while_the_audit_cannot_be_written_nothing_is_answered_and_nothing_is_lost")]),
    ("disk of embedded data is full", "writes are 507 inside and 503 outside, reads go on, nothing acknowledged is lost",
     [(KILL, "a_full_disk_refuses_data_with_its_name_and_is_read_and_takes_data_again_when_there_is_room")]),
    ("clock steps by 5 minutes, on and back", "expiries go by the clock of the request, memory by the time that passes",
     [(IT, "permissions::a_clock_that_is_set_five_minutes_on_or_back_lets_nobody_in_and_keeps_nobody_out")]),
    ("SIGTERM under load", "every accepted request is answered to its end, callers are asked to go",
     [(CLI, "faults::a_stop_under_load_cuts_no_answer"),
      (IT, "connections::a_shutdown_first_asks_callers_to_go_and_still_answers_them")]),
    ("SIGKILL", "cut answers show it, the next process answers, nothing acknowledged is lost",
     [(CLI, "faults::an_answer_that_a_kill_cuts_shows_it_and_the_next_process_answers"),
      (CLI, "embedded::what_was_written_survives_a_stop_and_a_kill"),
      (KILL, "a_process_that_is_killed_has_lost_nothing_that_it_acknowledged")]),
    ("file descriptors run out", "idle connections go first, and requests are answered; no backend is taken for dead",
     [(CLI, "faults::connections_that_say_nothing_do_not_take_the_last_file"),
      (CLI, "faults::a_gateway_without_files_does_not_take_its_backend_for_dead")]),
    ("many connections", "silent ones keep nobody out; where all are busy, 503 with Retry-After at once",
     [(IT, "connections::connections_that_say_nothing_keep_nobody_out_and_cut_no_answer"),
      (IT, "connections::where_every_connection_has_a_request_the_next_is_told_to_come_back")]),
    ("slow callers", "head, body, idle time and reading have their times; the backend is free",
     [(IT, "connections::a_head_that_trickles_is_not_waited_for"),
      (IT, "connections::a_body_that_trickles_is_a_408_and_a_batch_a_503"),
      (IT, "connections::a_connection_without_a_request_is_closed_after_a_while_and_not_before"),
      (IT, "connections::a_caller_who_takes_nothing_is_cut_off_and_the_backend_is_free")]),
    ("heads and URIs that are too long", "431 and 414 with a sentence",
     [(IT, "connections::a_head_that_is_too_long_is_told_so"), (IT, "raw::heads_are_bounded")]),
]


def run(where, names):
    """What came of each of these tests: `ok`, `FAILED`, or nothing where there is none of the name."""
    package, *target = where
    command = ["cargo", "test", "--locked", "--package", package, *target, "--",
               "--exact", "--format=pretty", "--test-threads=2", *names]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"CI": "true"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen = dict(re.findall(r"^test (\S+) \.\.\. (ok|FAILED)$", done.stdout, re.M))
    if done.returncode or len(seen) < len(names):
        print(done.stdout[-6000:], file=sys.stderr)
    return seen


def main():
    argparse.ArgumentParser(prog="make faults", description=__doc__).parse_args()
    of = {}
    for _, _, tests in FAULTS:
        for where, name in tests:
            of.setdefault(where, {})[name] = None
    seen = {}
    for where, names in of.items():
        print(f"{' '.join(where)}: {len(names)} tests", file=sys.stderr, flush=True)
        came = run(where, list(names))
        seen |= {(where, name): came.get(name, "not there") for name in names}
    bad = [test for test, word in seen.items() if word != "ok"]
    widths = (30, 58, 24)
    print("  ".join(title.ljust(width) for title, width in zip(("fault", "claim", "seen"), widths)))
    print("  ".join("-" * width for width in widths))
    for fault, claim, tests in FAULTS:
        held = sum(seen[test] == "ok" for test in tests)
        word = f"held, {held} of {len(tests)} tests" if held == len(tests) else f"BROKEN: {held} of {len(tests)}"
        columns = [textwrap.wrap(text, width) for text, width in zip((fault, claim, word), widths)]
        for line in range(max(map(len, columns))):
            cells = [column[line] if line < len(column) else "" for column in columns]
            print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip())
    for where, name in bad:
        print(f"{seen[where, name]}: {' '.join(where)} {name}")
    print(f"{len(FAULTS)} faults, {len(seen)} tests, {len(bad)} not as claimed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
