"""The page in a real browser: what people get to see, and what they must not be made to see."""

import json
import time
from dataclasses import replace

import pytest
from boxes import ANGRY, CALM, HAPPY, NOBODY, evening_at, quiet

from edge_affect.dashboard.server import PageServer, Site
from edge_affect.record import AbstainReason, SourceState
from edge_affect.subscriber import box as box_module

BOX = "hall/stage"
SPOT = "document.querySelector('.spot').getAttribute('visibility') === 'visible'"
NO_SPOT = SPOT.replace("===", "!==")
HEADLINE = ".headline"


def test_live_values_are_shown_in_words_and_in_the_picture(boxes, open_page, keep_saying):
    boxes.status(BOX)
    boxes.about(BOX)
    boxes.health(BOX)
    boxes.event(BOX, "applause", 10, 4)
    keep_saying[BOX] = replace(HAPPY, camera=SourceState.STALLED, polarity=2)
    page = open_page()
    page.wait(SPOT, "the spot on the map")
    text = page.text()
    assert page.text("h1") == BOX
    assert page.text(HEADLINE) == "Mainly happiness"
    assert page.text("#manner") == "pleasant, lively"
    for said in (
        "Happiness 67%",
        "Surprise 13%",
        "Neutral 20%",
        "fairly sure (73%)",
        "2-4",
        "50%",
        "rather positive",
        "Camera: stalled.",
    ):
        assert said in text
    # Right and up of the middle: pleasant and lively.
    spot, middle = (
        page.js(
            f"(r => [r.x + r.width / 2, r.y + r.height / 2])"
            f"(document.querySelector('{name}').getBoundingClientRect())"
        )
        for name in (".spot", ".rim")
    )
    page.wait(
        "(s => { const a = s.getBoundingClientRect(), b = document.querySelector('.rim')"
        ".getBoundingClientRect(); return a.x + a.width / 2 > b.x + b.width * 0.7 && "
        "a.y + a.height / 2 < b.y + b.height * 0.4 })(document.querySelector('.spot'))",
        f"the spot to be upper right, not at {spot} of {middle}",
    )
    label = page.js("document.querySelector('.now svg').getAttribute('aria-label')")
    assert "Mainly happiness. pleasant, lively" in label
    # The transparency card, health and events.
    page.wait_for_text("the lights of the hall follow the audience")
    assert "114.4 bits a second, in 18 bytes a record" in page.text()
    assert "55 °C" in page.text()
    assert "Applause · for 4 s · 80%" in page.text(".log")
    # A change of mood moves it.
    keep_saying[BOX] = ANGRY
    page.wait_for_text("Mainly anger", HEADLINE)
    assert page.text("#manner") == "unpleasant, lively"


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (NOBODY, "Nobody there"),
        (quiet(AbstainReason.LOW_CONFIDENCE), "Not sure enough to say"),
        (quiet(AbstainReason.PAUSED), "Paused"),
    ],
    ids=["nobody", "unsure", "paused"],
)
def test_abstention_is_no_mood(boxes, open_page, keep_saying, item, words):
    boxes.status(BOX)
    keep_saying[BOX] = CALM
    page = open_page()
    page.wait(SPOT)
    keep_saying[BOX] = item
    page.wait_for_text(words, HEADLINE)
    page.wait(NO_SPOT)
    assert "not the same as calm" in page.text(".said")
    assert page.js("document.querySelector('.word').textContent") == "No statement"
    assert not page.js("document.querySelector('.mix').checkVisibility()")
    assert page.js("document.querySelector('.disc').dataset.state") == "quiet"


def test_offline_is_no_mood_and_its_alerts_do_not_count(boxes, open_page, keep_saying):
    boxes.status(BOX)
    boxes.alert(BOX, "rising-anger", "Somebody should step in.")
    keep_saying[BOX] = CALM
    page = open_page()
    page.wait_for_text("Somebody should step in.", ".alerts")
    keep_saying.clear()
    boxes.status(BOX, "offline")
    page.wait_for_text("Offline", HEADLINE)
    page.wait(NO_SPOT)
    assert page.js("document.querySelector('.disc').dataset.state") == "off"
    assert "How the room is now is not known." in page.text(".said")
    assert "Last word: Mainly neutral" in page.text(".said")
    page.wait("!document.querySelector('.alerts').checkVisibility()", "the alert to go")


