#!/usr/bin/env python3
"""PyPI's aics-tlog against a log of Tabir.

    log_aics.py KEYS.JSON LOG...      LOG: a folder, or an address; one line each, `accepted` or `rejected` and at which step

README.md has KEYS.JSON and the steps. Every check is the library's own work; from here come only the order and the paths of
the kept checkpoints, which C2SP does not have.
"""

import json
import sys
import urllib.request
from pathlib import Path

from aics_tlog import (
    HttpTileReader,
    VerifiedTileReader,
    WitnessPolicy,
    audit_tiles,
    consistency_proof_from_tiles,
    inclusion_proof_from_tiles,
    parse_note,
    parse_vkey,
    verify_checkpoint,
    verify_consistency,
    verify_leaf_inclusion,
)

TIMEOUT_S = 10


class Rejected(Exception):
    pass


def url(log):
    return log if log.startswith("http://") else Path(log).resolve().as_uri()


def read(log, path):
    with urllib.request.urlopen(f"{url(log)}/{path}", timeout=TIMEOUT_S) as answer:
        return answer.read()


def checkpoint(keys, data):
    policy = WitnessPolicy.from_dict({"quorum": keys["quorum"], "witnesses": keys["witnesses"]})
    result = verify_checkpoint(parse_note(data), parse_vkey(keys["log"]), policy=policy, expected_origin=keys["origin"])
    if not result.ok:
        raise Rejected(result.error)
    return result


def entries(reader, head):
    audit_tiles(reader, head.size, head.root)
    proven = VerifiedTileReader(reader, head.size, head.root)
    # The first and the last of each bundle once more, by a proof of its own.
    for index in sorted({i for start in range(0, head.size, 256) for i in (start, min(start + 255, head.size - 1))}):
        proof = inclusion_proof_from_tiles(proven, index, head.size)
        if not verify_leaf_inclusion(proven.entry(index), index, head.size, proof, head.root):
            raise Rejected(f"no proof of entry {index}")


def kept(keys, log, reader, head):
    proven = VerifiedTileReader(reader, head.size, head.root)
    sizes = json.loads(read(log, "checkpoints.json"))["sizes"]
    for size in sizes:
        old = checkpoint(keys, read(log, f"checkpoints/{size}"))
        proof = consistency_proof_from_tiles(proven, size, head.size) if size else []
        if old.size != size or not verify_consistency(size, head.size, old.root, head.root, proof):
            raise Rejected(f"the newest tree does not extend that of {size}")
    return len(sizes)


def verify(keys, log):
    step = "checkpoint"
    try:
        head = checkpoint(keys, read(log, "checkpoint"))
        reader = HttpTileReader(f"{url(log)}/", timeout=TIMEOUT_S, proxies={})
        step = "tiles"
        audit_tiles(reader, head.size, head.root, entries=False)
        step = "entries"
        entries(reader, head)
        step = "kept"
        return f"accepted: {head.size} entries, {kept(keys, log, reader, head)} kept checkpoints"
    except (Rejected, ValueError, LookupError, OSError) as error:
        return f"rejected: {step}: {error}"


def main(args):
    if len(args) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    keys = json.loads(Path(args[0]).read_text())
    for log in args[1:]:
        print(f"{Path(log).name}: {verify(keys, log)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
