"""One alert rule, tick by tick."""

from dataclasses import replace

import pytest
from alert_parts import NOBODY, RULE, STEPS, angry, named, ns, play, with_event, with_state

from edge_affect.alert_settings import SIGNALS, AlertStep, QuietHours
from edge_affect.alerting.board import AlertBoard
from edge_affect.alerting.signals import has_people, signal
from edge_affect.alerting.watch import AlertWatch, Change, Reason
from edge_affect.record import EVENTS, EXPRESSIONS, STATES, AffectRecord, Modality, People

CALM, HOT, BAND = angry(0.1), angry(0.8), angry(0.5)


def test_it_is_raised_after_the_dwell_escalates_if_it_lasts_and_clears():
    _, told = play(named(), [CALM] * 5 + [HOT] * 20 + [CALM] * 5)
    assert told == [
        (8.0, "raised", None), (18.0, "escalated", None), (27.0, "cleared", "over"),
    ]  # fmt: skip


def test_one_tick_short_of_the_dwell_raises_nothing():
    assert play(named(), [CALM] + [HOT] * 3 + [BAND] + [HOT] * 3 + [CALM] * 9)[1] == []
    assert len(play(named(), [CALM] + [HOT] * 4 + [CALM] * 9)[1]) == 2


def test_a_level_between_both_thresholds_neither_raises_nor_clears():
    assert play(named(), [BAND] * 100)[1] == []
    _, told = play(named(), [HOT] * 4 + [BAND] * 100)
    assert told == [(3.0, "raised", None), (13.0, "escalated", None)]


def test_a_short_dip_does_not_clear_and_does_not_count_as_lasting():
    records = [HOT] * 4 + [CALM, CALM, HOT] * 8
    _, told = play(named(), records)
    # Time counts from one tick beyond "clear" directly to the next, and here there is none.
    assert told == [(3.0, "raised", None)]


def test_after_clearing_it_waits():
    records = [HOT] * 4 + [CALM] * 3 + [HOT] * 40
    _, told = play(named(), records)
    cleared_s = told[1][0]
    assert told[1][1:] == ("cleared", "over")
    assert told[2] == (cleared_s + 20.0, "raised", None)


def test_unknown_stops_the_clock_of_the_dwell():
    _, told = play(named(), [HOT] * 2 + [NOBODY] * 3 + [HOT] * 10)
    # 1 s before, nothing across the gap of 4 s, and 2 s after it.
    assert told[0] == (7.0, "raised", None)


def test_a_pause_for_breath_does_not_stop_the_clock():
    assert play(named(), [HOT, NOBODY] * 5)[1][0] == (4.0, "raised", None)
    assert play(named(), [HOT, NOBODY, None] * 5)[1][0] == (3.0, "raised", None)
    assert play(named(), [HOT, NOBODY, None, NOBODY] * 5)[1] == []


def test_long_unknown_drops_what_was_pending():
    _, told = play(named(), [HOT] * 3 + [NOBODY] * 6 + [HOT] * 10)
    assert told[0] == (12.0, "raised", None)


@pytest.mark.parametrize("nothing", [None, NOBODY], ids=["no-record", "abstention"])
def test_a_raised_alert_outlives_a_short_gap_and_is_cleared_by_a_long_one(nothing):
    _, told = play(named(), [HOT] * 5 + [nothing] * 4 + [HOT] * 3)
    assert told == [(3.0, "raised", None)]
    watch, told = play(named(), [HOT] * 5 + [nothing] * 9)
    assert told == [(3.0, "raised", None), (9.0, "cleared", "no-data")]
    assert watch.state.level is None


def test_unknown_never_raises_and_null_states_raise_nothing():
    rule = named(signals=("attention",), direction="below", threshold=0.5, clear=0.6)
    assert play(rule, [NOBODY, None, CALM, HOT] * 50)[1] == []


def test_a_hole_in_the_ticks_is_no_dwell():
    watch = AlertWatch(named(), 0)
    assert watch.step(ns(0), HOT) is None
    assert watch.step(ns(60), HOT) is None
    assert watch.step(ns(61), HOT) is None
    assert watch.step(ns(64), HOT).kind is Change.RAISED
    assert watch.step(ns(160), HOT).state.reason is Reason.NO_DATA


def test_below_works_like_above():
    rule = named(
        signals=("attention",), direction="below", threshold=0.3, clear=0.5, refractory_s=0.0
    )
    high, low, band = (with_state("attention", v) for v in (0.9, 0.1, 0.4))
    _, told = play(rule, [high] * 3 + [low] * 5 + [band] * 5 + [high] * 4)
    assert told == [(6.0, "raised", None), (15.0, "cleared", "over")]


def test_a_change_is_asked_for_where_the_rule_says_so():
    rule = named(change=0.3, change_over_s=10.0)
    assert play(rule, [HOT] * 60)[1] == []
    assert play(rule, [CALM] * 30 + [HOT] * 10)[1][0] == (33.0, "raised", None)
    # Slower than change_over_s allows is no rise.
    slow = [angry(level / 15) for level in range(16) for _ in range(20)]
    assert play(rule, slow)[1] == []


def test_smoothing_lets_a_spike_pass():
    rule = named(dwell_s=0.0, smooth_half_life_s=3.0)
    assert play(rule, [CALM] * 10 + [HOT] + [CALM] * 10)[1] == []
    assert play(rule, [CALM] * 10 + [HOT] * 9)[1][0][1] == "raised"
    assert play(named(dwell_s=0.0), [CALM] * 10 + [HOT] + [CALM] * 10)[1] != []


