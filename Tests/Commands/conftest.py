"""The program as an operator runs it, and data directories to run it on: 200 customers of the real table, cut from
Examples/ and loaded once, copied for each test."""
# SPDX-License-Identifier: Apache-2.0

import concurrent.futures
import contextlib
import csv
import io
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import pyarrow.parquet
import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
GYRE = os.environ.get("GYRE_BINARY", str(REPOSITORY / ".build/debug/gyre"))
EXAMPLE = REPOSITORY / "Examples/telco-churn"

# What a crash leaves behind, of Swift, of the system, of DuckDB; and errors that nobody put into words.
CRASH = ("Error Domain=", "NSUnderlyingError", "(null)", "Error(", "Fatal error", "Precondition failed",
         "stack trace", "Stack dump", "Backtrace", "crashed at", "Trace/BPT", "Segmentation fault", "INTERNAL Error",
         "terminate called", ".swift:")


class Run:
    """One command that has ended: its status, what it wrote, and the largest memory it had."""

    def __init__(self, arguments, *, prefix=(), file_size=None, user=None, kill_after=None, env=None,
                 out=subprocess.PIPE, err=subprocess.PIPE):
        self.arguments = [os.fsdecode(each) for each in arguments]

        def limit():
            if file_size is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

        identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        process = subprocess.Popen(
            [*prefix, GYRE, *self.arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err, preexec_fn=limit,
            cwd=REPOSITORY, env={**os.environ, "GYRE_LANG": "en", **(env or {})}, **identity)
        with concurrent.futures.ThreadPoolExecutor(2) as readers:
            written = [readers.submit(pipe.read) if pipe else None for pipe in (process.stdout, process.stderr)]
            deadline = time.monotonic() + (60 if kill_after is None else kill_after)
            while not (ended := os.wait4(process.pid, os.WNOHANG))[0] and time.monotonic() < deadline:
                time.sleep(0.002)
            if not ended[0]:
                process.kill()
                ended = os.wait4(process.pid, 0)
                assert kill_after is not None, f"no end within 60 s: {self.arguments}"
            self.out, self.err = (each.result().decode() if each else None for each in written)
        for pipe in filter(None, (process.stdout, process.stderr)):
            pipe.close()
        self.code = process.returncode = os.waitstatus_to_exitcode(ended[1])
        self.peak = ended[2].ru_maxrss * 1024

    def __repr__(self):
        parts = ["gyre " + " ".join(self.arguments)[:300], f"exit code {self.code}", str(self.out), str(self.err)]
        return "\n".join(part[:2000] for part in parts)

    @property
    def json(self):
        """The result; the command did what it was told."""
        assert self.code == 0, self
        return json.loads(self.out)

    def fails(self, *words, code=1, longest=3000):
        """Checks that the command refused as every command does, and that it says all of `words`."""
        assert self.code == code, self
        assert self.out == "", self
        assert not [sign for sign in CRASH if sign in self.err], self
        assert 10 < len(self.err) < longest and self.err.count("\n") <= 12, f"{len(self.err)} characters: {self}"
        assert self.err.endswith("\n"), self
        missing = [word for word in words if str(word) not in self.err]
        assert not missing, f"does not say {missing}: {self}"
        return self.err


class Data:
    """A data directory and the commands on it."""

    def __init__(self, path, **settings):
        self.path, self.settings = pathlib.Path(path), settings

    def run(self, *arguments, **settings):
        return Run([*arguments, "--data-dir", self.path], **{**self.settings, **settings})

    def load(self, file, mapping=EXAMPLE / "mapping.yaml", **settings):
        return self.run("load", file, "--mapping", mapping, "--catalogue", catalogue_of(mapping), "--json", **settings)

    def count(self, rule="tenure >= 0", **settings):
        return self.run("segment", "count", rule, "--json", **settings).json["count"]

    def replay(self, **settings):
        return self.run("replay", "--json", **settings).json

    def state(self):
        """All that somebody can see: how many there are, the hash of the state, the loads in the warehouse."""
        warehouse = sorted(self.path.glob("warehouse/*/*"))
        return self.count(), self.replay(), warehouse, self.subscribers()

    def subscribers(self):
        """The table of the newest load, row by row."""
        parts = self.path.glob("warehouse/subscriber/*/part-*.parquet")
        newest = max(parts, key=lambda file: file.stat().st_mtime_ns)
        return pyarrow.parquet.read_table(sorted(newest.parent.glob("part-*.parquet"))).to_pylist()


def catalogue_of(mapping):
    beside = pathlib.Path(mapping).parent / "catalogue.yaml"
    return beside if beside.exists() else EXAMPLE / "catalogue.yaml"


class Customers:
    """Rows of the example table, to be bent and written."""

    def __init__(self, rows):
        self.header, *self.rows = [list(row) for row in rows]

    def copy(self):
        return Customers([self.header, *self.rows])

    def set(self, row, column, value):
        """Changes a value; rows count from 0."""
        self.rows[row][self.header.index(column)] = value
        return self

    def get(self, row, column):
        return self.rows[row][self.header.index(column)]

    def column(self, column):
        return [row[self.header.index(column)] for row in self.rows]

    @property
    def text(self):
        made = io.StringIO()
        csv.writer(made, lineterminator="\n").writerows([self.header, *self.rows])
        return made.getvalue()

    @property
    def bytes(self):
        return self.text.encode()

    def save(self, path):
        path.write_bytes(self.bytes)
        return path


def with_note(folder, customers, notes):
    """Gives customers a text, `note`, and writes the catalogue and the mapping that know it; the mapping's path."""
    customers.header.append("note")
    customers.rows = [[*row, note] for row, note in zip(customers.rows, notes)]
    catalogue = (EXAMPLE / "catalogue.yaml").read_text()
    catalogue += "  - { code: note, zh: 备注, en: Note, type: text, group: fees }\n"
    (folder / "catalogue.yaml").write_text(catalogue)
    (folder / "mapping.yaml").write_text((EXAMPLE / "mapping.yaml").read_text() + "  note: note\n")
    return folder / "mapping.yaml"


def read_rejects(path):
    """The rows of a reject file; it is one that spreadsheets open."""
    content = pathlib.Path(path).read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    assert header == ["line", "column", "value", "reason", "explanation", "row"]
    assert all(len(row) == len(header) and row[4] for row in rows)
    return [dict(zip(header, row)) for row in rows]


@pytest.fixture(scope="session", autouse=True)
def program():
    if not os.access(GYRE, os.X_OK):
        pytest.skip(f"{GYRE} is not built; run swift build")


@pytest.fixture(scope="session")
def table():
    with open(EXAMPLE / "customers.csv", encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def customers(table):
    """The first 200 customers."""
    return Customers(table[:201])


@pytest.fixture(scope="session")
def loaded(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("loaded")
    made = Data(folder / "data")
    assert made.load(Customers(table[:201]).save(folder / "customers.csv")).json["loaded"] == 200
    return made


@pytest.fixture
def data(loaded, tmp_path):
    """A data directory that holds the first 200 customers."""
    shutil.copytree(loaded.path, tmp_path / "data")
    return Data(tmp_path / "data")


@pytest.fixture(scope="session")
def staffed(loaded, tmp_path_factory):
    """The loaded directory with staff, and a session of each; made once, because passwords are dear to hash."""
    made = Data(tmp_path_factory.mktemp("staffed") / "data")
    shutil.copytree(loaded.path, made.path)
    process, port, line = serve(made, "--print-passwords-json")
    tokens = {}
    for login in ("planner", "approver", "agent"):
        status, answer = request(port, "POST", "/session",
                                 body={"login": login, "password": json.loads(line)["passwords"][login]})
        assert status < 300, answer
        tokens[login] = answer["token"]
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    process.stdout.close()
    return made, tokens


@pytest.fixture
def empty(tmp_path):
    """A data directory that is not there yet."""
    return Data(tmp_path / "data")


@pytest.fixture
def public_folder(loaded):
    """A folder that any user can reach, with the loaded data directory in it."""
    with tempfile.TemporaryDirectory(prefix="gyre-") as folder:
        os.chmod(folder, 0o755)
        shutil.copytree(loaded.path, f"{folder}/data")
        yield pathlib.Path(folder)


@contextlib.contextmanager
def mounted(*arguments):
    """Mounts in a mount namespace of its own; gives the prefix of commands that see it, and its root as seen here."""
    if os.geteuid() != 0 or not shutil.which("nsenter"):
        pytest.skip("only root can mount")
    script = 'mount "$@" && echo ready && read _'
    holder = subprocess.Popen(["unshare", "-m", "sh", "-c", script, "sh", *map(str, arguments)], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        if holder.stdout.readline() != "ready\n":
            pytest.skip(f"cannot mount here: {holder.stderr.read().strip()}")
        yield ["nsenter", "-m", "-t", str(holder.pid), "--"], pathlib.Path(f"/proc/{holder.pid}/root")
    finally:
        holder.kill()
        holder.communicate()


class Server:
    """A running server on a data directory with staff that is signed in."""

    def __init__(self, data, tokens):
        self.tokens = tokens
        self.process, self.port, _ = serve(data)

    def request(self, who, method, path, body=None, *, content=None):
        """Status and answer."""
        return request(self.port, method, path, self.tokens[who], body, content)

    def post(self, who, path, body=None):
        status, answer = self.request(who, "POST", path, body)
        assert status < 300, (path, answer)
        return answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0
        self.process.stdout.close()


def serve(data, *options):
    """A server that answers, its port, and the first line that it printed."""
    port = free_port()
    process = subprocess.Popen([GYRE, "serve", *options, "--data-dir", data.path, "--port", str(port)], text=True,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return process, port, process.stdout.readline()


def request(port, method, path, token=None, body=None, content=None):
    """Status and answer of the API."""
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if content is None and body is not None:
        content = json.dumps(body).encode()
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1{path}", content, headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as problem:
        return problem.code, json.loads(problem.read())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
