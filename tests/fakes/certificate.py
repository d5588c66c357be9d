"""Makes a certificate for 127.0.0.1 and localhost that signs itself, for tests of TLS; P-256, in plain Python."""

from __future__ import annotations

import hashlib
import ssl
from base64 import b64encode
from pathlib import Path

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
"""The curve P-256 (FIPS 186-4, D.1.2.3): field, order, generator."""

Point = tuple[int, int] | None

EC_KEY = "1.2.840.10045.2.1"
P256 = "1.2.840.10045.3.1.7"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
COMMON_NAME = "2.5.4.3"
ALT_NAMES = "2.5.29.17"
BASIC_CONSTRAINTS = "2.5.29.19"


def make_certificate(folder: Path, secret: int = 0xC0FFEE) -> tuple[Path, ssl.SSLContext]:
    """The certificate's file, for clients to trust, and a context for a server that shows it."""
    public = _times(secret, G)
    assert public is not None
    point = b"\x04" + public[0].to_bytes(32, "big") + public[1].to_bytes(32, "big")
    body = _to_be_signed(point)
    algorithm = _sequence(_oid(ECDSA_SHA256))
    certificate = _sequence(body, algorithm, _bits(_sign(secret, body)))
    key = _sequence(
        _integer(1),
        _tagged(4, secret.to_bytes(32, "big")),
        _tagged(0xA0, _oid(P256)),
        _tagged(0xA1, _bits(point)),
    )
    trusted, private = folder / "certificate.pem", folder / "key.pem"
    trusted.write_text(_pem("CERTIFICATE", certificate))
    private.write_text(_pem("EC PRIVATE KEY", key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return trusted, context


def _to_be_signed(point: bytes) -> bytes:
    name = _sequence(_tagged(0x31, _sequence(_oid(COMMON_NAME), _tagged(12, b"fake hub"))))
    names = _sequence(_tagged(0x87, bytes([127, 0, 0, 1])), _tagged(0x82, b"localhost"))
    extensions = _sequence(
        _sequence(_oid(ALT_NAMES), _tagged(4, names)),
        _sequence(_oid(BASIC_CONSTRAINTS), _tagged(1, b"\xff"), _tagged(4, _sequence(_tagged(1, b"\xff")))),
    )
    return _sequence(
        _tagged(0xA0, _integer(2)),
        _integer(1),
        _sequence(_oid(ECDSA_SHA256)),
        name,
        _sequence(_tagged(23, b"250101000000Z"), _tagged(23, b"491231235959Z")),
        name,
        _sequence(_sequence(_oid(EC_KEY), _oid(P256)), _bits(point)),
        _tagged(0xA3, extensions),
    )


def _sign(secret: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    nonce = int.from_bytes(hashlib.sha256(b"nonce" + message).digest(), "big") % N
    point = _times(nonce, G)
    assert point is not None
    r = point[0] % N
    s = pow(nonce, -1, N) * (digest + r * secret) % N
    return _sequence(_integer(r), _integer(s))


def _times(factor: int, point: Point) -> Point:
    total: Point = None
    while factor:
        if factor & 1:
            total = _plus(total, point)
        point = _plus(point, point)
        factor >>= 1
    return total


def _plus(a: Point, b: Point) -> Point:
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = (3 * a[0] ** 2 - 3) * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope**2 - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def _tagged(tag: int, body: bytes) -> bytes:
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(digits)]) + digits + body


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, b"".join(parts))


def _integer(value: int) -> bytes:
    return _tagged(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _bits(body: bytes) -> bytes:
    return _tagged(3, b"\0" + body)


def _oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    body = bytearray([first * 40 + second])
    for number in rest:
        digits = [number & 127]
        while number := number >> 7:
            digits.append(number & 127 | 128)
        body += bytes(reversed(digits))
    return _tagged(6, bytes(body))


def _pem(label: str, der: bytes) -> str:
    text = b64encode(der).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])
