"""A Home Assistant core with nothing but MQTT, driven by lines on standard input.

Runs in Home Assistant's own virtual environment and knows nothing of this project. Each line in is
a JSON object, each line out the answer:

    {"do": "states"}                                        every entity of MQTT, as people see it
    {"do": "call", "domain": "button", "service": "press", "data": {"entity_id": "button.x"}}
    {"do": "log"}                                           warnings and errors since the last one
    {"do": "end"}

Usage: python home_assistant_probe.py FOLDER MQTT_PORT HTTP_PORT
       python home_assistant_probe.py requirements     what these parts need besides the core
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any

from homeassistant import auth, bootstrap, config_entries, const, core, loader
from homeassistant.helpers import device_registry, entity_registry
from homeassistant.setup import async_setup_component

ENTRY: dict[str, Any] = {
    "created_at": "2026-01-01T00:00:00+00:00",
    "modified_at": "2026-01-01T00:00:00+00:00",
    "disabled_by": None,
    "discovery_keys": {},
    "domain": "mqtt",
    "entry_id": "mqtt",
    "minor_version": 1,
    "options": {},
    "pref_disable_new_entities": False,
    "pref_disable_polling": False,
    "source": "user",
    "subentries": [],
    "title": "broker",
    "unique_id": None,
    "version": 1,
}


class Notes(logging.Handler):
    """Keeps what Home Assistant complains about."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take one complaint."""
        reason = "" if record.exc_info is None else f" ({record.exc_info[1]!r})"
        self.lines.append(f"{record.levelname} {record.name}: {record.getMessage()}{reason}")


async def started(folder: Path, mqtt_port: int, http_port: int) -> core.HomeAssistant:
    """Return a running core that is connected to the broker."""
    storage = folder / ".storage"
    storage.mkdir(parents=True)
    data = {"broker": "127.0.0.1", "port": mqtt_port, "protocol": "5"}
    stored = {
        "version": 1,
        "minor_version": 5,
        "key": "core.config_entries",
        "data": {"entries": [{**ENTRY, "data": data}]},
    }
    (storage / "core.config_entries").write_text(json.dumps(stored))
    (folder / "configuration.yaml").touch()
    hass = core.HomeAssistant(str(folder))
    loader.async_setup(hass)
    hass.config.skip_pip = True
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth.auth_manager_from_config(hass, [], [])
    http = {"server_host": "127.0.0.1", "server_port": http_port}
    for name, settings in (("http", {"http": http}), ("mqtt", {"mqtt": {}})):
        if not await async_setup_component(hass, name, settings):
            raise SystemExit(f"{name} could not be set up")
    await hass.async_start()
    await hass.async_block_till_done()
    return hass


def states(hass: core.HomeAssistant) -> dict[str, Any]:
    """Return every entity of MQTT with state, attributes, category and device."""
    devices = device_registry.async_get(hass)
    found: dict[str, Any] = {}
    for entry in entity_registry.async_get(hass).entities.values():
        state = hass.states.get(entry.entity_id)
        device = devices.async_get(entry.device_id) if entry.device_id else None
        found[entry.entity_id] = {
            "state": None if state is None else state.state,
            "attributes": {} if state is None else {**state.attributes},
            "category": entry.entity_category,
            "device": None if device is None else device.name,
            "unique_id": entry.unique_id,
        }
    return found


async def main(folder: Path, mqtt_port: int, http_port: int) -> None:
    """Answer lines until told to end."""
    notes = Notes()
    logging.getLogger().addHandler(notes)
    hass = await started(folder, mqtt_port, http_port)
    print(json.dumps({"version": const.__version__}), flush=True)
    loop = asyncio.get_running_loop()
    while True:
        line = await loop.run_in_executor(None, sys.stdin.readline)
        asked = json.loads(line) if line else {"do": "end"}
        if asked["do"] == "end":
            break
        await hass.async_block_till_done()
        if asked["do"] == "call":
            await hass.services.async_call(
                asked["domain"], asked["service"], asked["data"], blocking=True
            )
            answer: Any = "ok"
        elif asked["do"] == "log":
            answer, notes.lines = notes.lines, []
        else:
            answer = states(hass)
        print(json.dumps(answer, default=str), flush=True)
    await hass.async_stop(force=True)


def requirements() -> list[str]:
    """Return the packages that Home Assistant would install by itself for what is used here."""
    parts = Path(loader.__file__).parent / "components"
    manifests = (
        parts / name / "manifest.json" for name in ("mqtt", "http", "file_upload", "hassio")
    )
    return [
        package
        for manifest in manifests
        for package in json.loads(manifest.read_text()).get("requirements", [])
    ]


if __name__ == "__main__" and sys.argv[1:] == ["requirements"]:
    print("\n".join(requirements()))
elif __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
