"""The table of derived states: what ships is sound, and what is not is refused by name."""

import pytest

from edge_affect.config import Config
from edge_affect.errors import ManifestError
from edge_affect.publishing.about import about_payload
from edge_affect.record import STATES
from edge_affect.states import FILE, SIGNALS, Evidence, load_states

SHIPPED = FILE.read_text(encoding="utf-8")


def test_the_shipped_table_has_every_state_in_order_and_uses_every_signal():
    table = load_states()
    assert tuple(state.name for state in table.states) == STATES
    used = {item.signal for state in table.states for item in state.evidence}
    assert used == set(SIGNALS)


def test_about_names_every_state_that_is_not_validated():
    told = about_payload(Config(), ())
    named = [name for key in ("unvalidated", "not_sensed") for name in told[key]]
    for state in load_states().states:
        assert (f"states.{state.name}" in named) is not state.validated
        assert (f"states.{state.name}" in told["not_sensed"]) is not state.is_sensed


def test_a_state_can_rest_on_what_nobody_shows_only_by_at_least_its_smallest_weight():
    for state in load_states().states:
        if state.evidence:
            assert state.min_weight <= sum(item.weight for item in state.evidence), state.name


def test_a_ramp_runs_both_ways_and_stops_at_its_ends():
    up, down = Evidence("furrow", 0.2, 0.6, 1.0), Evidence("furrow", 0.6, 0.2, 1.0)
    values = (0.0, 0.2, 0.4, 0.6, 1.0)
    assert [up.shown(v) for v in values] == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0])
    assert [down.shown(v) for v in values] == pytest.approx([1.0, 1.0, 0.5, 0.0, 0.0])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[incongruence]", "[irony]", "[incongruence] is missing"),
        ('signal = "furrow"', 'signal = "frown"', "'frown' is no signal"),
        ('signal = "tilt_deg"', 'signal = "furrow"', "a signal is named twice"),
        ("weight = 2.5", "weight = 0.0", "weight must be above 0"),
        ("weight = 2.5", "weight = true", "'weight' must be a number"),
        ("at_0 = 0.25\nat_1 = 0.8", "at_0 = 0.8\nat_1 = 0.8", "at_0 and at_1 must differ"),
        ("half_life_s = 0.8", "half_life_s = -1.0", "half_life_s not below"),
        ("half_life_s = 0.8", "halflife_s = 0.8", "unknown key 'halflife_s'"),
        ("validated = false", 'validated = "no"', "'validated' must be true or false"),
        ("on_deg = 15.0", "on_deg = 50.0", "on_deg must be below away_deg"),
        ("shut = 0.05", "shut = 0.5", "shut must be below open"),
        ("head_share = 0.689", "head_share = 0.0", "head_share must be above 0"),
        ("gaze_gain = 0.5", "gaze_gain = 2.0", "gaze_gain must be from 0 to 1"),
        ("within = 4.714", "within = 0.0", "within must be above 0"),
        ("memory_s = 120.0", "memory_s = 0.0", "the times of [normal] must be above 0"),
        ("face_age_s = 1.0", "face_age_s = 0.0", "ages must be above 0"),
        ("face_age_s = 1.0", "face_age_s = nan", "'face_age_s' must be a finite number"),
        ("slope = -1.0", "slope = 1.0", "slope must not be above 0"),
        ("bias = -2.0\n", "", "wants a bias"),
        ("[ages]", "[ages", "not valid TOML"),
        ("[ages]", "[sizes]\na = 1\n[ages]", "unknown key 'sizes'"),
    ],
)
def test_a_wrong_table_is_refused_with_the_place_and_the_reason(tmp_path, old, new, sentence):
    assert old in SHIPPED
    path = tmp_path / "states.toml"
    path.write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ManifestError) as raised:
        load_states(path)
    assert sentence in str(raised.value)
    assert str(path) in str(raised.value)


def test_what_is_not_computed_cannot_be_called_validated(tmp_path):
    path = tmp_path / "states.toml"
    head, tail = SHIPPED.split("[incongruence]")
    tail = 'validated = true\nwhy = "Because."\n'
    path.write_text(f"{head}[incongruence]\n{tail}", encoding="utf-8")
    with pytest.raises(ManifestError, match="cannot be validated"):
        load_states(path)


def test_a_table_that_is_not_there_is_told():
    with pytest.raises(ManifestError, match=r"none\.toml"):
        load_states(FILE.with_name("none.toml"))
