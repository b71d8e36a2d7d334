"""The governance log from entry 0: keys, councils, policy, and each request's steps in their order.

docs/protocol.md, "Which key counts", "Opening"; docs/auditing.md, steps 7 to 9. An entry that is refused changes nothing,
but for a second key of one epoch and for a release that came too early: what is out is out.
"""

from .council import Council
from .log import Bad, need, sha256
from .rules import Signers
from .statements import INTAKE, Statement

DAY, HOUR = 86400, 3600
BEFORE = {"outer", "label", "case-sig", "proof", "request"}
AFTER = {"commitment", "aead", "record", "none"}
SIGNATURES = {"unknown-key", "insufficient-signatures", "signature"}
ALLOWED = {
    "requested": {"unseal.approved", "unseal.refused", "unseal.withdrawn", "unseal.declined"},
    "released": {"unseal.partial", "unseal.opened", "unseal.failed"},
}
ALLOWED["approved"] = ALLOWED["requested"] | {"unseal.released", "unseal.failed"}


class Request:
    def __init__(self, entry, at, body, terms):
        self.entry, self.at, self.body = entry, at, body
        self.t, self.n, self.cooling_off, self.life, self.partial_life, longest = terms
        self.approvals, self.refusals, self.partials = {}, set(), set()
        self.release = self.ended = None
        self.void = self.notice = False
        if "deferred_until" in body:
            need(body["deferred_until"] <= min(body["at"], at) + HOUR + longest, "order")

    def approvers(self):
        return [handout["index"] for handout in self.release["body"]["handouts"]]

    def status(self, now):
        if self.ended:
            return self.ended
        if self.release:
            return "lapsed" if now >= self.release["at"] + self.partial_life else "released"
        if self.void:
            return "void"
        if now >= self.at + self.cooling_off + self.life:
            return "expired"
        return "approved" if len(self.approvals) >= self.t else "requested"

    def check(self, verb, body, entry, at, by_auditor):
        if verb == "unseal.notice":
            until = self.body.get("deferred_until")
            return need(until is not None and not self.notice and at >= until, "order")
        need(verb in ALLOWED.get(self.status(at), ()), "order")
        if verb in ("unseal.approved", "unseal.refused"):
            need(body["index"] not in self.approvals and body["index"] not in self.refusals, "duplicate")
        if verb == "unseal.approved":
            need(body.get("deferred_until") == self.body.get("deferred_until"), "context")
            need(len(body["kem_pk"]) == 1216, "size")
        elif verb == "unseal.withdrawn":
            need(body["index"] == self.body["requester"], "order")
        elif verb == "unseal.failed":
            need(body["code"] in (AFTER if self.release else BEFORE), "order")
        elif verb == "unseal.partial":
            need(not self.release["early"], "cooling-off")
            need(body["index"] in self.approvers(), "order")
            need(body["index"] not in self.partials, "duplicate")
            need([p["index"] for p in body["partials"]] == self.approvers(), "context")
        elif verb == "unseal.opened":
            need(len(self.partials) >= self.t, "too-few")
        elif verb == "unseal.released":
            named = [handout["index"] for handout in body["handouts"]]
            need(self.entry < body["tree_size"] <= entry, "order")
            need(named == sorted(set(named)), "order")
            need(len(named) >= self.t, "too-few")
            need(all(self.approvals.get(i, entry) < body["tree_size"] for i in named), "order")
            need(by_auditor or at >= self.at + self.cooling_off, "cooling-off")

    def take(self, verb, body, entry, at, by_auditor):
        if verb == "unseal.approved":
            self.approvals[body["index"]] = entry
        elif verb == "unseal.refused":
            self.refusals.add(body["index"])
            if len(self.refusals) > self.n - self.t:
                self.ended = "refused"
        elif verb == "unseal.released":
            early = not by_auditor and at < self.at + self.cooling_off
            self.release = {"entry": entry, "at": at, "body": body, "by_auditor": by_auditor, "early": early}
        elif verb == "unseal.partial":
            self.partials.add(body["index"])
        elif verb == "unseal.notice":
            self.notice = True
        else:
            self.ended = verb.split(".")[1]


