"""The real sensing process over synthetic devices, to which things happen by signals.

usage: frail_sense.py OPTIONS...; SIGUSR1 brings the next trouble of the camera or ends it, SIGUSR2
pulls the microphone's plug or puts it back.
"""

import signal
import sys

from edge_affect import cli
from edge_affect.capture import devices

STEPS = {signal.SIGUSR1: [], signal.SIGUSR2: []}


def open_audio(_settings, clock):
    # Imported only inside the cage, which must be there before numpy starts its threads.
    from edge_affect.capture.synthetic import SyntheticAudio

    sound = SyntheticAudio(clock)
    STEPS[signal.SIGUSR2] += [sound.unplug, sound.replug]
    return sound


def open_video(_settings, clock):
    from edge_affect.capture.synthetic import SyntheticVideo

    pictures = SyntheticVideo(clock, 160, 120, 10.0)

    def light(share):
        return lambda: pictures.light(share)

    STEPS[signal.SIGUSR1] += [
        *(pictures.unplug, pictures.replug),
        *(pictures.hold, pictures.let_go),
        *(light(0.0), light(1.0)),
        *(light(4.0), light(1.0)),
    ]
    return pictures


def main():
    devices.open_audio, devices.open_video = open_audio, open_video
    for number, steps in STEPS.items():
        signal.signal(number, lambda *_, steps=steps: steps.pop(0)())
    sys.exit(cli.main(["sense", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
