"""Signatures for heads of the record: Ed25519, by the `cryptography` package.

Anybody who can write to the database can recompute a hash chain. Signing it needs the key, which is
only in the environment.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from incidents.core.hash_chain import ChainHead, canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

STATEMENT: Final = "sitrep.head/1"
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and the public key that it can be checked with, both as base64url text."""

    public_key: str
    value: str


class SigningKey:
    """A private key; its repr doesn't show it."""

    def __init__(self, seed: bytes) -> None:
        """Take the key's 32 bytes. Raises: ValueError for another length."""
        # Imported late: most commands sign nothing.
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

        self._key: Ed25519PrivateKey = ed25519.Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> str:
        """The public key, which may be shown to anybody."""
        return to_text(self._key.public_key().public_bytes_raw())

    def sign(self, statement: Mapping[str, Any]) -> Signature:
        """Return the signature of a JSON value."""
        return Signature(self.public_key, to_text(self._key.sign(canonical(statement))))


def head_statement(subject: str, head: ChainHead, *, document: str = "") -> dict[str, Any]:
    """Return what is signed: whose chain, its last entry, and the hash of the document if there is one."""
    return {
        "statement": STATEMENT,
        "subject": subject,
        "sequence": head.sequence,
        "entry_hash": head.entry_hash,
        "document": document,
    }


def head_line(subject: str, head: ChainHead, signer: SigningKey | None) -> str:
    """Return the line that ends a file: the last entry's number and hash, signed if there is a key."""
    line = f"Up to entry {head.sequence}, chain head {head.entry_hash}"
    if signer is None:
        return line
    signature = signer.sign(head_statement(subject, head))
    return f"{line}, signed {signature.value} with the key {signature.public_key}"


def is_signed(statement: Mapping[str, Any], signature: Signature) -> bool:
    """Tell whether the signature was made with its key for this statement."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415

    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(key_bytes(signature.public_key))
        key.verify(_from_text(signature.value), canonical(statement))
    except (ValueError, InvalidSignature):
        return False
    return True


def key_bytes(text: str) -> bytes:
    """Return the bytes of a key written as base64 or hexadecimal. Raises: ValueError."""
    given = text.strip("\ufeff \t\r\n")  # Windows editors add such marks to a file
    if len(given) == 2 * KEY_BYTES:
        return bytes.fromhex(given)
    key = _from_text(given)
    if len(key) != KEY_BYTES:
        raise ValueError("isn't a key of 32 bytes")
    return key


def to_text(data: bytes) -> str:
    """Return bytes as base64url text without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _from_text(text: str) -> bytes:
    standard = text.rstrip("=").replace("+", "-").replace("/", "_")
    padded = standard + "=" * (-len(standard) % 4)
    try:
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("isn't base64 text") from None
