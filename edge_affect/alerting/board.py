"""All alert rules of a box, and what every tick makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.alerting.watch import AlertWatch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.alert_settings import NamedRule, QuietHours
    from edge_affect.alerting.watch import AlertChange, AlertState
    from edge_affect.record import AffectRecord


class AlertBoard:
    """Carries out rules that do not know each other.

    Args:
        rules: Names must differ.
        quiet: Quiet hours, or None.
        now_ns: Monotonic clock.
    """

    def __init__(self, rules: Sequence[NamedRule], quiet: QuietHours | None, now_ns: int) -> None:
        self._watches = [AlertWatch(rule, now_ns) for rule in rules]
        self._quiet = quiet

    @property
    def states(self) -> tuple[AlertState, ...]:
        """How each alert stands, in the order of the rules."""
        return tuple(watch.state for watch in self._watches)

    def step(
        self, now_ns: int, record: AffectRecord | None, local_minute: int | None = None
    ) -> tuple[AlertChange, ...]:
        """Take the record of one tick, None where there is none, and return what changed.

        Args:
            now_ns: Monotonic clock, later than before; an earlier or equal one changes nothing.
            record: Newest record.
            local_minute: Minute of the local day, 0 to 1439, or None while the clock is not known
                to be right. Then no hour is quiet: a needless alert is better than a missed one.
        """
        is_quiet = (
            self._quiet is not None
            and local_minute is not None
            and self._quiet.covers(local_minute)
        )
        changes = [watch.step(now_ns, record, is_quiet=is_quiet) for watch in self._watches]
        return tuple(change for change in changes if change is not None)

    def stop(self, now_ns: int) -> tuple[AlertChange, ...]:
        """Clear what is raised, because the box ends."""
        changes = [watch.stop(now_ns) for watch in self._watches]
        return tuple(change for change in changes if change is not None)
