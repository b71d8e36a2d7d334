#!/usr/bin/env python3
"""PyPI's cryptography verifies a Privacy Pass token, by published keys alone: the trust root and a copied governance log.

    token_cryptography.py TRUST.JSON FOLDER TOKEN

RFC 9577, 9578 (type 0x0002) and 9474: RSA-PSS, SHA-384, salt of 48 bytes, over the token's first 98 bytes. Every changed copy,
and the token under other parameters or another key, must be refused.

    type 2 | nonce 32 | SHA-256(challenge) 32 | SHA-256(key) 32 | authenticator 256
"""

import sys
from importlib.metadata import version
from pathlib import Path

from audit_without_tabir import trust_root
from auditor.log import Bad, Log, need, sha256
from auditor.statements import Statement
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import load_der_public_key

NAME = f"cryptography {version('cryptography')}"
SIGNED, SIZE, SALT = 98, 354, 48


def prefixed(text, size):
    data = text.encode()
    return len(data).to_bytes(size, "big") + data


def token_keys(root, folder):
    """Announced token keys by their SHA-256: what stands in a token."""
    issuer = bytes.fromhex(root["identities"]["issuer"])
    keys = {}
    for leaf in Log(folder, "governance", root).leaves:
        statement = Statement(leaf)
        if statement.verb == "key.announced" and statement.body["kind"] == "token":
            need(statement.signed_by([issuer]) == {issuer}, "a token key that the issuer did not sign for")
            keys[sha256(statement.body["key"])] = load_der_public_key(statement.body["key"])
    return keys


def check(token, keys, challenge, salt=SALT, digest=SHA384):
    need(len(token) == SIZE, "size")
    need(token[:2] == b"\0\2", "type")
    need(token[34:66] == sha256(challenge), "challenge")
    need(token[66:98] in keys, "key")
    key = keys[token[66:98]]
    need(key.key_size == 2048 and key.public_numbers().e == 65537, "key size")
    try:
        key.verify(token[SIGNED:], token[:SIGNED], PSS(MGF1(digest()), salt), digest())
    except InvalidSignature:
        raise Bad("signature") from None


def main(args):
    if len(args) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    root = trust_root(Path(args[0]).read_bytes())
    keys = token_keys(root, args[1])
    token = Path(args[2]).read_bytes()
    # The challenge is the same for all tokens: nothing in it can tell one user from another.
    challenge = b"\0\2" + prefixed(root["issuer_name"], 2) + b"\0" + prefixed(root["origin"], 2)
    check(token, keys, challenge)

    def changed(at):
        return token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]

    other = rsa.generate_private_key(65537, 2048).public_key()
    refusals = [
        ("type", changed(1), {}),
        ("signature", changed(2), {}),
        ("signature", changed(33), {}),
        ("challenge", changed(34), {}),
        ("key", changed(66), {}),
        ("signature", changed(SIGNED), {}),
        ("signature", changed(SIZE - 1), {}),
        ("size", token[:-1], {}),
        ("size", token + b"\0", {}),
        ("signature", token, {"salt": 32}),
        ("signature", token, {"salt": 0}),
        ("signature", token, {"digest": SHA256}),
        ("signature", token, {"keys": {token[66:98]: other}}),
        ("key", token, {"keys": {}}),
        ("challenge", token, {"challenge": challenge + b"x"}),
    ]
    for number, (want, bad, otherwise) in enumerate(refusals):
        try:
            check(bad, **{"keys": keys, "challenge": challenge, **otherwise})
        except Bad as refused:
            need(str(refused) == want, f"copy {number} is refused for {refused}, not for {want}")
        else:
            raise Bad(f"copy {number}, with another {want}, verifies")
    print(f"{NAME}: the token verifies by one of {len(keys)} published keys, {len(refusals)} changed copies refused")
    return 0


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except Exception as error:
        print(f"{NAME}: {type(error).__name__}: {error}")
        code = 1
    print(NAME, "FAIL" if code else "PASS")
    sys.exit(code)
