"""Erasing a subscriber in the console: asked twice, then gone for everybody."""
# SPDX-License-Identifier: Apache-2.0

import pytest
from conftest import LANGUAGES, look_at_all_widths, wait_for_done


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_administrator_erases_a_subscriber_after_a_second_confirmation(reader, language):
    page = reader("admin", language).page
    numbers = page.request.get("/api/v1/lists/black/export").text().split()[1:]
    number = numbers[-1 if language == "en" else -2]
    page.goto("/erasure")
    page.fill("#numbers", f"{number}\n12345")
    page.fill("#reason", "DSR-1")
    page.click("main button[type=submit]")
    assert page.locator("#numbers-error").is_visible()
    look_at_all_widths(page, "erasure-wrong", language)
    page.fill("#numbers", number)
    page.click("main button[type=submit]")
    page.locator("[name=understood]").wait_for()
    look_at_all_widths(page, "erasure-confirm", language)
    page.check("[name=understood]")
    page.click("main button.danger")
    wait_for_done(page, "erased")
    assert page.locator(".notice.done").is_visible()
    agent = reader("agent", language).page
    agent.goto("/explain")
    agent.fill("#number", number)
    agent.click("main button[type=submit]")
    assert agent.locator("#number-error").is_visible()
