"""What is said in Chinese is what is said in English: the README, and the words that all share.

Each table of sentences (notice, page, reports) has its own test of keys and places. Here stands
what goes across: the two README files, block by block; that every table there is speaks Chinese
and writes it alike; and that the README calls things as the page does.
"""

import importlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGLISH = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh.md").read_text("utf-8")

# Every heading of README.md and what it is called in README.zh.md, in their order.
HEADINGS = {
    "# edge-affect": "# edge-affect",
    "## What leaves the box": "## 什么会离开设备",
    "## How it works": "## 工作原理",
    "## Use it": "## 使用",
    "## Mute, consent, and the notice for the wall": "## 停用、同意和墙上的告示",
    "## Install on a board": "## 安装到开发板",
    "## First figures": "## 首批数字",
    "## Limits, and consent": "## 局限与同意",
    "## For developers": "## 面向开发者",
}
# Chinese for the units of figures; symbols such as ms, kB and Hz stay as they are.
UNITS = {
    "比特": "bit",
    "字节": "byte",
    "个百分点": "point",
    "小时": "hour",
    "分钟": "minute",
    "秒": "s",
}
# What only readers in China need, and may say in figures of its own.
ONLY_CHINESE = re.compile(r"<!-- only in Chinese -->.*?<!-- end -->\n", re.DOTALL)
# A command of README.zh.md that the English text has no reason to give: Chinese instead of German.
ONLY_CODE = Counter({"--lang zh": 1})

HAN = r"[\u3400-\u9fff]"
FIGURE = re.compile(
    r"(?<![A-Za-z0-9_.,])(\d(?:[\d,]*\d)?(?:\.\d+)?)"
    rf"\s?(%|(?:ms|kB|MB|GB|Hz|px|dB|s|bit|byte|point|hour|minute)(?=s?(?![A-Za-z]))|{'|'.join(UNITS)})?"
)


@dataclass(frozen=True)
class Block:
    """A heading, paragraph, list item, row of a table, picture or piece of code.

    Attributes:
        kind: ``#``, ``##``, ``text``, ``item``, ``row 4`` (with its number of cells) or ``code``.
        text: As it stands in the file.
    """

    kind: str
    text: str


def blocks(markdown: str) -> list[Block]:
    """Return the blocks of a document in their order."""
    found: list[Block] = []
    code: list[str] | None = None
    fresh = True
    for line in markdown.splitlines():
        if line.startswith("```"):
            if code is None:
                code = [line]
                continue
            found.append(Block("code", "\n".join([*code, line])))
            code, fresh = None, True
        elif code is not None:
            code.append(line)
        elif not line.strip():
            fresh = True
        elif heading := re.match(r"#+(?= )", line):
            found.append(Block(heading.group(), line))
            fresh = True
        elif line.startswith("|"):
            found.append(Block(f"row {line.count('|') - 1}", line))
        elif line.startswith(("- ", "* ")) or re.match(r"\d+\. ", line):
            found.append(Block("item", line))
            fresh = False
        elif fresh:
            found.append(Block("text", line))
            fresh = False
        else:
            last = found.pop()
            found.append(Block(last.kind, f"{last.text}\n{line}"))
    assert code is None, "a piece of code does not end"
    return found


def prose(text: str) -> str:
    """Return ``text`` without code and without the targets of links."""
    return re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "`", text))


def targets(text: str) -> Counter[str]:
    """Return where links and pictures lead; the two README files stand for each other."""
    found = re.findall(r"(!?)\[[^\]]*\]\(([^)]*)\)", re.sub(r"`[^`]*`", "", text))
    return Counter(kind + target.replace("README.zh.md", "README.md") for kind, target in found)


def commands(text: str) -> Counter[str]:
    """Return what stands between backticks, lines joined."""
    return Counter(" ".join(piece.split()) for piece in re.findall(r"`([^`]+)`", text))


def figures(text: str) -> Counter[tuple[str, str]]:
    """Return each number with the unit behind it, by the English name of the unit."""
    return Counter((number, UNITS.get(unit, unit)) for number, unit in FIGURE.findall(prose(text)))


def unlike(english: str, chinese: str) -> list[str]:
    """Return what of code, links and figures one piece of text has and the other has not."""
    told = []
    for what, count in (("code", commands), ("links", targets), ("figures", figures)):
        more = count(english) - count(chinese)
        less = count(chinese) - count(english)
        if what == "code":
            less -= ONLY_CODE
        if more or less:
            told.append(f"{what} {[*more]} in English, {[*less]} in Chinese")
    return told


def differences(english: str, chinese: str) -> list[str]:
    """Return a sentence for each thing that one README has and the other has not."""
    told: list[str] = []
    section = ""
    for ours, theirs in zip_longest(blocks(english), blocks(ONLY_CHINESE.sub("", chinese))):
        if ours is not None and ours.kind.startswith("#"):
            section = ours.text
        where = f"{section}: {(ours or theirs).text[:60]!r}"
        if ours is None or theirs is None or ours.kind != theirs.kind:
            # All that follows is shifted: one sentence says more than a hundred.
            kinds = [block.kind if block else "nothing" for block in (ours, theirs)]
            return [*told, f"{where}: {kinds[0]} in English, {kinds[1]} in Chinese"]
        if ours.kind == "code":
            if ours.text != theirs.text:
                told.append(f"{where}: other code")
            continue
        if ours.kind.startswith("#"):
            if HEADINGS.get(ours.text) != theirs.text:
                told.append(f"{where} is {theirs.text!r} in Chinese, HEADINGS says otherwise")
            continue
        pairs = [(ours.text, theirs.text)]
        if ours.kind.startswith("row"):
            pairs = list(zip(ours.text.split("|"), theirs.text.split("|"), strict=True))
        for left, right in pairs:
            told += [f"{where}: {said}" for said in unlike(left, right)]
    return told