def test_silence_is_told_and_not_taken_for_calm(monkeypatch, boxes, open_page, keep_saying):
    monkeypatch.setattr(box_module, "SILENT_AFTER_S", 1.0)
    monkeypatch.setattr(box_module, "SILENT_AFTER_TICKS", 1.0)
    boxes.status(BOX)
    keep_saying[BOX] = CALM
    page = open_page()
    page.wait(SPOT)
    keep_saying.clear()
    page.wait_for_text("No news for", HEADLINE)
    page.wait(NO_SPOT)
    assert "no values come" in page.text(".said")
    # It counts.
    first = page.text(HEADLINE)
    page.wait(f"document.querySelector('{HEADLINE}').innerText !== {json.dumps(first)}")
    assert page.text(HEADLINE).startswith("No news for")
    keep_saying[BOX] = HAPPY
    page.wait_for_text("Mainly happiness", HEADLINE)


def test_what_comes_late_is_history_and_never_the_present(boxes, open_page, keep_saying):
    boxes.status(BOX)
    keep_saying[BOX] = CALM
    page = open_page()
    page.wait(SPOT)
    page.js(
        "window.seen = []; new MutationObserver(() => window.seen.push("
        "document.querySelector('.headline').textContent)).observe("
        "document.querySelector('.headline'), {childList: true, characterData: true})"
    )
    keep_saying.clear()
    for ago_s in range(110, 70, -1):
        boxes.affect(BOX, ANGRY, ago_s, is_late=True)
    page.js("document.querySelector('.card-head button:last-of-type').click()")
    page.wait_for_text("60%", "tbody")
    # Neither the words nor the life sign come from the past.
    page.wait_for_text("No news for", HEADLINE)
    assert [text for text in page.js("window.seen") if "anger" in text.lower()] == []


def test_a_reload_shows_what_was(boxes, open_page, keep_saying):
    boxes.status(BOX)
    for ago_s in range(60, 0, -1):
        boxes.affect(BOX, evening_at(ago_s), ago_s, is_late=True)
    keep_saying[BOX] = evening_at(0)
    page = open_page()
    page.wait("document.querySelectorAll('.trail polyline').length > 2", "the trail")
    page.open(page.js("location.href"))
    page.wait("document.querySelectorAll('.trail polyline').length > 2", "the trail, once more")


def test_a_broker_that_restarts_needs_no_reload(broker, boxes, open_page, keep_saying):
    boxes.status(BOX)
    keep_saying[BOX] = HAPPY
    page = open_page()
    page.wait(SPOT)
    page.js("window.isSamePage = true")
    keep_saying.clear()
    boxes.close()
    broker.stop()
    page.wait_for_text("No connection to the broker.", "#trouble")
    page.wait_for_text("Broker lost", "#link")
    page.wait_for_text("Unknown right now", HEADLINE)
    page.wait(NO_SPOT)
    broker.start()
    page.wait_for_text("Broker connected", "#link")
    # The broker is there again; the box is not yet, and that is no calm either.
    page.wait_for_text("Nothing heard", HEADLINE)
    boxes.connect()
    boxes.status(BOX)
    keep_saying[BOX] = CALM
    page.wait_for_text("Mainly neutral", HEADLINE)
    page.wait(SPOT)
    assert page.js("window.isSamePage") is True
    assert not page.js("document.querySelector('#trouble').checkVisibility()")


def test_a_page_whose_server_is_gone_says_so_and_comes_back(
    site, boxes, chromium, broker, keep_saying
):
    boxes.status(BOX)
    keep_saying[BOX] = CALM
    with chromium.page() as page:
        page.open(site.url)
        page.wait_for_text("Mainly neutral", HEADLINE)
        port = site.server.port
        site.server.stop()
        page.wait_for_text("This page has lost its server.", "#trouble")
        page.wait_for_text("Unknown right now", HEADLINE)
        assert not page.js(SPOT)
        again = PageServer(Site(site.fleet, site.server.site.assets, "broker"), port=port)
        again.start()
        page.wait_for_text("Mainly neutral", HEADLINE)
        again.stop()


def test_it_speaks_chinese_by_the_browser_and_by_choice(boxes, open_page, keep_saying):
    boxes.status(BOX)
    keep_saying[BOX] = HAPPY
    page = open_page(language="zh-CN")
    page.wait_for_text("以高兴为主", HEADLINE)
    assert page.js("document.documentElement.lang") == "zh-Hans"
    assert "Happiness" not in page.text()
    english = open_page(language="de-DE")
    english.wait_for_text("Mainly happiness", HEADLINE)
    english.js(
        "(s => { s.value = 'zh'; s.dispatchEvent(new Event('change')) })"
        "(document.querySelector('#language'))"
    )
    english.wait_for_text("以高兴为主", HEADLINE)
    english.open(english.js("location.href"))
    english.wait_for_text("以高兴为主", HEADLINE)


