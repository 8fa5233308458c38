"""TLS to the broker: what is trusted, what this box shows, and what went wrong, in plain words."""

from __future__ import annotations

import re
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from edge_affect.errors import ConfigError, InputMissingError
from edge_affect.publishing.secret_file import check_private
from edge_affect.service import credential

if TYPE_CHECKING:
    from edge_affect.broker_settings import Mqtt

KEY_CREDENTIAL = "edge-affect.mqtt-key"
"""A systemd credential, used where ``[mqtt] cert_file`` is set and ``key_file`` is not."""

# Numbers of OpenSSL's X509_V_ERR_*, which Python passes on without names (x509_vfy.h).
_NOT_YET_VALID = 9
_EXPIRED = 10
_WRONG_NAME = (62, 64)
_UNTRUSTED = (2, 18, 19, 20, 21)
_LISTEN_S = 2.0


def tls_context(mqtt: Mqtt) -> ssl.SSLContext | None:
    """Return the context that checks certificate and name of the broker, or None for plain TCP.

    Raises:
        InputMissingError: If one of the files is not there.
        ConfigError: If one of them cannot be used, or a client certificate is set without TLS.
    """
    if not (mqtt.tls or mqtt.ca_file):
        if mqtt.cert_file:
            raise ConfigError(
                "[mqtt] cert_file needs TLS; set ca_file, or tls = true for a broker whose "
                "certificate this system trusts."
            )
        return None
    context = _trusting(mqtt.ca_file)
    if mqtt.cert_file:
        _add_own_certificate(context, mqtt.cert_file, mqtt.key_file)
    return context


def _trusting(ca_file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except FileNotFoundError:
        raise InputMissingError(f"There is no CA file {ca_file} ([mqtt] ca_file).") from None
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(
            f"The CA file {ca_file} holds no certificate that can be read: {_reason(error)}."
        ) from None


def _add_own_certificate(context: ssl.SSLContext, cert_file: str, key_file: str) -> None:
    passed = None if key_file else credential(KEY_CREDENTIAL)
    # systemd itself lets nobody else see a credential; without any, the certificate's own file
    # must hold the key.
    key = passed or Path(key_file or cert_file)
    if not Path(cert_file).exists():
        raise InputMissingError(f"There is no certificate {cert_file} ([mqtt] cert_file).")
    if passed is None:
        check_private(key, "private key")

    def refuse() -> NoReturn:
        raise ConfigError(
            f"The private key {key} asks for a passphrase, which nobody could type at every "
            f"start; keep it without one, for its owner alone: chmod 600 {key}"
        )

    try:
        context.load_cert_chain(cert_file, key, password=refuse)
    except OSError as error:
        raise ConfigError(
            f"The certificate {cert_file} and the private key {key} cannot be used together: "
            f"{_reason(error)}."
        ) from None


def handshake_failure(error: OSError, host: str) -> str | None:
    """Return what a failed handshake says of the broker, to follow "The broker ...", or None.

    Args:
        error: What connecting with TLS raised.
        host: The broker's name, as configured.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"is not trusted: {_distrust(error, host)}"
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError | BrokenPipeError):
        return "hangs up at the handshake, as a port without TLS does"
    if isinstance(error, ssl.SSLError):
        alert = alert_reason(str(error))
        return f"refuses: {alert}" if alert else f"does not speak TLS there: {_reason(error)}"
    return None


def _distrust(error: ssl.SSLCertVerificationError, host: str) -> str:
    code = error.verify_code
    if code in _UNTRUSTED:
        return "its certificate is not signed by the authority of [mqtt] ca_file"
    if code in _WRONG_NAME:
        return f"its certificate is not for the name {host} ([mqtt] host)"
    if code == _EXPIRED:
        return "its certificate has expired, or this box's clock is ahead"
    if code == _NOT_YET_VALID:
        return "its certificate is not valid yet, or this box's clock is behind"
    return f"its certificate is refused: {error.verify_message}"


def alert_after_handshake(context: ssl.SSLContext, host: str, port: int) -> str | None:
    """Return what a broker says that hangs up after the handshake, or None if it says nothing.

    With TLS 1.3 it judges this box's certificate only then. A client that has begun to write sees
    the connection break and not the reason, so this connects again and writes nothing.
    """
    try:
        with (
            socket.create_connection((host, port), _LISTEN_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            secured.recv(1)
    except ssl.SSLError as error:
        return alert_reason(str(error))
    except OSError:
        # It waits for us to speak, or is gone: nothing to add to what is known.
        return None
    return None


def alert_reason(text: str) -> str | None:
    """Return what a TLS alert from the broker means, or None if ``text`` tells of none.

    >>> alert_reason("[SSL: X] tlsv13 alert certificate required (_ssl.c:2)")
    'it asks for a certificate of this box; set [mqtt] cert_file and key_file'
    >>> alert_reason("[SSL: X] tlsv1 alert unknown ca (_ssl.c:2)")
    "it refuses this box's certificate: unknown ca"
    >>> alert_reason("EOF occurred in violation of protocol (_ssl.c:2)") is None
    True
    """
    found = re.search(r"\balert ([a-z0-9 ]+?) *(\(|$)", text)
    if found is None:
        return None
    alert = found[1]
    if alert == "certificate required":
        return "it asks for a certificate of this box; set [mqtt] cert_file and key_file"
    if alert == "handshake failure":
        # All that TLS 1.2 has for a certificate that is missing.
        return "it breaks TLS off; it may ask for a certificate of this box ([mqtt] cert_file)"
    if "certificate" in alert or alert == "unknown ca":
        return f"it refuses this box's certificate: {alert}"
    return f"it breaks TLS off: {alert}"


def _reason(error: Exception) -> str:
    text = str(getattr(error, "strerror", None) or error)
    # Without the name and the line of OpenSSL's source.
    return re.sub(r"^\[.*?\] *| *\(_ssl\.c:\d+\)$", "", text).rstrip(".").lower()
