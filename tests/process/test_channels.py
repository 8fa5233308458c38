"""One channel of a recorded call: what the other one holds is neither read nor told.

The agent's channel holds a tone that the rule for screams takes for one, the customer's is quiet.
"""

import json
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

RATE = 16_000
AGENT, CUSTOMER, BOTH = 1, 2, 0
SETTINGS = """
[deployment]
setting = "{setting}"
[audio]
channel = {channel}
[events]
experimental = true
"""


@pytest.fixture(scope="module")
def call(tmp_path_factory) -> Path:
    time_s = np.arange(5 * RATE) / RATE
    tone = sum(np.sin(2 * np.pi * 1_500 * k * time_s) for k in range(1, 6))
    agent = np.where(time_s > 1.5, 0.05 * tone, 0.0)
    customer = 0.0005 * np.random.default_rng(1).standard_normal(time_s.size)
    frames = np.stack([agent, customer], axis=1)
    path = tmp_path_factory.mktemp("call") / "call.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.rint(frames * 32_767).astype("<i2").tobytes())
    return path


def screaming(call: Path, folder: Path, setting: str, channel: int) -> list[float]:
    """The levels of screaming that a replay tells, tick by tick."""
    config = folder / f"{setting}-{channel}.toml"
    config.write_text(SETTINGS.format(setting=setting, channel=channel))
    done = subprocess.run(
        [sys.executable, "-m", "edge_affect", "replay", "--audio", str(call), "--fast", "--json",
         "--config", str(config)],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    levels = [json.loads(line)["events"]["screaming"] for line in done.stdout.splitlines()]
    return [level for level in levels if level is not None]


def test_a_contact_centre_hears_the_customer_and_not_the_agent(call, tmp_path):
    customer = screaming(call, tmp_path, "contact-centre", CUSTOMER)
    assert len(customer) >= 3
    assert max(customer) == 0.0
    assert max(screaming(call, tmp_path, "contact-centre", AGENT)) >= 0.5


def test_elsewhere_channels_may_be_mixed(call, tmp_path):
    assert max(screaming(call, tmp_path, "home", BOTH)) >= 0.5
    assert max(screaming(call, tmp_path, "home", CUSTOMER)) == 0.0
