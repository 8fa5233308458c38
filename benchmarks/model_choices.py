"""What each model costs as it is run, and otherwise: two threads, several items at once, float.

python benchmarks/model_choices.py

Times are of the wall, the best of many rounds in turns, for one item: what a second thread costs
elsewhere would not show in that of one thread. The last column needs the training environment
(``.venv-train/bin/python``): it holds the same architecture, untrained, as float against int8;
weights do not change the time. The third-party files are float, and cannot be made int8 by the
quantizer, as they bring no signature.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.perception.interpreter import load_model
from edge_affect.perception.model_store import find_manifest, read_model_file

if TYPE_CHECKING:
    from collections.abc import Callable

THIRD_PARTY = ("face_detection_near", "face_detection_far", "face_landmark", "iris_landmark")
OWN = ("face_expression", "voice_expression", "voice_activity", "sound_events")
BATCHES = (1, 2, 4)
ROUNDS, EACH = 12, 8


def started(content: bytes, n_threads: int = 1, n_items: int = 1) -> Any:
    """Return an interpreter whose inputs are set, or None where it takes no such number at once."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(model_content=content, num_threads=n_threads)
    generator = np.random.default_rng(0)
    try:
        for detail in runner.get_input_details():
            runner.resize_tensor_input(detail["index"], [n_items, *detail["shape"][1:]])
        runner.allocate_tensors()
        for detail in runner.get_input_details():
            values = generator.random(detail["shape"], dtype=np.float32)
            is_float = detail["dtype"] == np.float32
            codes = values if is_float else (values * 200 - 100).astype(detail["dtype"])
            runner.set_tensor(detail["index"], codes)
        runner.invoke()
    except (RuntimeError, ValueError):
        return None
    return runner


def best_ms(runners: list[Any]) -> list[float | None]:
    """Return the best time of each runner, in turns."""
    best: list[float | None] = [None] * len(runners)
    for _ in range(ROUNDS):
        for place, runner in enumerate(runners):
            for _ in range(EACH if runner is not None else 0):
                start_ns = time.perf_counter_ns()
                runner.invoke()
                took_ms = (time.perf_counter_ns() - start_ns) / 1e6
                before = best[place]
                best[place] = took_ms if before is None else min(before, took_ms)
    return best


def twins() -> dict[str, tuple[bytes, bytes]]:
    """Return untrained nets of our own architectures, as float and as int8; see the docstring."""
    import torch

    from edge_affect.training import event_batches, export, nets
    from edge_affect.training.activity_net import ActivityNet
    from edge_affect.training.face_plain_net import SMALL, PlainFaceNet
    from edge_affect.training.voice_net import TrunkNet, VoiceNet

    voice = load_model("voice_expression").manifest
    from edge_affect.perception.acoustic import AcousticSettings

    n_voice = 2 * len(voice.labels)
    trunk = TrunkNet(AcousticSettings.from_manifest(voice), n_voice)
    made: dict[str, Callable[[], torch.nn.Module]] = {
        "face_expression": lambda: PlainFaceNet(8, SMALL),
        "voice_activity": ActivityNet,
        "sound_events": lambda: event_batches.event_net(4),
        "voice_expression": lambda: VoiceNet(nets.voice_net(n_voice), trunk),
    }
    found = {}
    for name, make in made.items():
        torch.manual_seed(0)
        shape = find_manifest(name).inputs[0].shape
        inputs = torch.randn(4, 1, *shape[1:3])
        net = make().eval()
        try:
            whole = export.to_int8(net, inputs, lambda answers: np.zeros(len(answers), np.int64))
            found[name] = as_float(net, inputs), whole
        except Exception as error:  # noqa: BLE001 (a converter's, of any kind: told below)
            print(f"{name}: no twin ({type(error).__name__})")
    return found


def as_float(net: Any, inputs: Any) -> bytes:
    """Return a net as a float ``.tflite`` file."""
    import litert_torch

    samples = inputs.permute(0, 2, 3, 1).contiguous()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.tflite"
        channel_last = litert_torch.to_channel_last_io(net, args=[0])
        litert_torch.convert(channel_last, (samples[:1],)).export(str(path))
        return path.read_bytes()


def shown(value: float | None) -> str:
    """Return a time as text."""
    return "-" if value is None else f"{value:.3f}"


def main() -> None:
    """Measure and print."""
    has_training = importlib.util.find_spec("litert_torch") is not None
    pairs = twins() if has_training else {}
    columns = ["one thread", "two threads", "two at once", "four at once", "float", "int8"]
    print(f"{'ms for one item':22s}" + "".join(f"{name:>14s}" for name in columns))
    for name in (*THIRD_PARTY, *OWN):
        content = read_model_file(find_manifest(name))
        runners = [started(content), started(content, n_threads=2)]
        runners += [started(content, n_items=n) for n in BATCHES[1:]]
        runners += [started(twin) for twin in pairs.get(name, ())]
        times = best_ms(runners)
        for place, n in enumerate(BATCHES[1:], 2):
            taken = times[place]
            times[place] = None if taken is None else taken / n
        print(f"{name:22s}" + "".join(f"{shown(value):>14s}" for value in times))


if __name__ == "__main__":
    main()
