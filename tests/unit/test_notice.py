"""The notice for the wall: the same in every language, true to the configuration, printable."""

import re
import shutil
import string
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from edge_affect import cli, config, record
from edge_affect.errors import ConfigError, ExitCode
from edge_affect.notice import code
from edge_affect.notice.content import notice
from edge_affect.notice.page import page
from edge_affect.notice.sheet import FONT_FILES, Lettering, sheet
from edge_affect.notice.texts import EN, LANGUAGES, Texts

BOX = """\
[deployment]
setting = "classroom"
jurisdiction = "US"
purpose = "Pace of the lesson <b>&</b> noise"
contact = "privacy@school.example.org"
legal_basis = "Consent of the guardians"
[consent]
hours = "mon-fri 08:00-13:00"
time_zone = "America/New_York"
[publish]
tick_hz = 2.0
"""


def settings(text=BOX):
    return config.parse(text)


def placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_languages_are_in_step():
    """Every sentence is there in every language, says the same figures, and is translated."""
    n_compared = 0
    for language, texts in LANGUAGES.items():
        for item in fields(Texts):
            text, english = getattr(texts, item.name), getattr(EN, item.name)
            assert text, (language, item.name)
            if isinstance(text, tuple):
                assert len(text) == len(english) == 7
                continue
            n_compared += 1
            assert placeholders(text) == placeholders(english), (language, item.name)
            if texts is not EN and item.name != "hours_text":
                assert text != english, (language, item.name)
    assert n_compared == len(LANGUAGES) * (len(fields(Texts)) - 1)
    assert set(LANGUAGES) == {"en", "de", "zh"}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_notice_says_what_the_configuration_says(language):
    told = notice(settings(), LANGUAGES[language])
    text = " ".join(line for section in told.sections for line in section.lines)
    ceiling = f"{record.leak_ceiling_bits_per_s(2.0):.0f}"
    numbers = (ceiling, str(record.SIZE_BYTES), str(config.GROUP_MIN_PEOPLE))
    texts = ("Pace of the lesson", "Consent of the guardians", "08:00-13:00", "America/New_York")
    for fact in (*numbers, *texts):
        assert fact in text, fact
    assert re.search(r"(?<!\d)0 (seconds|Sekunden|秒)", text)
    assert told.contact == "privacy@school.example.org"
    assert [section.heading for section in told.sections] == [
        getattr(LANGUAGES[language], name)
        for name in ("purpose", "measured", "leaves", "never", "retention", "ceiling", "hours",
                     "legal_basis", "rights")
    ]  # fmt: skip


def test_what_is_not_so_is_not_said():
    text = BOX.replace('"classroom"', '"home"').split("[consent]")[0].split("legal_basis")[0]
    told = notice(settings(text + '[video]\nsource = "none"'), EN)
    headings = [section.heading for section in told.sections]
    assert EN.hours not in headings
    assert EN.legal_basis not in headings
    lines = [line for section in told.sections for line in section.lines]
    assert EN.measured_face not in lines
    assert EN.measured_voice in lines
    assert not any("fewer than" in line for line in lines)


def test_noisy_values_are_said_to_change_every_ten_minutes():
    for texts in LANGUAGES.values():
        noisy = page(notice(settings(BOX + "[privacy]\naggregate_epsilon = 1.0\n"), texts))
        told = texts.leaves_noisy.format(noise_min=10, min_people=5)
        assert told in noisy
        assert told not in page(notice(settings(), texts))


def test_a_declared_exception_is_told():
    told = notice(settings(BOX.replace("[consent]", 'exception = "medical"\n[consent]')), EN)
    assert EN.exception_medical in [line for s in told.sections for line in s.lines]


def test_the_page_escapes_and_needs_no_other_file():
    told = notice(settings(), EN)
    text = page(told, code.svg(told.link))
    assert "&lt;b&gt;&amp;&lt;/b&gt;" in text
    assert "<b>" not in text
    assert not re.findall(r"(?:src|href)=|@import|url\(", text)
    assert text.count("<svg") == 2
    assert page(told).count("<svg") == 1


