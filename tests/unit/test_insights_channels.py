"""Whose channel is analysed: only the customer's, and only where it is one."""

import numpy as np
import pytest
from recordings import RATE_HZ, call, silence, voice, write

from edge_affect.capture.media_channels import is_side_of_call
from edge_affect.config import parse
from edge_affect.errors import ConfigError, PolicyError, UsageError
from edge_affect.insights.channels import Channel, chosen_channel, parse_channel
from edge_affect.privacy import policy

PLACE = '[deployment]\nsetting = "{}"\njurisdiction = "{}"\npurpose = "p"\ncontact = "c"\n{}'


def place(setting, jurisdiction="EU", more=""):
    return parse(PLACE.format(setting, jurisdiction, more))


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("left", Channel(1)), ("RIGHT", Channel(2)), ("7", Channel(7)),
        ("customer=left", Channel(1, "customer")), ("Customer = 2", Channel(2, "customer")),
    ],
)  # fmt: skip
def test_channels_have_names_and_numbers(text, channel):
    assert parse_channel(text) == channel


@pytest.mark.parametrize(
    "text", ["", "0", "33", "middle", "=left", "somebody=left", "customer=", "²"]
)
def test_what_is_no_channel_is_refused(text):
    with pytest.raises(UsageError, match="customer=left"):
        parse_channel(text)


@pytest.mark.parametrize("text", ["employee=left", "agent=right", "Agent=1"])
@pytest.mark.parametrize("setting", ["contact-centre", "home"])
def test_an_employees_channel_is_refused_everywhere(text, setting):
    with pytest.raises(PolicyError, match="only the customer's channel") as refused:
        chosen_channel(text, place(setting))
    assert refused.value.exit_code == 80


def test_a_contact_centre_must_say_which_channel_is_the_customers():
    centre = place("contact-centre")
    with pytest.raises(ConfigError, match="customer"):
        chosen_channel(None, centre)
    with pytest.raises(ConfigError, match="customer=right"):
        chosen_channel("right", centre)
    assert chosen_channel("customer=right", centre) == Channel(2, "customer")
    declared = place("contact-centre", more="[audio]\nchannel = 2\n")
    assert chosen_channel(None, declared) == Channel(2, "customer")
    assert chosen_channel("right", place("home")) == Channel(2)


@pytest.mark.parametrize(
    ("setting", "jurisdiction", "more", "error"),
    [
        ("classroom", "EU", "", PolicyError),
        ("workplace", "EU", "", PolicyError),
        ("workplace", "EU", 'exception = "safety"', None),
        ("classroom", "US", "", None),
        ("home", "EU", "[privacy]\naggregate_epsilon = 0.5\n", ConfigError),
        ("home", "", "", ConfigError),
        ("home", "EU", "[insights]\nphrases = true\n", ConfigError),
        ("home", "EU", 'legal_basis = "consent"\n[insights]\nphrases = true\n', None),
    ],
)
def test_the_rules_of_a_place_hold_for_its_recordings(setting, jurisdiction, more, error):
    settings = place(setting, jurisdiction, more)
    if error is None:
        policy.check_recordings(settings)
    else:
        with pytest.raises(error):
            policy.check_recordings(settings)


def test_without_a_declaration_no_rule_applies():
    policy.check_recordings(parse(""))


def side(tmp_path, samples, channel=1, rate_hz=RATE_HZ):
    return is_side_of_call(write(tmp_path / "x.wav", samples, rate_hz), channel)


def test_the_sides_of_a_call_are_told_from_mixes(tmp_path):
    sides = call(16.0)
    assert side(tmp_path, sides, 1)
    assert side(tmp_path, sides, 2)
    mixed = sides.mean(axis=1)
    assert not side(tmp_path, mixed)
    assert not side(tmp_path, np.stack([mixed, mixed], axis=1))
    assert not side(tmp_path, np.stack([mixed, mixed * 0.3], axis=1))
    noisy = mixed + np.random.default_rng(1).standard_normal(mixed.size) * 1e-3
    assert not side(tmp_path, np.stack([mixed, noisy], axis=1))


def test_a_side_that_is_faintly_heard_on_the_other_channel_stays_a_side(tmp_path):
    sides = call(16.0)
    assert side(tmp_path, sides + 0.1 * sides[:, ::-1])


def test_only_the_chosen_channel_must_differ_and_from_every_other(tmp_path):
    sides = call(16.0)
    three = np.column_stack([sides[:, 0], sides[:, 1], sides[:, 1]])
    assert side(tmp_path, three, 1)
    assert not side(tmp_path, three, 2)
    assert not side(tmp_path, sides, 3)


def test_a_ring_on_both_channels_does_not_make_a_mix(tmp_path):
    ring = np.repeat(voice(6.0)[:, None], 2, axis=1)
    assert side(tmp_path, np.concatenate([ring, call(24.0)]))


def test_silence_has_no_sides_to_hide(tmp_path):
    assert side(tmp_path, np.zeros((RATE_HZ, 2)))
    assert not side(tmp_path, silence(2.0))
