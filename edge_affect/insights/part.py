"""The caged process that reads recordings: ``python -m edge_affect.insights.part``.

It takes one hand of jobs from standard input, cages itself so that only these files can be read and
nothing can be written or sent, and writes frames to standard output.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edge_affect import config as configuration
from edge_affect.errors import EdgeAffectError, ExitCode
from edge_affect.insights.wire import Failure, FrameWriter, Hand
from edge_affect.privacy import policy
from edge_affect.sensing import cage


def main() -> int:
    """Analyse one hand of recordings."""
    # Only frames may go to standard output, whatever a library prints.
    out = os.dup(1)
    os.dup2(2, 1)
    writer = FrameWriter(out)
    hand = Hand.from_bytes(sys.stdin.buffer.read())
    try:
        settings = configuration.parse(hand.config_text, hand.config_name)
        policy.check_recordings(settings)
        if hand.is_caged:
            enter_cage(hand, out)
    except EdgeAffectError as error:
        writer.failed(Failure(error.exit_code, str(error)))
        return int(error.exit_code)
    # Only now: numpy's threads must start inside the cage.
    from edge_affect.insights.playing import play

    for number, job in enumerate(hand.jobs):
        writer.job(number)
        play(job, settings, writer)
    return int(ExitCode.DONE)


def enter_cage(hand: Hand, out: int) -> None:
    """Cage this process, with the files of the hand and the models alone.

    Raises:
        CageError: If the cage cannot be built, or leaks.
    """
    from edge_affect.perception.model_store import user_models_dirs

    media = [Path(job.path) for job in hand.jobs]
    models = [folder for folder in user_models_dirs() if folder.is_dir()]
    readable = (*(path for path in media if path.is_file()), *models)
    cage.enter(cage.CagePolicy(readable=readable, keep_fds=(out,)))
    cage.prove()


if __name__ == "__main__":
    sys.exit(main())
