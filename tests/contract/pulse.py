"""A private PulseAudio with null sinks, so that a real microphone path is tested without one."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import numpy as np
from media import tone

if TYPE_CHECKING:
    from pathlib import Path

SINKS = {"mono16": (16_000, 1), "stereo44": (44_100, 2), "stereo48": (48_000, 2)}
LEFT_HZ, RIGHT_HZ = 440.2, 1234.5
LEVEL = 0.5


def why_not() -> str | None:
    """Return why no server can be started here, or None."""
    missing = [tool for tool in ("pulseaudio", "pactl", "pacat", "parec") if not shutil.which(tool)]
    return f"{', '.join(missing)} not installed" if missing else None


class PulseServer:
    """A server of its own in ``folder``; tones play into all its sinks until it stops.

    With a single sink, what records from it ends when it vanishes; else the server moves it to
    another one, without a word.
    """

    def __init__(self, folder: Path, sinks: dict[str, tuple[int, int]] | None = None) -> None:
        self._folder = folder
        self._sinks = SINKS if sinks is None else sinks
        self._children: list[subprocess.Popen[bytes]] = []
        self._players: dict[str, subprocess.Popen[bytes]] = {}
        self.server: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        """What makes ALSA, and so PortAudio, see the sinks as microphones."""
        return {
            "ALSA_CONFIG_PATH": str(self._folder / "asound.conf"),
            "PULSE_SERVER": f"unix:{self._folder}/native",
            "XDG_RUNTIME_DIR": str(self._folder),
            "PULSE_RUNTIME_PATH": str(self._folder),
            "PULSE_STATE_PATH": str(self._folder),
        }

    def start(self) -> None:
        """Start the server and the tones, and wait until sound flows evenly."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        socket = f"{self._folder}/native"
        modules = [f"load-module module-native-protocol-unix socket={socket} auth-anonymous=1"]
        pcms = ["ctl.!default { type pulse }"]
        for name in self._sinks:
            modules.append(f"load-module {self._module(name)}")
            pcms.append(f'pcm.{name} {{ type pulse device "{name}.monitor" }}')
        pcms.append(f'pcm.!default {{ type pulse device "{next(iter(self._sinks))}.monitor" }}')
        (self._folder / "asound.conf").write_text("\n".join(pcms) + "\n")
        (self._folder / "default.pa").write_text("\n".join(modules) + "\n")
        self.server = self._spawn(
            "pulseaudio", "-n", "--daemonize=no", "--system=false", "--exit-idle-time=-1",
            "--use-pid-file=no", "--disable-shm=yes", "--log-level=error",
            f"--file={self._folder}/default.pa",
        )  # fmt: skip
        self._await_sinks()
        for name in self._sinks:
            self.play(name)
        # A null sink needs up to 2 s before it follows the wish for small bursts.
        time.sleep(3.0)

    def record(self, name: str, seconds: float) -> tuple[int, np.ndarray]:
        """Return the rate and the first channel of what the server's own recorder hears."""
        rate_hz, n_channels = self._sinks[name]
        n_bytes = round(seconds * rate_hz) * n_channels * 4
        form = (f"--rate={rate_hz}", f"--channels={n_channels}", "--format=float32le")
        with subprocess.Popen(
            ["parec", "--raw", "--latency-msec=30", f"--device={name}.monitor", *form],
            env={**os.environ, **self.env},
            stdout=subprocess.PIPE,
        ) as recorder:
            assert recorder.stdout is not None
            content = recorder.stdout.read(n_bytes)
            recorder.kill()
        return rate_hz, np.frombuffer(content, np.float32).reshape(-1, n_channels)[:, 0]

    def vanish(self, name: str) -> None:
        """Take a sink away, as if its device had been unplugged."""
        self.hush(name)
        modules = self._control("list", "short", "modules").splitlines()
        self._control("unload-module", next(m.split()[0] for m in modules if f"={name} " in m))

    def appear(self, name: str) -> None:
        """Bring it back, playing."""
        self._control("load-module", *self._module(name).split())
        self.play(name)

    def kill(self) -> None:
        """End the server as if the sound card had been pulled."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()

    def stop(self) -> None:
        """End everything."""
        for name in list(self._players):
            self.hush(name)
        for child in reversed(self._children):
            child.kill()
            child.wait()

    def _spawn(self, *command: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            command,
            env={**os.environ, **self.env, "HOME": str(self._folder)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._children.append(child)
        return child

    def _await_sinks(self) -> None:
        deadline_s = time.monotonic() + 60.0
        while time.monotonic() < deadline_s:
            try:
                if self._control("list", "short", "sinks").count("\n") == len(self._sinks):
                    return
            except subprocess.CalledProcessError:  # it does not listen yet
                pass
            time.sleep(0.1)
        raise RuntimeError("the private PulseAudio did not start")

    def _module(self, name: str) -> str:
        rate_hz, n_channels = self._sinks[name]
        return f"module-null-sink sink_name={name} rate={rate_hz} channels={n_channels}"

    def _control(self, *words: str) -> str:
        done = subprocess.run(
            ["pactl", *words],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def hush(self, name: str) -> None:
        """Play nothing into a sink: it delivers zeros."""
        player = self._players.pop(name, None)
        if player is not None:
            player.kill()
            player.wait()

    def play(self, name: str, level: float = LEVEL) -> None:
        """Play a tone on the left and another one on the right; above 1 it clips."""
        self.hush(name)
        rate_hz, n_channels = self._sinks[name]
        frequencies_hz = (LEFT_HZ, RIGHT_HZ)[:n_channels]
        frames = np.stack([tone(hz, 120.0, rate_hz, level) for hz in frequencies_hz], axis=1)
        path = self._folder / f"{name}.raw"
        path.write_bytes(np.clip(frames, -1.0, 1.0).tobytes())
        form = (f"--rate={rate_hz}", f"--channels={n_channels}", "--format=float32le")
        if level == LEVEL:
            self._spawn("parec", "--latency-msec=30", f"--device={name}.monitor", *form)
        player = ("pacat", "--raw", "--latency-msec=1000", f"--device={name}", *form, str(path))
        self._players[name] = self._spawn(*player)
