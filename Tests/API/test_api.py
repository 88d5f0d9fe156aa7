"""The API over the network: its specification by schemathesis, live progress, a clean end."""
# SPDX-License-Identifier: Apache-2.0

import datetime
import json
import os
import pathlib
import subprocess
import sys
import time

import pytest

SPECIFICATION = pathlib.Path(__file__).resolve().parents[2] / "Sources/Edge/HTTPAPI/openapi.yaml"


def draft(planner, name, rule="status = '正常'", limit=60):
    segment = planner.post("/segments", {"name": f"segment {name}", "rule": rule})
    today = datetime.date.today()
    return planner.post("/campaigns", {
        "scene": "care", "name": name, "segment": segment["id"], "limit": limit, "controlPPM": 100_000,
        "planned": f"{today - datetime.timedelta(days=60)}T10:00",
        "validTo": str(today + datetime.timedelta(days=400))})


def running(planner, approver, name):
    """A campaign that was approved and started."""
    campaign = draft(planner, name)["id"]
    planner.post(f"/campaigns/{campaign}/dry-run")
    planner.post(f"/campaigns/{campaign}/submit")
    approver.post(f"/campaigns/{campaign}/decision", {"result": "pass"})
    planner.post(f"/campaigns/{campaign}/run", headers={"Idempotency-Key": name})
    return campaign


@pytest.mark.parametrize("login", ["planner", "admin"])
def test_the_server_keeps_its_specification(clients, login, tmp_path, server):
    campaign = draft(clients["planner"], f"specification {login}")
    # What a rule, a number or a reason must be is more than a schema can say, so valid forms may be refused; and
    # nobody signs himself out or locks himself out meanwhile.
    (tmp_path / "schemathesis.toml").write_text(f"""
[auth.openapi.bearer]
bearer = "${{TOKEN}}"

[checks]
positive_data_acceptance.enabled = false

[[operations]]
include-path-regex = "/campaigns/{{id}}"
[operations.parameters]
"path.id" = {campaign["id"]}

[[operations]]
include-path-regex = "/segments/{{id}}"
[operations.parameters]
"path.id" = {campaign["plan"]["segment"]}
""")
    excluded = [f"--exclude-operation-id={name}" for name in ("signIn", "signOut", "changePassword")]
    command = [pathlib.Path(sys.executable).parent / "schemathesis", "run", SPECIFICATION, "--url", server.address,
               "-n", "10", "--workers", "1", "--generation-deterministic", "--no-color", *excluded]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "TOKEN": clients[login].token})
    assert done.returncode == 0, done.stdout[-6000:]


def test_progress_streams_and_continues_where_it_broke(clients):
    planner = clients["planner"]
    campaign = running(planner, clients["approver"], "stream")
    stages, last = [], None
    deadline = time.monotonic() + 120
    # A reader that goes away after every event and comes back misses no stage that matters: the stream ends by itself.
    while time.monotonic() < deadline and (not stages or stages[-1] not in ("finished", "waiting")):
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last} if last else {})}
        with planner.request("GET", f"/campaigns/{campaign}/progress", headers=headers) as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            for line in stream:
                text = line.decode().strip()
                if text.startswith("id: "):
                    assert last is None or int(text[4:]) != int(last), "the same event came twice"
                    last = text[4:]
                if text.startswith("data: "):
                    stages.append(json.loads(text[6:])["stage"])
                    break
    # At night the contact policy holds the sending back until morning.
    assert stages[-1] in ("finished", "waiting"), stages
    state = planner.get(f"/campaigns/{campaign}/progress")
    assert state["contacts"] == 60
    if state["stage"] == "waiting":
        planner.post(f"/campaigns/{campaign}/stop")


@pytest.mark.ends_server
def test_the_server_ends_cleanly_while_a_stream_is_open(server, clients):
    planner = clients["planner"]
    campaign = running(planner, clients["approver"], "end")
    with planner.request("GET", f"/campaigns/{campaign}/progress", headers={"Accept": "text/event-stream"}) as stream:
        assert stream.readline().decode().startswith("retry:")
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 10
