"""How a mistake in a configuration file must be told."""

import pytest

from edge_affect import config
from edge_affect.errors import ConfigError


def assert_told_in_one_sentence(text, words):
    """Check that a configuration is refused in one line that names the file and all ``words``."""
    with pytest.raises(ConfigError) as caught:
        config.parse(text, "box.toml")
    message = str(caught.value)
    assert "\n" not in message
    assert "box.toml" in message
    for word in words:
        assert word in message
