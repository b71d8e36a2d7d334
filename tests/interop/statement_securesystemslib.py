#!/usr/bin/env python3
"""PyPI's securesystemslib verifies statements of Tabir, by published keys alone.

    statement_securesystemslib.py TRUST.JSON FOLDER

FOLDER is a copied log (`tabir audit fetch`, or docs/auditing.md). Every entry of its governance log must verify by every one
of its signatures, and trust.json by its auditors; of each, every changed copy must be refused.
"""

import copy
import json
import sys
from base64 import b64decode, b64encode
from importlib.metadata import version
from pathlib import Path

from audit_without_tabir import trust_root
from auditor.log import Log, need, sha256
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

NAME = f"securesystemslib {version('securesystemslib')}"


def key(public, key_id=None):
    return SSlibKey(key_id or sha256(bytes.fromhex(public)).hex(), "ed25519", "ed25519", {"public": public})


def published(root, leaves):
    """Keys in the trust root, and those of officials in the entries that form a council."""
    keys = [*root["identities"].values(), *root["auditors"]]
    for leaf in leaves:
        body = json.loads(b64decode(json.loads(leaf)["payload"]))
        keys += [member["ed_vk"] for member in body.get("members", [])]
    return [key(public) for public in sorted(set(keys))]


def verifies(statement, keys):
    """By each of its signatures."""
    try:
        statement = copy.deepcopy(statement)  # reading one changes it
        Envelope.from_dict(statement).verify(keys, len(statement["signatures"]))
        return True
    except (VerificationError, ValueError):
        return False


def changed(text, at):
    data = bytearray(b64decode(text))
    data[at] ^= 1
    return b64encode(data).decode()


def changed_copies(statement, keys, other):
    """What to call it, the statement, the keys."""

    def put(name, value, at=0):
        changed_copy = copy.deepcopy(statement)
        (changed_copy["signatures"][at] if name in ("sig", "keyid") else changed_copy)[name] = value
        return changed_copy

    signatures = statement["signatures"]
    yield "a bit of the payload", put("payload", changed(statement["payload"], -2)), keys
    yield "the payload of another", put("payload", other["payload"]), keys
    yield "another verb", put("payloadType", "application/vnd.tabir.key.retired+json"), keys
    for at, signature in enumerate(signatures):
        yield f"a bit of signature {at}", put("sig", changed(signature["sig"], 7), at), keys
        yield f"signature {at} cut short", put("sig", b64encode(b64decode(signature["sig"])[:-1]).decode(), at), keys
        another = [k for k in keys if k.keyid != signature["keyid"]]
        yield f"signer {at} unknown", statement, another
        yield f"another key for signer {at}", statement, [*another, key(another[0].keyval["public"], signature["keyid"])]
        yield f"signature {at} under another's name", put("keyid", another[0].keyid, at), keys


def main(args):
    if len(args) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    trust = Path(args[0]).read_bytes()
    root = trust_root(trust)
    leaves = Log(args[1], "governance", root).leaves
    keys = published(root, leaves)
    statements = [json.loads(text) for text in [trust, *leaves]]
    refused = 0
    for number, statement in enumerate(statements):
        need(verifies(statement, keys), f"statement {number} does not verify")
        for name, bad, by in changed_copies(statement, keys, statements[number - 1]):
            need(not verifies(bad, by), f"statement {number} verifies with {name}")
            refused += 1
    need(len(leaves) >= 5 and any(len(s["signatures"]) > 2 for s in statements), "too few statements to show anything")
    print(f"{NAME}: {len(statements)} statements verify, {refused} changed copies refused")
    return 0


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except Exception as error:
        print(f"{NAME}: {type(error).__name__}: {error}")
        code = 1
    print(NAME, "FAIL" if code else "PASS")
    sys.exit(code)