def test_people_must_be_present_where_the_rule_says_so():
    rule = named(min_people=5)
    for people in (None, People.ONE, People.FEW):
        assert play(rule, [angry(0.8, people)] * 10)[1] == []
    assert play(rule, [angry(0.8, People.GROUP)] * 10)[1][0][0] == 3.0
    gone = [angry(0.8, People.GROUP)] * 5 + [angry(0.8, People.FEW)] * 9
    assert play(rule, gone)[1][-1] == (9.0, "cleared", "no-data")


def test_effects_follow_the_level_at_once():
    rule = named(
        RULE, (AlertStep(0.0, "info", "Laughter."),), signals=("laughter",), threshold=0.5,
        clear=0.17, dwell_s=0.0, clear_after_s=0.0, refractory_s=0.0, follow=True,
    )  # fmt: skip
    levels = [0, 0.5, 0.5, 1.0, 0.33, 0, 0.67]
    _, told = play(rule, [with_event("laughter", level) for level in levels], tick_s=0.2)
    assert [kind for _, kind, _ in told] == ["raised", "level", "level", "cleared", "raised"]
    assert [round(at_s, 1) for at_s, _, _ in told] == [0.2, 0.6, 0.8, 1.0, 1.2]


def test_quiet_hours_clear_and_hold_back_but_not_where_it_is_grave():
    records = [HOT] * 20
    _, told = play(named(), records, quiet=set(range(5, 10)))
    assert told[:2] == [(3.0, "raised", None), (5.0, "cleared", "quiet-hours")]
    assert play(named(refractory_s=0.0), records, quiet=set(range(9)))[1][0] == (
        9.0,
        "raised",
        None,
    )
    grave = named(ignore_quiet_hours=True)
    assert play(grave, records, quiet=set(range(20)))[1][0] == (3.0, "raised", None)


def test_the_board_knows_the_hour_or_speaks():
    night = QuietHours(22 * 60, 6 * 60)
    for minute, expected in ((23 * 60, 0), (12 * 60, 1), (None, 1)):
        board = AlertBoard([named(dwell_s=0.0)], night, 0)
        assert len(board.step(ns(1), HOT, minute)) == expected


def test_the_end_clears_what_is_raised_and_nothing_else():
    board = AlertBoard([named(dwell_s=0.0), replace(named(threshold=0.9), name="other")], None, 0)
    board.step(ns(1), HOT)
    (change,) = board.stop(ns(2))
    assert (change.state.name, change.state.reason) == ("test", Reason.STOPPED)
    assert board.stop(ns(3)) == ()
    assert [state.is_raised for state in board.states] == [False, False]


def test_several_signals_count_as_the_one_nearest_to_alarm():
    rule = named(signals=("anger", "anxiety"), dwell_s=0.0)
    assert play(rule, [with_state("anxiety", 0.9)])[1]
    assert play(rule, [HOT])[1]
    assert not play(rule, [with_state("anxiety", 0.2)])[1]


def test_every_signal_reads_its_field():
    full = AffectRecord(
        expressions=(0, 0, 0, 6, 3, 0, 6, 0), valence=-15, arousal=15, valence_relative=0,
        arousal_relative=3, states=(14, 7, 0, 14, 7, 0), events=(6, 3, 0, 0, 3), polarity=-3,
        phrases=(1, 0, 0, 0, 0, 0, 0, 1), modalities=Modality.VOICE, speech_share=3,
    )  # fmt: skip
    read = {name: signal(name, full) for name in SIGNALS}
    assert read["sadness"] == pytest.approx(0.4)
    assert (read["valence"], read["arousal"], read["arousal_relative"]) == (-1.0, 1.0, 0.2)
    assert [read[name] for name in STATES] == [1.0, 0.5, 0.0, 1.0, 0.5, 0.0]
    assert [read[name] for name in EVENTS] == [1.0, 0.5, 0.0, 0.0, 0.5]
    assert (read["polarity"], read["speech_share"]) == (-1.0, 0.5)
    assert [read[f"phrase_{n}"] for n in (1, 2, 8)] == [1.0, 0.0, 1.0]
    assert read["distress"] == pytest.approx(0.8)
    assert all(-1.0 <= value <= 1.0 for value in read.values())
    empty = {name: signal(name, NOBODY) for name in SIGNALS if not name.startswith("phrase")}
    assert set(empty.values()) == {None}
    assert len(empty) == len(EXPRESSIONS) + 4 + len(STATES) + len(EVENTS) + 3
    assert signal("distress", with_event("crying", 1.0)) == 1.0
    assert signal("distress", with_event("crying", 0.33)) is None
    assert signal("distress", angry(1.0)) == 0.0


def test_people_are_counted_from_the_lower_edge_of_their_bucket():
    assert has_people(angry(0, None), 0) is True
    assert has_people(angry(0, None), 1) is None
    assert [has_people(angry(0, people), 3) for people in People] == [False] * 3 + [True] * 3


def test_steps_are_told_one_by_one():
    rule = named(steps=(*STEPS, AlertStep(11.0, "urgent", "Still.")))
    told = play(rule, [HOT] * 30)[1]
    assert [at_s for at_s, kind, _ in told if kind == "escalated"] == [13.0, 14.0]
