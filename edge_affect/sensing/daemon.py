"""Process 1: keeps sources running and sends one record per tick through the slit."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from edge_affect.capture.picture_check import PictureCheck
from edge_affect.capture.sound_check import SoundCheck
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError
from edge_affect.privacy.permission import Permission
from edge_affect.record import AbstainReason, Command, SourceState
from edge_affect.sensing.live_sound import LiveSound
from edge_affect.sensing.rhythm import RecordRhythm
from edge_affect.sensing.shown_frames import ShownFrames
from edge_affect.sensing.source_worker import SourceWorker

if TYPE_CHECKING:
    from edge_affect.clock import Clock
    from edge_affect.privacy.permission import Mute
    from edge_affect.record import AffectRecord
    from edge_affect.sdnotify import Notifier
    from edge_affect.sensing.governor import Governor
    from edge_affect.sensing.on_air import Air
    from edge_affect.sensing.pipeline import Pipeline
    from edge_affect.sensing.source_worker import Source

COMMAND_POLL_S = 0.1
CLOSING_S = 0.8
"""A device that is not closed this long after a mute is closed by ending the process."""
STOP_S = 3.0
"""A worker's thread is given this long at the end."""
OPENING_S = 5.0
"""The same for one that is just being opened: some cameras take seconds and cannot be hurried."""
LIFE_SIGNS = 4
"""Life signs given in one period of the watchdog; none while a stage hangs for half of it."""
SLEPT_S = 10.0
"""Nothing holds a round of the daemon up for this long but suspend, or a stopped process."""
RECORDS_PER_TICK = 4
"""Records for each tick of the publisher, which takes the newest: the two clocks may drift without
a tick ever finding nothing new. What leaves the box is counted in the publisher's ticks. Where
records follow frames, they are between three and eight."""

log = logging.getLogger("edge_affect.sensing")


class Outlet(Protocol):
    """Where records go."""

    def send(self, record: AffectRecord) -> None:
        """Send one record."""


class Commands(Protocol):
    """Where commands come from."""

    def poll(self) -> Command | None:
        """Return the next command, or None."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When things happen.

    Attributes:
        tick_hz: Records per second, where none follows a frame.
        no_source_timeout_s: Give up after no source has delivered for this long.
        seconds: End after this long, or None to run on.
        follows_frames: Send a record when a frame has been read, see ``RecordRhythm``.
    """

    tick_hz: float
    no_source_timeout_s: float
    seconds: float | None = None
    follows_frames: bool = False


@dataclass(frozen=True, slots=True)
class Workers:
    """The workers of both sources; None where a source is off."""

    microphone: SourceWorker | None
    camera: SourceWorker | None


def workers_over(
    audio: Source | None,
    video: Source | None,
    pipeline: Pipeline,
    clock: Clock,
    air: Air | None = None,
    *,
    are_live: bool = True,
) -> Workers:
    """Return workers, not started, that feed sources into a pipeline.

    Args:
        audio: Source of sound, or None.
        video: Source of pictures, or None.
        pipeline: Takes what they deliver.
        clock: Monotonic.
        air: See ``SourceWorker``.
        are_live: Whether they are devices, whose content is judged: a recording may be silent or
            show a still, and reopening would start it anew.
    """
    microphone = camera = None
    if audio is not None:
        on_block = pipeline.on_block
        sound_check = SoundCheck() if are_live else None
        sound = LiveSound(audio, pipeline.lose_sound) if are_live else audio
        microphone = SourceWorker("microphone", sound, on_block, clock, air, sound_check)
    if video is not None:
        check = PictureCheck() if are_live else None
        on_frame = pipeline.on_frame if check is None else ShownFrames(check, pipeline.on_frame)
        camera = SourceWorker("camera", video, on_frame, clock, air, check)
    return Workers(microphone, camera)


@dataclass(frozen=True, slots=True)
class Ports:
    """The two ends of the slit on this side, and whom the daemon answers to.

    Attributes:
        outlet: Records out.
        commands: Commands in, if anybody can send any.
        permission: Whether devices may be open.
        notifier: The service manager, if one watches.
    """

    outlet: Outlet
    commands: Commands | None
    permission: Permission = field(default_factory=Permission)
    notifier: Notifier | None = None


