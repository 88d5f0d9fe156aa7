"""A served data directory of 2,000 subscribers and clients for every role of its API."""
# SPDX-License-Identifier: Apache-2.0

import json
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
GYRE = os.environ.get("GYRE_BINARY", str(REPOSITORY / ".build/debug/gyre"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server: its address and the passwords of planner, approver, agent and admin."""

    def __init__(self, folder):
        port = free_port()
        # Another program that serves a demo directory may stand in: it gets --data-dir and --port.
        other = os.environ.get("GYRE_TEST_SERVER")
        if other:
            command = shlex.split(other)
        else:
            subprocess.run([GYRE, "demo", "--subscribers", "2000", "--data-dir", folder], check=True,
                           stdout=subprocess.DEVNULL)
            command = [GYRE, "serve", "--print-passwords-json"]
        self.process = subprocess.Popen(
            [*command, "--data-dir", folder, "--port", str(port)], stdout=subprocess.PIPE, text=True)
        self.address = f"http://127.0.0.1:{port}"
        self.passwords = {}
        for line in self.process.stdout:
            if line.startswith("{"):
                self.passwords = json.loads(line)["passwords"]
                break
        # What it still says must not block it.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        assert self.passwords, "the server ended without printing passwords"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)


class Client:
    """Somebody who is signed in."""

    def __init__(self, server, login):
        self.address = server.address
        self.token = None
        self.token = self.post("/session", {"login": login, "password": server.passwords[login]})["token"]

    def request(self, method, path, body=None, headers=None, content=None):
        """The answer to a request with JSON, or with bytes as they are."""
        headers = {"Accept": "application/json", **(headers or {})}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        elif content is not None:
            headers["Content-Type"] = "text/csv"
            data = content
        request = urllib.request.Request(f"{self.address}/api/v1{path}", data, headers, method=method)
        return urllib.request.urlopen(request, timeout=30)

    def get(self, path):
        with self.request("GET", path) as answer:
            return json.load(answer)

    def post(self, path, body=None, headers=None, content=None):
        with self.request("POST", path, body, headers, content) as answer:
            return json.load(answer)

    def text(self, path):
        with self.request("GET", path) as answer:
            return answer.read().decode("utf-8-sig")

    def refused(self, method, path, body=None, content=None):
        """Status and code of a request that is refused, and the whole problem."""
        try:
            answer = self.request(method, path, body, content=content)
        except urllib.error.HTTPError as error:
            assert error.headers["Content-Type"].startswith("application/problem+json")
            problem = json.load(error)
            assert problem["status"] == error.code and problem["title"] and problem["code"], problem
            return error.code, problem["code"], problem
        raise AssertionError(f"{method} {path} was not refused: {answer.read(1000)}")


def pytest_configure(config):
    config.addinivalue_line("markers", "ends_server: ends the server of its file, so it comes last")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.get_closest_marker("ends_server") is not None)


# One for each file of tests: requests made at random may change staff and end sessions.
@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not os.environ.get("GYRE_TEST_SERVER"):
        if not os.access(GYRE, os.X_OK):
            pytest.skip(f"{GYRE} is not built; run swift build")
        if "serve" not in subprocess.run([GYRE, "--help"], capture_output=True, text=True).stdout:
            pytest.skip("this build of gyre has no command serve")
    made = Server(str(tmp_path_factory.mktemp("api") / "data"))
    yield made
    if made.process.poll() is None:
        made.stop()


@pytest.fixture(scope="module")
def clients(server):
    """One client per login; signing in costs a password hash each."""
    return {login: Client(server, login) for login in server.passwords}