def pdf_text(data, tmp_path):
    path = tmp_path / "notice.pdf"
    path.write_bytes(data)
    return subprocess.run(
        ["pdftotext", "-raw", path, "-"], check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_the_sheet_holds_every_heading_as_text(language, tmp_path):
    told = notice(settings(), LANGUAGES[language])
    data = sheet(told, Lettering(), code.modules(told.link))
    text = re.sub(r"\s+", "", pdf_text(data, tmp_path))
    for section in told.sections:
        assert re.sub(r"\s+", "", section.heading) in text
    assert data.count(b"/Type /Page\n") == 1


def picture(data, tmp_path):
    """The sheet as poppler renders it: grey rows."""
    (tmp_path / "n.pdf").write_bytes(data)
    subprocess.run(
        ["pdftoppm", "-gray", "-r", "40", tmp_path / "n.pdf", tmp_path / "n"], check=True
    )
    (file,) = tmp_path.glob("n-*.pgm")
    return file.read_bytes()


def test_chinese_is_embedded_and_drawn(tmp_path):
    """Different characters look different: a font without them would draw boxes, all the same."""
    assert any(path.is_file() for path in FONT_FILES), "install fonts-droid-fallback"
    lettering = Lettering()
    assert lettering.is_embedded
    pictures = set()
    for word in ("目的", "测量", "联系", "时间"):
        text = BOX.replace("Pace of the lesson <b>&</b> noise", word)
        folder = tmp_path / word
        folder.mkdir()
        data = sheet(notice(settings(text), EN), lettering)
        assert b"FontFile2" in data
        pictures.add(picture(data, folder))
    assert len(pictures) == 4


def test_without_a_font_the_viewer_s_own_is_named(monkeypatch):
    monkeypatch.setattr("edge_affect.notice.sheet.FONT_FILES", ())
    lettering = Lettering()
    assert not lettering.is_embedded
    data = sheet(notice(settings(), LANGUAGES["zh"]), lettering)
    assert b"STSong-Light" in data
    assert b"FontFile" not in data


def test_the_code_is_what_a_telephone_reads(tmp_path):
    if shutil.which("zbarimg") is None:
        pytest.fail("zbarimg is not installed; tools/setup.sh dev installs zbar-tools")
    told = notice(settings(), LANGUAGES["zh"])
    (tmp_path / "n.pdf").write_bytes(sheet(told, Lettering(), code.modules(told.link)))
    subprocess.run(
        ["pdftoppm", "-png", "-r", "110", tmp_path / "n.pdf", tmp_path / "n"], check=True
    )
    (file,) = tmp_path.glob("n-*.png")
    read = subprocess.run(["zbarimg", "-q", "--raw", file], check=True, capture_output=True)
    assert read.stdout.decode().strip() == "mailto:privacy@school.example.org"


def run(*words):
    return cli.main(["notice", *map(str, words)])


def test_the_command_writes_both_kinds(tmp_path, capsys):
    box = tmp_path / "box.toml"
    box.write_text(BOX)
    for name in ("n.html", "n.pdf"):
        assert run("--qr", "--lang", "de", "--config", box, "--out", tmp_path / name) == 0
    assert "Emotionserkennung" in (tmp_path / "n.html").read_text()
    assert (tmp_path / "n.pdf").read_bytes().startswith(b"%PDF")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "options", "status_and_message"),
    [
        (BOX, ["--out", "n.docx"], (ExitCode.USAGE, "must end in .html or .pdf")),
        (BOX, ["--out", "no/n.pdf"], (ExitCode.CANNOT_WRITE, "cannot be written")),
        (BOX.replace("privacy@school.example.org", ""), ["--out", "n.html"],
         (ExitCode.CONFIGURATION, "[deployment] contact is not set")),
        (BOX.replace("Pace", "Pace " * 800), ["--out", "n.pdf"],
         (ExitCode.CONFIGURATION, "too long for one sheet")),
        (BOX.replace("Pace", "\U0001f600"), ["--out", "n.pdf"], (ExitCode.BAD_DATA, "--font")),
        (BOX, ["--out", "n.pdf", "--font", "no.ttf"], (ExitCode.INPUT_MISSING, "no font file")),
        (BOX, ["--out", "n.pdf", "--font", "box.toml"], (ExitCode.BAD_DATA, "cannot be embedded")),
        (BOX.replace("privacy@", "x" * 3000 + "@"), ["--out", "n.html", "--qr"],
         (ExitCode.CONFIGURATION, "too many for a QR code")),
    ],
)  # fmt: skip
def test_wrong_input_ends_in_one_sentence(
    tmp_path, monkeypatch, capsys, text, options, status_and_message
):
    status, message = status_and_message
    monkeypatch.chdir(tmp_path)
    Path("box.toml").write_text(text)
    assert run("--config", "box.toml", *options) == status
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1


def test_nothing_sensed_is_nothing_to_tell():
    text = BOX + '[audio]\nsource = "none"\n[video]\nsource = "none"\n'
    with pytest.raises(ConfigError, match="both off"):
        notice(settings(text), EN)
