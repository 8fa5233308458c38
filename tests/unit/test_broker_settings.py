"""What is refused of ``[mqtt]`` before anything connects."""

import pytest

from edge_affect import config
from edge_affect.errors import ConfigError


@pytest.mark.parametrize(
    "host", ["localhost", "broker.local", "my_broker-2", "192.168.1.9", "::1", "fe80::1%eth0"]
)
def test_names_and_addresses_are_taken(host):
    assert config.parse(f'[mqtt]\nhost = "{host}"').mqtt.host == host


@pytest.mark.parametrize(
    "host", ["", " ", "mqtt://broker.local", "broker.local/x", "[::1]", "a b", "h" * 254]
)
def test_a_host_that_is_none_is_refused_before_anything_connects(host):
    with pytest.raises(ConfigError, match=r"\[mqtt\] host is .*name or an address alone") as caught:
        config.parse(f'[mqtt]\nhost = "{host}"')
    assert "\n" not in str(caught.value)


def test_a_private_key_alone_is_refused():
    with pytest.raises(ConfigError, match="key_file is set and cert_file is not"):
        config.parse('[mqtt]\nca_file = "ca.pem"\nkey_file = "own.key"')
    config.parse('[mqtt]\nca_file = "ca.pem"\ncert_file = "own.pem"\nkey_file = "own.key"')
