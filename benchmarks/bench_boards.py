"""What the figures of this machine might mean on boards: estimates on paper, from published times.

Two published benchmarks of one core stand for the two kinds of work in the box. 7-zip is scalar
integer code, as the Python and the plumbing around the models are; MobileNet v1 in ncnn is a
network on one thread with the widest vectors that a core has, as the models are. Both are run on
this machine as well. For each, and for each time that was published for a board,

    factor = speed here / speed of the board        (7-zip: MIPS over MIPS; MobileNet: ms over ms)
    estimate = measured here x factor

and what is told is the lowest and the highest estimate. That is a range of guesses, no interval:
memory, heat and the operating system of a board are in none of it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass

SBC_BENCH = "sbc-bench, github.com/ThomasKaiser/sbc-bench"
NCNN = "ncnn, github.com/Tencent/ncnn, benchmark/README.md"
LAYERS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *(((512, 1),) * 5),
          (1024, 2), (1024, 1))  # fmt: skip
"""Channels and stride of the separable convolutions of MobileNet v1 (arXiv 1704.04861)."""
SEVEN_ZIP = ("7z", "b", "-mmt1", "1")
TOTAL = re.compile(r"^Tot:\s+\d+\s+(\d+)\s+\d+", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Board:
    """What others measured on a board.

    Attributes:
        name: Of the board, with its clock.
        seven_zip_mips: Of 7-zip on one thread.
        mobilenet_ms: MobileNet v1, float, 224 x 224, one thread; all that were found.
        sources: Where the figures are from, and what stands in for what.
    """

    name: str
    seven_zip_mips: float
    mobilenet_ms: tuple[float, ...]
    sources: str


BOARDS = (
    Board(
        "Raspberry Pi Zero 2 W, 1.0 GHz", 838, (273.27, 393.94),
        f"7-zip: {SBC_BENCH}, results/Sorted-Results.md (32-bit); MobileNet: "
        f"github.com/nnn112358/ncnn_benchmark_test (64-bit) and {NCNN}",
    ),
    Board(
        "Raspberry Pi 4 B, 1.8 GHz", 1769, (124.32,),
        f"7-zip: {SBC_BENCH}, results/Sorted-Results.md (64-bit); MobileNet: {NCNN}",
    ),
    Board(
        "Raspberry Pi 5, 2.4 GHz", 2967, (22.44, 41.19),
        f"7-zip: {SBC_BENCH}, results/reviews/RPi-5B-Rev1.0.md; MobileNet: {NCNN}, two boards with "
        "an RK3588, which has the same core at the same clock",
    ),
    Board(
        "Jetson Orin Nano, 1.7 GHz, without its GPU", 2379, (19.65 * 2.2 / 1.7,),
        f"7-zip: {SBC_BENCH}, results/reviews, an Orin NX at 1.73 GHz, the same core; MobileNet: "
        f"{NCNN}, an AGX Orin at 2.2 GHz, the same core, scaled by the clock",
    ),
)  # fmt: skip


def mobilenet_param() -> str:
    """Return MobileNet v1 as ncnn's text; the weights are left to the reader of the model."""
    rows = ["Input data 0 1 data 0=224 1=224 2=3"]
    blob, n_in = "data", 32

    def add(kind: str, settings: str) -> None:
        nonlocal blob
        name = f"layer{len(rows)}"
        rows.append(f"{kind} {name} 1 1 {blob} {name} {settings}")
        blob = name

    add("Convolution", f"0={n_in} 1=3 3=2 4=1 5=1 6={3 * n_in * 9} 9=1")
    for n_out, stride in LAYERS:
        add("ConvolutionDepthWise", f"0={n_in} 1=3 3={stride} 4=1 5=1 6={n_in * 9} 7={n_in} 9=1")
        add("Convolution", f"0={n_out} 1=1 5=1 6={n_in * n_out} 9=1")
        n_in = n_out
    add("Pooling", "0=1 4=1")
    add("InnerProduct", f"0=1000 1=1 2={n_in * 1000}")
    rows.append(f"Softmax prob 1 1 {blob} prob 0=0")
    return "\n".join(["7767517", f"{len(rows)} {len(rows)}", *rows]) + "\n"


def seven_zip_mips(core: int) -> float | None:
    """Return the rating of one core of this machine per its processor time, None without 7-zip."""
    if shutil.which(SEVEN_ZIP[0]) is None or shutil.which("taskset") is None:
        return None
    command = ["taskset", "-c", str(core), *SEVEN_ZIP]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    total = TOTAL.search(told)
    if total is None:
        raise SystemExit(f"7-zip printed no total:\n{told}")
    return float(total.group(1))


def factors(board: Board, here_mips: float | None, here_ms: float | None) -> list[float]:
    """Return by how much slower a core of a board is, by each benchmark that was run here.

    >>> factors(Board("", 1000.0, (20.0, 30.0), ""), 3000.0, 10.0)
    [3.0, 2.0, 3.0]
    >>> factors(Board("", 1000.0, (20.0, 30.0), ""), None, 10.0)
    [2.0, 3.0]
    """
    by_seven_zip = [] if here_mips is None else [here_mips / board.seven_zip_mips]
    by_mobilenet = [] if here_ms is None else [ms / here_ms for ms in board.mobilenet_ms]
    return by_seven_zip + by_mobilenet


def estimates(
    times_ms: dict[str, float], here_mips: float | None, here_ms: float | None
) -> list[dict[str, object]]:
    """Return for every board the range of every time, in ms, and of the factor."""
    told: list[dict[str, object]] = []
    for board in BOARDS:
        found = factors(board, here_mips, here_ms)
        if not found:
            return []
        low, high = min(found), max(found)
        ranges = {name: [round(ms * low, 2), round(ms * high, 2)] for name, ms in times_ms.items()}
        told.append(
            {
                "board": board.name,
                "sources": board.sources,
                "factor": [round(low, 2), round(high, 2)],
                "estimates_ms": ranges,
            }
        )
    return told
