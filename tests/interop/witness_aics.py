#!/usr/bin/env python3
"""PyPI's aics-witness and aics-tlog as a log that asks a witness: `tabir witness`, or any other.

    witness_aics.py vkey             the verifier key of the log that this program is, for the witness's list
    witness_aics.py ask URL VKEY     asks that witness, which must know the log and have cosigned nothing of it
"""

import sys
import urllib.error
import urllib.request
from hashlib import sha256
from importlib.metadata import version

from aics_tlog import (
    Checkpoint,
    MerkleTree,
    WitnessPolicy,
    format_vkey,
    parse_note,
    parse_vkey,
    sign_checkpoint,
    verify_checkpoint,
    vkey_from_ed25519,
)
from aics_witness import WitnessAhead, WitnessClient, WitnessRejected, merge_cosignatures
from aics_witness.protocol import format_add_checkpoint_request
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

NAME = f"aics-witness {version('aics-witness')} as a log"
ORIGIN = "aics.example/log"
KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (7, 8))
VKEY = vkey_from_ed25519(ORIGIN, KEY.public_key())


def leaves(what, count):
    return [f"{what} {n}".encode() for n in range(count)]


TREE = MerkleTree(leaves("entry", 310))
# The same first 300, then others.
FORK = MerkleTree(leaves("entry", 300) + leaves("other", 20))


def note(tree, size, key=KEY, origin=ORIGIN):
    return sign_checkpoint(Checkpoint(origin, size, tree.root(size)), key, origin).to_bytes()


def need(ok, what):
    if not ok:
        raise AssertionError(what)


def post(url, body, method="POST"):
    """Status, media type and body of a bare request."""
    request = urllib.request.Request(url + "/add-checkpoint", data=body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers.get_content_type(), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get_content_type(), error.read()


def cosigned(vkey, signed, size):
    policy = WitnessPolicy.from_dict({"quorum": 1, "witnesses": [vkey], "max_checkpoint_age": 60})
    result = verify_checkpoint(parse_note(signed), VKEY, policy=policy, expected_origin=ORIGIN)
    need(result.ok and result.size == size, f"not a cosigned checkpoint of {size}: {result.error}")


def accepted(url, vkey):
    """First contact, growth, a client that has forgotten, the same again. Every line is verified by the library."""
    client = WitnessClient(url, vkey)
    for size in (3, 256, 300):
        cosigned(vkey, merge_cosignatures(note(TREE, size), client.submit(note(TREE, size), TREE.consistency_proof)), size)
    client.submit(note(TREE, 300), TREE.consistency_proof)
    # It starts from 0, is told 300 by a 409, and proves from there.
    WitnessClient(url, vkey).submit(note(TREE, 301), TREE.consistency_proof)


def refused(url, vkey):
    """Each submission, and how it must end."""
    client = WitnessClient(url, vkey)
    proof = list(TREE.consistency_proof(301, 310))
    broken = [bytes([proof[0][0] ^ 1]) + proof[0][1:], *proof[1:]]
    submissions = [
        ("another tree of the same size", note(FORK, 301), (301, []), 422),
        ("another tree that grew", note(FORK, 310), (301, FORK.consistency_proof(301, 310)), 422),
        ("a broken proof", note(TREE, 310), (301, broken), 422),
        ("no proof", note(TREE, 310), (301, []), 422),
        ("a longer proof", note(TREE, 310), (301, [*proof, bytes(32)]), 422),
        ("another key", note(TREE, 310, key=OTHER_KEY), (301, proof), 403),
        ("another log", note(TREE, 310, origin="aics.example/other"), (301, proof), 404),
    ]
    for what, signed, source, status in submissions:
        try:
            client.submit(signed, source)
        except WitnessRejected as rejected:
            need(rejected.status == status, f"{what}: {rejected.status}, not {status}")
        else:
            raise AssertionError(f"{what} was cosigned")
    try:
        client.submit(note(TREE, 100), TREE.consistency_proof)
    except WitnessAhead as ahead:
        need(ahead.known_size == 301, f"it names {ahead.known_size}")
    else:
        raise AssertionError("a smaller tree was cosigned")

    good = format_add_checkpoint_request(301, proof, note(TREE, 310))
    bodies = [
        ("nothing", b"", 400),
        ("no empty line", good.replace(b"\n\n", b"\n"), 400),
        ("no old size", good.replace(b"old 301\n", b""), 400),
        ("an old size with a zero before it", good.replace(b"old 301", b"old 0301"), 400),
        ("an old size below nothing", good.replace(b"old 301", b"old -1"), 400),
        ("an old size above the new one", format_add_checkpoint_request(311, [], note(TREE, 310)), 400),
        ("64 hashes", format_add_checkpoint_request(301, [], b"\n").rstrip() + b"\n" + (b"A" * 43 + b"=\n") * 64 + b"\n" + note(TREE, 310), 400),
        ("half a hash", good.replace(b"\n", b"\nAAAA\n", 1), 400),
        ("no signature", format_add_checkpoint_request(301, proof, note(TREE, 310).split(b"\n\n")[0] + b"\n"), 400),
        ("a control character", good.replace(b"aics.example/log\n", b"aics.example/log\r\n"), 400),
        ("too much", good + b"x" * (300 << 10), 413),
    ]  # fmt: skip
    for what, body, status in bodies:
        found = post(url, body)[0]
        # Too much is also refused as malformed by some, and as 413 by others.
        need(found == status or (status == 413 and found == 400), f"{what}: {found}, not {status}")
    need(post(url, None, "GET")[0] == 405, "GET add-checkpoint")
    return len(submissions) + 1 + len(bodies)


def ask(url, vkey):
    url = url.rstrip("/")
    parse_vkey(vkey)
    accepted(url, vkey)
    count = refused(url, vkey)
    # A stale old size names the true one, in C2SP's media type.
    status, kind, body = post(url, format_add_checkpoint_request(3, TREE.consistency_proof(3, 310), note(TREE, 310)))
    need((status, kind, body) == (409, "text/x.tlog.size", b"301\n"), f"a stale size: {status} {kind} {body}")
    # None of that moved it: what it shows is the last that it cosigned, and it goes on from there.
    shown = f"{url}/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
    with urllib.request.urlopen(shown, timeout=10) as answer:
        cosigned(vkey, answer.read(), 301)
    WitnessClient(url, vkey).submit(note(TREE, 310), TREE.consistency_proof)
    print(f"{NAME}: 6 checkpoints cosigned, {count} requests refused")


def main(args):
    if args == ["vkey"]:
        print(format_vkey(VKEY))
        return 0
    if len(args) != 3 or args[0] != "ask":
        print(__doc__, file=sys.stderr)
        return 2
    try:
        ask(*args[1:])
        code = 0
    except Exception as error:
        print(f"{NAME}: {type(error).__name__}: {error}")
        code = 1
    print(NAME, "FAIL" if code else "PASS")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
