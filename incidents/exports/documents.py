"""What the JSON exports have in common: their formats, how they are written, how they are signed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from incidents.core.hash_chain import ChainHead, canonical
from incidents.core.signing import SigningKey, head_statement

FORMAT: Final = "sitrep.timeline/1"
AUDIT_FORMAT: Final = "sitrep-audit-1"

# What an entry's hash covers.
HASHED: Final = (
    *("id", "incident_id", "sequence", "occurred_at", "recorded_at", "kind"),
    *("actor_kind", "actor_id", "actor_name", "target_id", "content_hash", "previous_hash"),
)
AUDIT_HASHED: Final = (
    *("id", "sequence", "recorded_at", "kind", "actor_kind", "actor_id", "actor_name"),
    *("subject_id", "content_hash", "previous_hash"),
)


def signed_document(
    document: Mapping[str, Any], head: ChainHead, signer: SigningKey | None
) -> dict[str, Any]:
    """Return the document with a signature over its head and all of it, if there is a key."""
    if signer is None:
        return dict(document)
    statement = head_statement(document["subject"], head, document=document_hash(document))
    signature = signer.sign(statement)
    stated = {"algorithm": "ed25519", "public_key": signature.public_key, "value": signature.value}
    return {**document, "signature": stated}


def document_hash(document: Mapping[str, Any]) -> str:
    """Return the hash of a document without its signature."""
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    return hashlib.sha256(canonical(unsigned)).hexdigest()


def dump(value: Mapping[str, Any]) -> bytes:
    """Return a document as it is written to a file."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")
