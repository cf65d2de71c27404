"""Certificates for tests: an authority of our own, a server on loopback, and a client, as PEM files."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

__all__ = ["Keys", "made_keys"]

_LIFE: Final = timedelta(days=2)


class Keys(msgspec.Struct, frozen=True):
    """The files: whom to trust; the server's key and certificate, together and apart; the client's."""

    authority: Path
    server: Path
    server_key: Path
    server_certificate: Path
    client_key: Path
    client_certificate: Path


def made_keys(folder: Path) -> Keys:
    """Make all of them; the server's are for 127.0.0.1."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _signed("tests' authority", key, None, None)
    keys = Keys(
        *(folder / name for name in ("ca.pem", "server.pem", "server.key", "server.crt", "client.key", "client.crt"))
    )
    keys.authority.write_bytes(authority.public_bytes(Encoding.PEM))
    for name, key_file, file in (
        ("127.0.0.1", keys.server_key, keys.server_certificate),
        ("a client", keys.client_key, keys.client_certificate),
    ):
        own = ec.generate_private_key(ec.SECP256R1())
        key_file.write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.write_bytes(_signed(name, own, authority, key).public_bytes(Encoding.PEM))
    keys.server.write_bytes(keys.server_key.read_bytes() + keys.server_certificate.read_bytes())
    return keys


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate | None,
    by: ec.EllipticCurvePrivateKey | None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    moment = datetime.now(UTC)
    signer = by or key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(authority.subject if authority is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - _LIFE)
        .not_valid_after(moment + _LIFE)
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if authority is not None:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, SHA256())