def test_both_readmes_say_the_same():
    assert [b.text for b in blocks(ENGLISH) if b.kind.startswith("#")] == list(HEADINGS)
    assert differences(ENGLISH, CHINESE) == []
    # A comparison of nothing would be equal, too.
    assert len(blocks(ENGLISH)) > 80
    assert sum(figures(ENGLISH).values()) > 150
    assert sum(commands(block.text).total() for block in blocks(ENGLISH)) > 100


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("准确率 87.0%", "准确率 87.1%"),
        ("1.4 个百分点", "1.4%"),
        ("延迟 p50 6.4 ms", "延迟 p50 6.4 秒"),
        ("3.1 秒内恢复", "很快恢复"),
        ("make demo             #", "make demo ARGS=x      #"),
        ('"sequence": 12', '"sequence": 13'),
        ("`--rollback`", "`--roll-back`"),
        ("](docs/devices.md)", "](docs/broker.md)"),
        ("![两个进程和一道窄缝]", "[两个进程和一道窄缝]"),
        ("(docs/dashboard.png)", "(docs/demo.png)"),
        ("## 使用\n", "### 使用\n"),
        ("## 使用\n", "## 用法\n"),
        ("- 警报是对发布内容的规则：不会比那些内容更可靠，目的是让人去看一眼。\n", ""),
        ("| `edge-affect run` | 按一个 TOML 文件启动两个进程 |\n", ""),
        ("| 警报；趋势 |", "| 警报 | 趋势 |"),
        ("在 Raspberry Pi 或 Jetson 上还没有测过任何数字。", "还没有测过。\n\n请稍候。"),
    ],
)
def test_a_planted_difference_is_told(old, new):
    assert CHINESE.count(old) == 1
    told = differences(ENGLISH, CHINESE.replace(old, new))
    # A block that is gone shifts the others of its section, so that more is told.
    assert len(told) == 1 if new else len(told) > 1


def test_a_section_that_is_new_in_english_is_told():
    assert differences(f"{ENGLISH}\n## More\n\nText.\n", CHINESE)
    assert differences(ENGLISH.replace("## Use it\n", "## Using it\n"), CHINESE)


def half_width(chinese: str) -> list[str]:
    """Return Latin punctuation beside a Chinese character, which GB/T 15834 writes full width."""
    text = prose(re.sub(r"^```.*?^```$|<!--.*?-->", "", chinese, flags=re.DOTALL | re.MULTILINE))
    return re.findall(rf"{HAN}`?[,;:!?()]|[,;:!?(]`?{HAN}|{HAN}\.(?!\w)", text)


def test_chinese_is_written_with_chinese_punctuation():
    assert half_width(CHINESE) == []
    assert len(half_width("声音,面部 (话语) `code`")) == 3
    # A line break inside a paragraph would be shown as a blank between two characters.
    assert not re.search(rf"{HAN}\n{HAN}", CHINESE)


def test_every_text_block_is_in_chinese():
    for block in blocks(re.sub(r"<!--.*?-->", "", CHINESE)):
        if block.kind in ("text", "item"):
            assert re.search(HAN, block.text), block.text


# ---- every table of sentences ----


def tables() -> dict[str, dict[str, dict[str, str]]]:
    """Return each table of sentences of the product: by file, language and key."""
    found = {}
    for path in sorted((ROOT / "edge_affect").rglob("*.py")):
        if not re.search(r"^LANGUAGES\b[^=]*= *\{", path.read_text("utf-8"), re.MULTILINE):
            continue
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name] = {
            language: {key: getattr(texts, key) for key in texts.__slots__}
            for language, texts in importlib.import_module(name).LANGUAGES.items()
        }
    for folder in sorted((ROOT / "edge_affect").rglob("lang")):
        found[str(folder.relative_to(ROOT))] = {
            path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")
        }
    return found


def test_every_table_of_sentences_speaks_english_and_chinese_alike():
    found = tables()
    assert {"edge_affect.notice.texts", "edge_affect/dashboard/static/lang"} <= set(found)
    for name, languages in found.items():
        assert {"en", "zh"} <= set(languages), name
        assert list(languages["en"]) == list(languages["zh"]), name
        assert len(languages["zh"]) > 20, name
        for key, text in languages["zh"].items():
            if isinstance(text, str):
                assert half_width(text) == [], (name, key, text)


def test_the_readme_calls_things_as_the_page_does():
    page = tables()["edge_affect/dashboard/static/lang"]["zh"]
    keys = ["valence", "arousal", "alerts", "microphone", "camera"]
    keys += [key for key in page if re.match(r"state_(?!none|not)|event_(lau|app|cry)", key)]
    assert len(keys) == 5 + 6 + 3
    assert [key for key in keys if page[key] not in CHINESE] == []
