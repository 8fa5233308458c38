"""What the documents say of the product is what the product does."""

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from edge_affect import cli, record
from edge_affect.publishing.payload import Stamp, affect_payload

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
PRIVACY = (ROOT / "PRIVACY.md").read_text()


@pytest.mark.parametrize("text", [README, PRIVACY], ids=["README", "PRIVACY"])
def test_the_leak_ceiling_is_told_as_it_is(text):
    assert f"{record.count_valid_records():,}" in " ".join(text.split())
    assert f"{record.leak_ceiling_bits_per_s(1.0):.2f} bits" in text
    assert f"{record.leak_ceiling_bits_per_s(5.0):.1f} at the fastest" in text


def test_every_command_is_in_the_readme():
    for name in cli.COMMANDS:
        assert re.search(rf"`(edge-affect )?{name}\b", README), name


def test_every_link_leads_somewhere():
    n_links = 0
    for document in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("models_tflite/*.md"),
    ]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            n_links += 1
            assert (document.parent / target).exists(), f"{document.name}: {target}"
    assert n_links > 10


def test_the_message_in_the_readme_is_what_its_bytes_say():
    digits = re.search(r"^((?:[0-9a-f]{2} ?){18})$", README, re.MULTILINE)
    assert digits is not None
    message = json.loads(re.search(r"```json\n(.+?)```", README, re.DOTALL).group(1))
    moment = datetime.fromisoformat(message["time"].replace("Z", "+00:00"))
    stamp = Stamp(round(moment.timestamp() * 1000), message["clock_synced"], message["sequence"])
    shown = record.decode(bytes.fromhex(digits.group(1)))
    assert shown.abstained is record.AbstainReason.NONE
    assert affect_payload(shown, stamp) == message


def test_every_decision_has_a_number_of_its_own():
    files = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    numbers = [int(path.name[:4]) for path in files]
    assert len(numbers) > 40
    assert len(numbers) == len(set(numbers))
    for number, path in zip(numbers, files, strict=True):
        assert path.read_text().startswith(f"# {number}. "), path.name


def test_decisions_that_are_spoken_of_exist():
    numbers = {int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md")}
    n_mentions = 0
    for text in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("edge_affect/**/*.py")]:
        for number in re.findall(r"\bdecision (\d+)\b", text.read_text()):
            n_mentions += 1
            assert int(number) in numbers, f"{text.name}: decision {number}"
    assert n_mentions > 20
