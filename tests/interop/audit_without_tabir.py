#!/usr/bin/env python3
"""An audit of a copied log without any of Tabir's software: Python's standard library, and Ed25519 from `cryptography`.

    audit_without_tabir.py TRUST.JSON FOLDER      one line a failure, then a verdict; exit code 3 if something failed
    audit_without_tabir.py --compare NAME FOLDER  every copy in FOLDER (its own trust.json in it) against the failures
                                                  that its file `expected` lists; NAME and PASS or FAIL at the end

FOLDER is what `tabir audit fetch` leaves, or curl by docs/auditing.md, which explains each step. The checks have the
names of docs/protocol.md, "Audit". Not checked: the proof in `council.checked` (its form is), and whether X-Wing keys are
sound.
"""

import sys
from pathlib import Path

from auditor.governance import Governance
from auditor.log import Bad, Log, canonical_base64, need, sha256, verify
from auditor.statements import strict_json
from auditor.windows import Windows

LOGS = ("governance", "intake")


def trust_root(data):
    """The payload of trust.json, signed by its own auditors' quorum. Whether it is the right one is for people to say."""
    wire = strict_json(data)
    payload, kind = canonical_base64(wire["payload"]), b"application/vnd.tabir.trust.root+json"
    need(wire["payloadType"].encode() == kind, "verb")
    root = strict_json(payload)
    keys = {sha256(bytes.fromhex(key)).hex(): bytes.fromhex(key) for key in root["auditors"]}
    pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    signed = {s["keyid"] for s in wire["signatures"] if s["keyid"] in keys}
    for s in wire["signatures"]:
        if s["keyid"] in keys:
            verify(keys[s["keyid"]], pae, canonical_base64(s["sig"]))
    need(len(signed) >= root["auditor_quorum"], "trust")
    return root


def audit(root, folder):
    """docs/auditing.md, steps 2 to 10. Failures as (check, what, log, entry, window), and what was read."""
    logs, failures = {}, []
    for name in LOGS:
        try:
            logs[name] = Log(folder, name, root)
        except Bad as bad:
            failures.append(("log.tree", str(bad), name, None, None))
    now = max((log.newest.time for log in logs.values()), default=0)
    governance = Governance(root)
    if "governance" in logs:
        governance.read(logs["governance"])
        governance.notices(now)
    windows = Windows(governance.policies)
    if "intake" in logs:
        windows.read(logs["intake"], governance.signers)
        windows.judge(now)
    failures += governance.failures + windows.failures
    for name, log in logs.items():
        failures += [("log.times", "back", name, entry, None) for entry in log.times_that_go_back()]
    return failures, logs, governance, now


def line(failure):
    check, what, log, entry, window = failure
    place = [log, entry, None if window is None else f"window {window}"]
    return " ".join([check, what, *(str(part) for part in place if part is not None)])


def report(trust, folder):
    root = trust_root(Path(trust).read_bytes())
    failures, logs, governance, now = audit(root, folder)
    for failure in sorted(failures, key=str):
        print("FAILED", line(failure))
    sizes = ", ".join(f"{name} {len(log.leaves)}" for name, log in logs.items())
    outcomes = {}
    for request in governance.requests.values():
        status = request.status(now)
        outcomes[status] = outcomes.get(status, 0) + 1
    print(f"entries: {sizes}; requests: {outcomes or 'none'}")
    print(f"{len(failures)} failure(s)")
    return 3 if failures else 0


def compare(name, folder):
    """One file of lines `check what log entry window…`, as another program found them, beside each copy."""
    copies = sorted(path.parent for path in Path(folder).glob("*/expected"))
    need(copies, "no copies to compare")
    wrong = clean = 0
    for copy in copies:
        failures, *_ = audit(trust_root((copy / "trust.json").read_bytes()), copy)
        found = sorted(place(line(failure)) for failure in failures)
        expected = sorted(place(text) for text in (copy / "expected").read_text().splitlines())
        clean += not found
        if found != expected:
            wrong += 1
            print(f"{copy.name}: found {found}, expected {expected}")
    print(f"{name}: {len(copies)} copies, {clean} of them clean, {wrong} with another verdict")
    print(name, "FAIL" if wrong else "PASS")
    return 1 if wrong else 0


def place(text):
    """Check, log, entry and window; what exactly is wrong each program says in its own words."""
    check, _what, *rest = text.split(" reports ")[0].split()
    return " ".join([check, *rest])


def main(args):
    if len(args) == 3 and args[0] == "--compare":
        return compare(*args[1:])
    if len(args) == 2:
        return report(*args)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