def test_everything_can_be_reached_by_keyboard(boxes, open_page):
    for name in ("a/one", "a/two"):
        boxes.status(name)
        boxes.affect(name)
    page = open_page()
    page.wait("document.querySelectorAll('.tile').length === 2")
    what = "(e => e.id || e.className || e.textContent)(document.activeElement)"
    reached = []
    for _ in range(7):
        page.press("Tab")
        reached.append(page.js(what))
    assert reached[:4] == ["skip", "home", "language", "theme"]
    assert page.js("document.activeElement.matches('.tile a')") or "card" in reached
    page.js("document.querySelectorAll('.tile a')[1].focus()")
    page.press("Enter")
    page.wait_for_text("a/two", "h1")
    assert page.js("document.activeElement.id") == "content"
    for _ in range(6):
        page.press("Tab")
        reached.append(page.js("document.activeElement.textContent"))
    assert {"2 min", "5 min", "15 min", "Show as a table"} <= set(reached)


def test_charts_have_a_table_for_who_cannot_see_them(boxes, open_page, keep_saying):
    boxes.status(BOX)
    for ago_s in range(90, 0, -1):
        boxes.affect(BOX, HAPPY, ago_s, is_late=True)
    keep_saying[BOX] = HAPPY
    page = open_page()
    page.wait(SPOT)
    page.js(
        "[...document.querySelectorAll('button')].find(b => /table/.test(b.textContent)).click()"
    )
    page.wait("document.querySelectorAll('tbody tr').length >= 6", "the rows")
    head = page.js("[...document.querySelectorAll('thead th')].map(e => e.textContent)")
    assert head[:3] == ["Time", "Neutral", "Happiness"]
    assert len(head) == 1 + 8 + 2 + 6 + 1
    row = page.js("[...document.querySelectorAll('tbody tr')][2].innerText").split("\t")
    assert row[2] == "67%"


def test_a_screen_reader_finds_landmarks_and_hears_alerts(boxes, open_page, keep_saying):
    boxes.status(BOX)
    keep_saying[BOX] = HAPPY
    page = open_page()
    page.wait(SPOT)
    roles = page.tree()
    assert {"banner", "main", "contentinfo"} <= {role for role, _ in roles}
    assert ("heading", BOX) in roles
    assert ("heading", "Over time") in roles
    boxes.alert(BOX, "rising-anger", "Somebody should step in.")
    page.wait_for_text("Alert at hall/stage: Somebody should step in.", "#spoken")


def test_dark_where_the_system_is_and_where_one_asks(boxes, open_page):
    boxes.status(BOX)
    background = "getComputedStyle(document.body).backgroundColor"
    light, dark = open_page(), open_page(dark=True)
    assert light.js(background) == "rgb(244, 242, 236)"
    assert dark.js(background) == "rgb(14, 17, 22)"
    light.js(
        "(s => { s.value = 'dark'; s.dispatchEvent(new Event('change')) })"
        "(document.querySelector('#theme'))"
    )
    assert light.js(background) == dark.js(background)


@pytest.mark.parametrize(("width", "language"), [(320, "en-GB"), (390, "zh-CN"), (768, "en-GB")])
def test_nothing_is_wider_than_the_screen(boxes, open_page, keep_saying, width, language):
    long = f"{'conference' * 5}/{'room' * 14}"
    boxes.status(long)
    boxes.about(long)
    boxes.health(long)
    boxes.alert(long, "an-alert-with-a-name", "W" * 120)
    keep_saying[long] = HAPPY
    page = open_page(width=width, height=700, touch=True, language=language)
    page.wait(SPOT)
    page.wait("document.querySelectorAll('.uplot').length >= 3", "the charts")
    wide = "document.documentElement.scrollWidth"
    assert page.js(wide) <= width
    page.js("location.hash = '#/all'")
    page.wait("document.querySelectorAll('.tile').length === 1")
    assert page.js(wide) <= width


