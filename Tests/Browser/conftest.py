"""A served data directory of 2,000 subscribers and a browser for the tests of the console."""
# SPDX-License-Identifier: Apache-2.0

import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import threading
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
LANGUAGES = ["zh-CN", "en"]
WIDTHS = {1440: 900, 390: 844}
READERS = pytest.StashKey()
SHOTS = REPOSITORY / "build-output" / "screenshots"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def look(page, name, language, width):
    """Takes a screenshot and checks that the page fits its window and is accessible."""
    page.set_viewport_size({"width": width, "height": WIDTHS[width]})
    if page.locator("[data-chart]").count():
        page.locator("body[data-charts=ready]").wait_for()
    page.evaluate("() => window.scrollTo(0, 0)")
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.{language}.{width}.png", full_page=True)
    wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name} is {wide} px wider than the window at {width}"
    serious = barriers(page)
    assert serious == [], f"{name}: {serious}"


def barriers(page):
    """What axe finds on the page that keeps somebody from using it; its script is loaded once a page."""
    if page.evaluate("() => typeof axe === 'undefined'"):
        page.evaluate(Axe().axe_script)
    return page.evaluate("""async () => {
        const found = await axe.run({resultTypes: ['violations']})
        return found.violations.filter(each => ['serious', 'critical'].includes(each.impact))
            .map(each => [each.id, each.nodes.slice(0, 3).map(node => node.html)])
    }""")


def look_at_all_widths(page, name, language):
    for width in reversed(WIDTHS):
        look(page, name, language, width)


def wait_for_done(page, what):
    """Waits for the page that says that something was done: its address soon forgets it."""
    page.locator(f"[data-done={what}]").wait_for()


def write_rule(page, rule):
    """Types a segment's rule as text, past the builder of conditions."""
    page.locator("form[data-ready]").wait_for()
    page.locator("#tab-text").click()
    page.fill("#rule", rule)


class Server:
    """A running console: its address and the passwords of planner, approver, agent and admin."""

    def __init__(self, folder):
        self.folder = folder
        port = free_port()
        command = shlex.split(os.environ.get("GYRE_TEST_SERVER", str(REPOSITORY / ".build/debug/ConsoleRig")))
        self.process = subprocess.Popen(
            [*command, "--data-dir", folder, "--port", str(port)], stdout=subprocess.PIPE, text=True)
        self.address = f"http://127.0.0.1:{port}"
        self.passwords = {}
        for line in self.process.stdout:
            if line.startswith("{"):
                self.passwords = json.loads(line)
                break
        # What it still says must not block it.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        assert self.passwords, "the server ended without printing passwords"
        with urllib.request.urlopen(self.address + "/healthz", timeout=20) as answer:
            assert answer.status == 200

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    made = Server(str(tmp_path_factory.mktemp("console") / "data"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--lang=zh-CN"],
            env={**os.environ, "LANGUAGE": "zh_CN", "LANG": "zh_CN.UTF-8"})
        yield browser
        browser.close()


class Reader:
    """Somebody at a browser: a page of their own, and everything the browser complained about."""

    def __init__(self, browser, server, language, width):
        self.server = server
        self.context = browser.new_context(
            viewport={"width": width, "height": WIDTHS[width]}, locale=language, timezone_id="Asia/Shanghai",
            base_url=server.address, reduced_motion="reduce")
        self.page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.complaints = []
        self.page.on("console", self.hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))

    def hear(self, message):
        if message.type == "error" and not re.search(r"status of (4\d\d)", message.text):
            self.complaints.append(message.text)

    def sign_in(self, login):
        self.page.goto("/sign-in")
        self.page.fill("#login", login)
        self.page.fill("#password", self.server.passwords[login])
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)
        return self.page


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Says with a failure what everybody had before their eyes."""
    report = yield
    if report.when == "call" and report.failed:
        for page in [each.page for each in item.stash.get(READERS, [])]:
            said = page.locator("[role=alert], [role=status], dialog[open], h1, :invalid:not(form)").all()
            said = [part.evaluate("e => e.outerHTML.slice(0, 300)") for part in said]
            report.sections.append((page.url, "\n".join(part for part in said if part)))
    return report


@pytest.fixture
def reader(request, chromium, server):
    """Makes readers; each must have found nothing to complain about at the end."""
    made = request.node.stash[READERS] = []

    def make(login=None, language="zh-CN", width=1440):
        reader = Reader(chromium, server, language, width)
        made.append(reader)
        if login:
            reader.sign_in(login)
        return reader

    yield make
    for each in made:
        assert each.complaints == [], each.complaints
        each.context.close()