class Governance:
    def __init__(self, root):
        self.root, self.signers = root, Signers(root, self)
        self.seen, self.policy, self.policies = set(), None, []
        self.keys, self.key_ids = {}, {}  # (kind, epoch) -> key ids; key id -> (kind, epoch)
        self.ends, self.custody = {}, {}  # key id -> when the key is over; key id -> (holders, destroyed)
        self.councils, self.lineages = {}, {}  # by id; lineage -> its councils, oldest first
        self.requests, self.request_ids = {}, set()
        self.failures = []

    def read(self, log):
        for entry, (leaf, at) in enumerate(zip(log.leaves, log.times)):
            try:
                self.entry(entry, leaf, at)
            except Failed as failed:
                self.failures.append((failed.check, str(failed.bad), log.name, entry, None))
        self.named_checkpoints(log)
        self.cap()

    def entry(self, entry, leaf, at):
        try:
            statement = Statement(leaf)
            need(statement.verb not in INTAKE, "verb")
        except Bad as bad:
            raise Failed("governance.entries", bad) from None
        if statement.pae_hash in self.seen:
            raise Failed("governance.once", Bad("duplicate"))
        try:
            signed = self.signers.check(statement)
            self.seen.add(statement.pae_hash)
            self.take(statement, entry, at, bool(signed & set(self.signers.auditors)))
        except Bad as bad:
            raise Failed(self.check_of(statement, str(bad)), bad) from None

    def check_of(self, statement, what):
        verb, body = statement.verb, statement.body
        if what in SIGNATURES:
            return "governance.signatures"
        if verb.startswith("key."):
            return "keys.one-per-epoch" if what == "key-conflict" else "keys.sound"
        if verb == "policy.set":
            return "policy.sound"
        if verb.startswith("council."):
            return "councils.sound"
        if verb == "unseal.released" and what == "cooling-off":
            return "unseal.cooling-off"
        if "request_hash" in body and body["request_hash"] not in self.requests:
            return "unseal.requested"
        return "unseal.approvals" if verb in ("unseal.approved", "unseal.refused") else "unseal.order"

    # What the rules ask.
    def council(self, council_id):
        need(council_id in self.councils, "context")
        return self.councils[council_id]

    def parsed_council(self, body):
        return Council(body)

    def current(self, lineage):
        return self.lineages[lineage][-1] if lineage in self.lineages else None

    def newest_council(self):
        return list(self.lineages.values())[-1][-1] if self.lineages else None

    def council_before_newest(self):
        newest = list(self.lineages.values())[-1] if self.lineages else []
        return newest[-2] if len(newest) > 1 else None

    def kind_and_epoch(self, key_id):
        need(key_id in self.key_ids, "context")
        return self.key_ids[key_id]

    def holders(self, key_id):
        return self.custody.get(key_id, ([], False))[0]

    def request(self, request_hash):
        need(request_hash in self.requests, "context")
        return self.requests[request_hash]

    # What an entry must fit, and what it changes.
    def take(self, statement, entry, at, by_auditor):
        verb, body = statement.verb, statement.body
        if verb == "key.announced":
            self.take_key(body)
        elif verb == "key.retired":
            self.ends[body["key_id"]] = 0
        elif verb == "key.custody":
            self.take_custody(body, at)
        elif verb in ("council.formed", "council.refreshed", "council.reshared"):
            self.take_council(verb, body)
        elif verb == "council.retired":
            council = self.council(body["council_id"])
            need(not council.retired, "duplicate")
            council.retired, council.given_up = True, "sealed.lost" in body["codes"]
        elif verb == "council.checked":
            council = self.council(body["council_id"])
            need(self.current(council.lineage) is council and body["tree_size"] <= entry, "order")
            # The partial's head: version, council, request (here the checkpoint's hash), checkpoint (zeros), index.
            head = b"\x01" + council.id + body["checkpoint_hash"] + bytes(32) + body["index"].to_bytes(2, "big")
            need(len(body["partial"]) == 195 and body["partial"].startswith(head), "context")
        elif verb == "policy.set":
            need(body["version"] == (self.policy["version"] if self.policy else 0) + 1, "field")
            self.policy = body
            self.policies.append((body, at))
        elif verb == "unseal.requested":
            self.take_request(statement, entry, at)
        elif verb.startswith("unseal."):
            request = self.request(body["request_hash"])
            try:
                request.check(verb, body, entry, at, by_auditor)
            except Bad as bad:
                if (verb, str(bad)) == ("unseal.released", "cooling-off"):
                    request.take(verb, body, entry, at, by_auditor)
                raise
            request.take(verb, body, entry, at, by_auditor)

    def take_key(self, body):
        need(body["not_before"] < body["not_after"], "field")
        need(len(body["key"]) == (342 if body["kind"] == "token" else 1216), "size")
        place, key_id = (body["kind"], body["epoch"]), sha256(body["key"])
        fresh = place not in self.keys and key_id not in self.key_ids
        self.keys.setdefault(place, []).append(key_id)
        self.key_ids.setdefault(key_id, place)
        self.ends.setdefault(key_id, body["not_after"])
        need(fresh, "key-conflict")

    def take_custody(self, body, at):
        key_id, act = body["key_id"], body["act"]
        holders, destroyed = self.custody.get(key_id, ([], False))
        if act == "split":
            need(not holders, "duplicate")
            holders = body["holders"]
        elif act == "restored":
            need(holders, "order")
        else:
            need(not destroyed, "duplicate")
            need(at is None or self.ends[key_id] <= at, "order")
        need(not destroyed, "order")
        self.custody[key_id] = (holders, act == "destroyed")

    def take_council(self, verb, body):
        new, old = Council(body), self.current(body["lineage"])
        if verb == "council.formed":
            need(old is None and new.epoch == 1, "context")
        else:
            need(old is not None and new.epoch == old.epoch + 1, "context")
            need(verb == "council.reshared" or (new.t, new.keys) == (old.t, old.keys), "context")
            new.retired, new.given_up = old.retired, old.given_up
            for request in self.requests.values():
                if request.body["council_id"] == old.id and not request.ended and not request.release:
                    request.void = True
        self.councils[new.id] = new
        self.lineages.setdefault(new.lineage, []).append(new)

    def take_request(self, statement, entry, at):
        body = statement.body
        council = self.council(body["council_id"])
        need(self.current(council.lineage) is council, "order")
        need(not council.given_up, "not-active")
        need(body["request_id"] not in self.request_ids, "duplicate")
        lives = [self.policy[name] if self.policy else 7 * DAY for name in ("request_life_s", "partial_life_s")]
        terms = (council.t, council.n, self.root["cooling_off_s"], *lives, self.root["deferral_max_s"])
        self.requests[statement.entry_hash] = Request(entry, at, body, terms)
        self.request_ids.add(body["request_id"])

    # What is judged over all entries.
    def named_checkpoints(self, log):
        for entry, leaf in enumerate(log.leaves):
            try:
                body = Statement(leaf).body
            except Bad:
                continue
            size = body.get("tree_size", body.get("base_size"))
            named = body.get("checkpoint_hash", body.get("base_checkpoint"))
            if named and (size not in log.kept or log.kept[size].hash != named):
                self.failures.append(("governance.checkpoints", "context", log.name, entry, None))

    def cap(self):
        days = {}
        for request in self.requests.values():
            if request.release and not request.release["by_auditor"]:
                days.setdefault(request.release["at"] // DAY, []).append(request.release["entry"])
        for entries in days.values():
            for entry in sorted(entries)[self.root["release_cap_per_day"] :]:
                self.failures.append(("unseal.cap", "cap", "governance", entry, None))

    def notices(self, now):
        for request in self.requests.values():
            until = request.body.get("deferred_until")
            if until is not None and not request.notice and until + HOUR <= now:
                self.failures.append(("unseal.notice", "overdue", "governance", request.entry, None))


class Failed(Exception):
    """A check that failed, with what is wrong."""

    def __init__(self, check, bad):
        super().__init__(check)
        self.check, self.bad = check, bad
