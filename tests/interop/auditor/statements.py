"""Statements: DSSE envelopes in one form, payloads by the table of verbs, signatures over the PAE.

docs/protocol.md, "Statements"; docs/auditing.md, step 6.
"""

import json
import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timezone

from .log import Bad, canonical_base64, need, sha256, verify

TYPE = re.compile(r"application/vnd\.tabir\.([a-z.]+)\+json")
INT_MAX = 2**53 - 1


def number(x):
    need(type(x) is int, "field")
    return x


def hex_of(size):
    def read(x):
        need(isinstance(x, str) and re.fullmatch(f"[0-9a-f]{{{2 * size}}}", x), "field")
        return bytes.fromhex(x)

    return read


h, h16 = hex_of(32), hex_of(16)


def data(x):
    """Up to 64 bytes as hex, more as base64url without padding."""
    need(isinstance(x, str), "field")
    if re.fullmatch("([0-9a-f]{2}){0,64}", x):
        return bytes.fromhex(x)
    decoded = urlsafe_b64decode(x + "=" * (-len(x) % 4))
    need(urlsafe_b64encode(decoded).rstrip(b"=").decode() == x, "base64")
    return decoded


def second(x):
    need(isinstance(x, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", x), "field")
    return int(datetime.strptime(x, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp())


def hour(x):
    at = second(x)
    need(at % 3600 == 0, "field")
    return at


def code(x):
    need(isinstance(x, str) and re.fullmatch("[a-z0-9_.-]{1,64}", x), "field")
    return x


def text(x):
    need(isinstance(x, str) and 1 <= len(x) <= 255, "field")
    return x


def listed(read):
    def read_all(x):
        need(isinstance(x, list), "field")
        return [read(item) for item in x]

    return read_all


def pair(x):
    need(isinstance(x, list) and len(x) == 2, "field")
    return (h(x[0]), h(x[1]))


def fields(schema):
    """An object with exactly these fields; one whose name ends with ? may be missing."""

    def read(x):
        need(isinstance(x, dict), "field")
        names = {name.rstrip("?") for name in schema}
        need(set(x) <= names, "unknown-field")
        need(all(name in x for name in schema if not name.endswith("?")), "missing-field")
        readers = {name.rstrip("?"): read_field for name, read_field in schema.items()}
        return {name: readers[name](value) for name, value in x.items()}

    return read


def anything(x):
    return x


INDEXED = listed(fields({"index": number, "hash": h}))
MEMBERS = listed(fields({"index": number, "Yi": h, "ed_vk": h, "kem_pk": data}))
COUNCIL = {
    "ceremony_id": h, "lineage": h, "epoch": number, "t": number, "n": number, "Y": h,
    "members": MEMBERS, "transcript": h,
}  # fmt: skip
VOTE = {"request_hash": h, "council_id": h, "index": number, "reason": code}
FATE = {"w": number, "round": number, "part": number, "parts": number, "nf": listed(h)}
END = {"request_hash": h, "code": code}

VERBS = {
    "key.announced": {
        "role": code, "kind": code, "epoch": number, "key": data, "not_before": second, "not_after": second,
    },
    "key.retired": {"key_id": h, "reason": code},
    "key.custody": {"key_id": h, "act": code, "threshold": number, "holders": listed(h)},
    "council.formed": COUNCIL,
    "council.refreshed": {**COUNCIL, "reshare_id": h},
    "council.reshared": {**COUNCIL, "reshare_id": h},
    "council.retired": {"council_id": h, "codes": listed(code)},
    "council.checked": {"council_id": h, "index": number, "tree_size": number, "checkpoint_hash": h, "partial": data},
    "policy.set": {
        "version": number, "codes": anything, "deadlines_s": anything, "window_s": number, "forward_s": number,
        "release_s": number, "request_life_s": number, "partial_life_s": number, "envelope_retention_s": number,
        "categories": anything,
    },
    "page.built": {
        "version": text, "files": listed(fields({"path": text, "sha256": h})), "base_size": number,
        "base_checkpoint": h,
    },
    "unseal.requested": {
        "request_id": h16, "council_id": h, "requester": number, "legal_basis": code, "reason": code, "commit": h,
        "tag": h, "nonce?": h, "deferred_until?": second, "deferral?": code,
    },
    "unseal.approved": {**VOTE, "kem_pk": data, "deferred_until?": second},
    "unseal.refused": VOTE,
    "unseal.withdrawn": VOTE,
    "unseal.released": {
        "request_hash": h, "tree_size": number, "checkpoint_hash": h, "inner_commit": h, "handouts": INDEXED,
    },
    "unseal.declined": END,
    "unseal.failed": END,
    "unseal.partial": {"request_hash": h, "index": number, "partials": INDEXED},
    "unseal.opened": {"request_hash": h, "record_commit": h},
    "unseal.notice": {"request_hash": h, "nonce": h},
    "report.accepted": {
        "w": number, "opens": second, "closes": second, "deadline": second, "part": number, "parts": number,
        "pairs": listed(pair),
    },
    "report.forwarded": FATE,
    "report.refused": FATE,
    "report.pending": FATE,
    "report.erased": {"w": number, "round": number, "items": listed(pair)},
    "retention.counts": {"w": number, "counts": anything},
}  # fmt: skip
INTAKE = {verb for verb in VERBS if verb.startswith("report.") or verb == "retention.counts"}


def once(pairs):
    fields_ = dict(pairs)
    need(len(fields_) == len(pairs), "repeated-field")
    return fields_


def refuse_number(_):
    raise Bad("integer")


def whole(digits):
    value = int(digits)
    need(0 <= value <= INT_MAX, "integer")
    return value


def strict_json(raw):
    try:
        return json.loads(
            raw.decode(), object_pairs_hook=once, parse_int=whole, parse_float=refuse_number,
            parse_constant=refuse_number,
        )  # fmt: skip
    except (ValueError, RecursionError):
        raise Bad("json") from None


class Statement:
    """One leaf: `verb`, `body`, `signatures` by key id, `pae`, `pae_hash` and `entry_hash`."""

    def __init__(self, leaf):
        wire = strict_json(leaf)
        try:
            payload = canonical_base64(wire["payload"])
            found = TYPE.fullmatch(wire["payloadType"])
            pairs = [(s["keyid"], s["sig"]) for s in wire["signatures"]]
            self.signatures = {h(key_id): canonical_base64(sig) for key_id, sig in pairs}
        except (KeyError, TypeError, ValueError):
            raise Bad("field") from None
        need(found and found[1] in VERBS, "verb")
        need(pairs and [k for k, _ in pairs] == sorted({k for k, _ in pairs}), "signature-order")
        need(all(len(sig) == 64 for sig in self.signatures.values()), "size")
        # There is one form: what does not come out again as it went in was another.
        again = {
            "payload": b64encode(payload).decode(),
            "payloadType": wire["payloadType"],
            "signatures": [{"keyid": key_id, "sig": sig} for key_id, sig in pairs],
        }
        need(json.dumps(again, separators=(",", ":")).encode() == leaf, "non-canonical")
        self.verb, kind = found[1], wire["payloadType"].encode()
        self.pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
        self.pae_hash, self.entry_hash = sha256(self.pae), sha256(b"\0", leaf)
        body = strict_json(payload)
        need(isinstance(body, dict) and body.get("v") == 1, "version")
        try:
            self.body = fields({"v": number, "at": hour, **VERBS[self.verb]})(body)
        except ValueError:
            raise Bad("field") from None
        if self.verb == "unseal.requested":
            deferred = "deferred_until" in self.body
            need(deferred == ("deferral" in self.body) == ("nonce" not in self.body), "field")
        if self.verb == "key.custody":
            act, k, holders = self.body["act"], self.body["threshold"], self.body["holders"]
            need(holders == sorted(set(holders)), "field")
            split = 2 <= k <= len(holders) <= 15
            need(split if act == "split" else act in ("restored", "destroyed") and k == 0 and not holders, "field")

    def signed_by(self, keys):
        """Each signature verifies, by one of these keys. Answer: the keys that signed."""
        known = {sha256(key): key for key in keys}
        need(set(self.signatures) <= set(known), "unknown-key")
        for key_id, signature in self.signatures.items():
            verify(known[key_id], self.pae, signature)
        return {known[key_id] for key_id in self.signatures}
