"""Seeded mutation of bytes and of text: fast, reproducible, without any library."""

import random

INTERESTING = (0, 1, 7, 8, 15, 16, 31, 32, 127, 128, 254, 255)
ODD_VALUES = (
    "0", "-1", "1", "1e308", "-1e308", "nan", "inf", "-inf", "99999999999999999999", "0x10",
    '""', '"\\u0000"', '"/etc/passwd"', '"../.."', "[]", "[[]]", "{}", "true", "false", '"true"',
    "1979-05-27", "'", '"', '"""', "[", "]", "=", "#", "\\", '"ünïcode"', '"' + "x" * 5000 + '"',
)  # fmt: skip


def mutated(data, rng, corpus=()):
    """Return bytes changed in one to four places, or cut, or joined with another piece."""
    content = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        kind = rng.randrange(7)
        place = rng.randrange(len(content) + 1)
        if kind == 0 and content:
            content[place % len(content)] ^= 1 << rng.randrange(8)
        elif kind == 1 and content:
            content[place % len(content)] = rng.choice(INTERESTING)
        elif kind == 2:
            content[place:place] = rng.randbytes(rng.randint(1, 8))
        elif kind == 3:
            del content[place : place + rng.randint(1, 16)]
        elif kind == 4:
            end = place + rng.randint(1, 64)
            content[place:place] = content[place:end]
        elif kind == 5 and corpus:
            other = rng.choice(corpus)
            start = rng.randrange(len(other) + 1)
            content[place : place + 32] = other[start : start + 32]
        elif kind == 6 and rng.random() < 0.2:
            del content[place:]
    return bytes(content)


def mutated_text(text, rng):
    """Return a TOML text with odd values, lost, doubled or swapped lines, or damaged bytes."""
    lines = text.split("\n")
    for _ in range(rng.randint(1, 3)):
        place = rng.randrange(len(lines))
        kind = rng.randrange(7)
        if kind <= 2 and "=" in lines[place]:
            key = lines[place].split("=", 1)[0]
            lines[place] = f"{key}= {rng.choice(ODD_VALUES)}"
        elif kind == 3:
            del lines[place : place + rng.randint(1, 3)]
            lines = lines or [""]
        elif kind == 4:
            lines.insert(place, rng.choice(lines))
        elif kind == 5:
            other = rng.randrange(len(lines))
            lines[place], lines[other] = lines[other], lines[place]
        elif kind == 6:
            damaged = mutated(lines[place].encode("utf-8", "surrogateescape"), rng)
            lines[place] = damaged.decode("utf-8", "surrogateescape")
    return "\n".join(lines)


def case(seed, number):
    """Return the random numbers of one case, so that it can be made again alone."""
    return random.Random(f"{seed}/{number}")  # noqa: S311 (to be made again, not to be secret)