class SensingDaemon:
    """Runs the workers and the tick until told to stop, the recording ends, or nothing works.

    Args:
        pipeline: What blocks and frames go through.
        workers: Of the sources.
        ports: Records out, commands in.
        schedule: When things happen.
        clock: Monotonic.
        governor: Slows devices and models down where needed; None leaves them alone.

    Attributes:
        is_stuck: Whether a device did not close when it had to, so that the process must end.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        workers: Workers,
        ports: Ports,
        schedule: Schedule,
        clock: Clock,
        governor: Governor | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._microphone = workers.microphone
        self._camera = workers.camera
        self._workers = [w for w in (workers.microphone, workers.camera) if w is not None]
        self._ports = ports
        self._schedule = schedule
        self._clock = clock
        self._governor = governor
        self._mutes: frozenset[Mute] = frozenset()
        self._life_sign_ns = 0
        self._round_ns = 0
        self.is_stuck = False
        self._has_sound_ended = False
        self._is_stopping = False

    def stop(self) -> None:
        """End at the next opportunity; safe to call from a signal handler."""
        self._is_stopping = True

    def run(self) -> None:
        """Run until the end.

        Raises:
            DeviceError: If no source has worked for ``no_source_timeout_s``, a device does not
                close when it must, or the switches are gone for good.
        """
        self._heed_permission()
        for worker in self._workers:
            worker.start()
        try:
            self._tick_until_done()
        finally:
            for worker in self._workers:
                worker.stop(0.0 if self.is_stuck else STOP_S)
        for worker in self._workers:
            worker.check()

    def _tick_until_done(self) -> None:
        period_ns = round(NS_PER_S / self._schedule.tick_hz)
        start_ns = self._clock.now_ns()
        rhythm = RecordRhythm(period_ns, start_ns, follows_frames=self._schedule.follows_frames)
        frame_read = self._pipeline.frame_read
        self._round_ns = start_ns
        while not self._is_stopping:
            self._heed_sleep()
            self._heed_permission()
            self._give_life_sign()
            if self._governor is not None:
                self._governor.step(tuple(self._workers))
            has_frame = frame_read.is_set()
            frame_read.clear()
            now_ns = self._clock.now_ns()
            if rhythm.is_due(now_ns, has_frame=has_frame):
                # Asked first: what came after it is not in this record.
                is_over = bool(self._workers) and all(worker.is_done for worker in self._workers)
                self._heed_end_of_sound()
                self._send_record()
                self._check_workers()
                rhythm.sent(now_ns)
                if is_over:
                    return
                seconds = self._schedule.seconds
                if seconds is not None and now_ns - start_ns >= seconds * NS_PER_S:
                    return
            wait_s = rhythm.wait_ns(self._clock.now_ns()) / NS_PER_S
            self._clock.wait(frame_read, min(COMMAND_POLL_S, wait_s))

    def _heed_end_of_sound(self) -> None:
        """Have the words read that the end of a recording cut off; devices never end."""
        if self._has_sound_ended or self._microphone is None or not self._microphone.is_done:
            return
        self._has_sound_ended = True
        self._pipeline.end_sound()

    def _send_record(self) -> None:
        reason = AbstainReason.PAUSED if self._mutes else None
        record = self._pipeline.record(_state_of(self._microphone), _state_of(self._camera), reason)
        self._ports.outlet.send(record)

    def _check_workers(self) -> None:
        for worker in self._workers:
            worker.check()
        if self._mutes or any(worker.is_done for worker in self._workers):
            return
        silent_for_s = min((worker.silent_for_s for worker in self._workers), default=0.0)
        if silent_for_s > self._schedule.no_source_timeout_s:
            raise DeviceError(
                f"No microphone or camera has delivered anything for {silent_for_s:.0f} s; "
                "check the devices and the [audio] and [video] settings."
            )

    def _heed_permission(self) -> None:
        """Take commands, and close or open the devices as all that may mute says."""
        if self._ports.commands is not None:
            while (command := self._ports.commands.poll()) is not None:
                self._ports.permission.obey(command)
                self._apply(self._ports.permission.mutes())
        self._apply(self._ports.permission.mutes())

    def _apply(self, mutes: frozenset[Mute]) -> None:
        if mutes == self._mutes:
            return
        before, self._mutes = self._mutes, mutes
        if mutes and not before:
            self._close_devices()
        elif before and not mutes:
            for worker in self._workers:
                worker.resume()
        reasons = ", ".join(sorted(mute.value for mute in mutes))
        log.info("%s", f"devices closed: {reasons}" if mutes else "sensing is permitted")

    def _heed_sleep(self) -> None:
        """Begin anew after the machine was suspended, or this process stopped.

        Filters and baselines are of people who may have gone, and drivers seldom survive.
        """
        slept_s = (self._clock.now_ns() - self._round_ns) / NS_PER_S
        if slept_s >= SLEPT_S:
            log.warning("slept for %.0f s: beginning anew", slept_s)
            # A box that is muted has closed its devices and forgotten everything already.
            if not self._mutes:
                self._close_devices()
                for worker in self._workers:
                    worker.resume()
        self._round_ns = self._clock.now_ns()

    def _close_devices(self) -> None:
        for worker in self._workers:
            worker.pause()
        for worker in self._workers:
            if not worker.wait_closed(OPENING_S if worker.is_opening else CLOSING_S):
                self.is_stuck = True
                raise DeviceError(
                    "A device did not close in time when it had to; "
                    "this process ends so that the kernel closes it."
                )
        self._pipeline.forget()

    def _give_life_sign(self) -> None:
        """Tell the watchdog that every stage moves; one that hangs is left to it."""
        notifier = self._ports.notifier
        if notifier is None or notifier.watchdog_s is None:
            return
        now_ns = self._clock.now_ns()
        if now_ns < self._life_sign_ns:
            return
        self._life_sign_ns = now_ns + round(notifier.watchdog_s / LIFE_SIGNS * NS_PER_S)
        if all(worker.has_moved_within(notifier.watchdog_s / 2) for worker in self._workers):
            notifier.watchdog()
        else:
            log.warning("a stage hangs: no life sign")


def _state_of(worker: SourceWorker | None) -> SourceState:
    return SourceState.OFF if worker is None else worker.state