def test_motion_is_left_out_where_it_is_not_wanted(boxes, open_page, keep_saying):
    boxes.status(BOX)
    keep_saying[BOX] = HAPPY
    for is_reduced, duration in ((False, "0.9s, 0.6s"), (True, "0s")):
        page = open_page(reduced_motion=is_reduced)
        page.wait(SPOT)
        moving = "getComputedStyle(document.querySelector('.spot')).transitionDuration"
        assert page.js(moving) == duration


def test_a_fleet_shows_who_needs_somebody_first(boxes, open_page, keep_saying):
    for name in ("a/one", "b/two", "c/three", "d/four"):
        boxes.status(name)
        keep_saying[name] = CALM
    time.sleep(0.5)
    del keep_saying["d/four"]
    boxes.alert("c/three", "rising-anger", "Somebody should step in.")
    boxes.status("d/four", "offline")
    page = open_page()
    page.wait("document.querySelectorAll('.tile').length === 4")
    page.wait_for_text("1 with an alert", ".tally")
    page.wait_for_text("3 live", ".tally")
    page.wait_for_text("1 offline", ".tally")
    names = page.js("[...document.querySelectorAll('.tile h2')].map(e => e.textContent)")
    assert names == ["c / three", "d / four", "a / one", "b / two"]
    del keep_saying["b/two"]
    boxes.close_box("b/two")
    page.wait("document.querySelectorAll('.tile').length === 3", "the box that was taken away")


def test_before_any_box_speaks_the_page_says_so(open_page):
    page = open_page()
    page.wait_for_text("No box heard yet")


EVIL = "<img src=x onerror=window.pwned=1><script>window.pwned=1</script>"


def test_what_a_stranger_sends_never_becomes_part_of_the_page(boxes, open_page, keep_saying):
    site, device = "<img src=x onerror=alert(1)>", "'\"><svg onload=alert(1)>"
    name = f"{site}/{device}"
    boxes.status(name)
    keep_saying[name] = HAPPY
    about = dict.fromkeys(("purpose", "setting", "contact", "legal_basis", "exception"), EVIL)
    about |= {"sensed": [EVIL], "models": [{"name": EVIL, "sha256": EVIL}, 7], "alerts": {"a": 1}}
    about |= {"leak_ceiling": [EVIL], "software": {"version": EVIL}, "unvalidated": EVIL}
    boxes.send(name, "about", about)
    boxes.send(name, "health", {"mqtt": EVIL, "sensing": {"microphone": EVIL}, "queue": EVIL})
    boxes.send(name, "alert/<b>x", {"state": "raised", "message": EVIL, "severity": EVIL})
    boxes.send(name, "marker", {"time": "2026-01-01T00:00:00Z", "text": EVIL})
    event = {"event": EVIL, "phase": "start", "time": "2026-01-01T00:00:00Z"}
    boxes.send(name, "event", event)
    vector = {"time": "2026-01-01T00:00:00Z", "sequence": 1, "abstained": EVIL, "people": EVIL}
    boxes.send("x/abstains", "status", "online")
    boxes.send("x/abstains", "affect", {**vector, "sensing": {"camera": EVIL}, "clock_synced": 0})
    page = open_page()
    page.wait("document.querySelectorAll('.tile').length === 2")
    page.wait_for_text("<img src=x onerror=alert(1)>", "ul.boxes")
    page.js(
        "[...document.querySelectorAll('.tile a')].find(a => /svg/.test(a.textContent)).click()"
    )
    page.wait_for_text(EVIL, "[aria-labelledby=about]")
    page.wait_for_text(EVIL, ".alerts")
    page.js("document.querySelector('details').open = true")
    page.js("location.hash = '#/box/x/abstains'")
    page.wait_for_text("No statement (<img", ".said")
    bad = "document.querySelectorAll('img, iframe, script:not([src]), svg[onload]').length"
    assert page.js(bad) == 0
    assert page.js("window.pwned") is None


def test_messages_that_are_no_messages_leave_the_page_as_it_was(boxes, open_page, keep_saying):
    boxes.status(BOX)
    boxes.health(BOX)
    keep_saying[BOX] = HAPPY
    page = open_page()
    page.wait(SPOT)
    for topic in ("affect", "event", "alert/x", "about", "health", "marker", "status"):
        for data in (b"\xff\xfe", "[]", "{}", '{"time": 1e999}', "null", "x" * 70_000):
            if topic not in ("about", "health") or data != "{}":
                boxes.send(BOX, topic, data)
    page.wait_for_text("Messages not understood")
    assert page.text(HEADLINE) == "Mainly happiness"
    assert page.text("#link") == "Broker connected"
