"""What smart homes are told besides the box's own topics: ``[home_assistant]`` and ``[homie]``.

Standard library only and beside ``config``, so that names can be checked where the file is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge_affect.errors import ConfigError, shown
from edge_affect.keys import key

HOMIE_ROOT = "homie/5"
_HOMIE_ID = r"[a-z0-9-]+"


@dataclass(frozen=True, slots=True)
class HomeAssistant:
    """Home Assistant's MQTT discovery; see docs/home-assistant.md."""

    enabled: bool = key(False, "make this box known to Home Assistant")  # noqa: FBT003 (the default comes first for every key)
    prefix: str = key(
        "homeassistant",
        "discovery prefix, as set in Home Assistant",
        pattern=r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}",
    )


@dataclass(frozen=True, slots=True)
class Homie:
    """The same values again by the Homie convention 5; see docs/integrations.md."""

    enabled: bool = key(False, "publish a Homie device, too")  # noqa: FBT003 (as above)


def node_id(site: str, device: str) -> str:
    """Return the name of a box outside its own topics."""
    return f"edge-affect-{site}-{device}"


def discovery_topic(prefix: str, node: str) -> str:
    """Return where the discovery message of a box stands."""
    return f"{prefix}/device/{node}/config"


def is_discovery_of(topic: str, node: str) -> bool:
    """Return whether a topic is the discovery message of this box, below whichever prefix."""
    return re.fullmatch(rf"[A-Za-z0-9_-]+/device/{re.escape(node)}/config", topic) is not None


def birth_topic(prefix: str) -> str:
    """Return where Home Assistant says that it has started."""
    return f"{prefix}/status"


def homie_base(node: str) -> str:
    """Return the topic of the Homie device of a box."""
    return f"{HOMIE_ROOT}/{node}"


def homie_commands(node: str) -> str:
    """Return the filter that takes in all commands to the Homie device of a box."""
    return f"{homie_base(node)}/control/+/set"


def other_topics(home_assistant: HomeAssistant, homie: Homie, node: str) -> tuple[str, ...]:
    """Return what a box writes outside its own topics, as it is told in ``about``."""
    topics = []
    if home_assistant.enabled:
        topics.append(discovery_topic(home_assistant.prefix, node))
    if homie.enabled:
        topics.append(f"{homie_base(node)}/#")
    return tuple(topics)


def other_filters(home_assistant: HomeAssistant, homie: Homie, node: str) -> tuple[str, ...]:
    """Return what a box subscribes to outside its own topics."""
    filters = []
    if home_assistant.enabled:
        filters.append(birth_topic(home_assistant.prefix))
    if homie.enabled:
        filters.append(homie_commands(node))
    return tuple(filters)


def check_homie_name(homie: Homie, node: str) -> None:
    """Refuse a name that Homie does not allow, where it is on.

    Raises:
        ConfigError: Naming the setting.
    """
    if homie.enabled and not re.fullmatch(_HOMIE_ID, node):
        raise ConfigError(
            f"[homie] allows only lower-case letters, digits and hyphens in names, not "
            f"{shown(node)}; change [device] site or name."
        )
