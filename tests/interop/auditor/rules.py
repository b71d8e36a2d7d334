"""Whose signatures a statement needs: the table of docs/protocol.md, "Verbs". docs/auditing.md, step 6.

Answer of `rule`: sets of groups, of which one set must be met, and who may stand beside. A group is (how many, keys).
"""

from .log import need

KIND_ROLE = {"token": "issuer", "intake": "forwarder", "warden": "warden"}


class Signers:
    def __init__(self, root, state):
        self.state = state
        self.roles = {role: bytes.fromhex(key) for role, key in root["identities"].items()}
        self.auditors = [bytes.fromhex(key) for key in root["auditors"]]
        self.quorum = root["auditor_quorum"]

    def role(self, name):
        return (1, [self.roles[name]])

    def some_auditors(self, least):
        return (least, self.auditors)

    def check(self, statement):
        """Answer: the keys that signed. What is wrong with the signatures is raised as such, all else before."""
        sets, beside = self.rule(statement.verb, statement.body)
        known = [key for groups in sets for _, keys in groups for key in keys] + beside
        signed = statement.signed_by(known)
        met = [all(len(signed & set(keys)) >= least for least, keys in groups) for groups in sets]
        need(any(met), "insufficient-signatures")
        return signed

    def rule(self, verb, body):
        state = self.state
        by_auditors = self.some_auditors(self.quorum)

        def official(council, index):
            return [[(1, [council.key(index)])]], []

        if verb == "key.announced":
            need(body["kind"] in KIND_ROLE and body["role"] == KIND_ROLE[body["kind"]], "field")
            groups = [self.role(body["role"])]
            if body["kind"] == "warden":
                groups.append(by_auditors)
            return [groups], self.auditors if body["kind"] == "token" else []
        if verb == "key.retired":
            kind, _ = state.kind_and_epoch(body["key_id"])
            return [[self.role(KIND_ROLE[kind])], [by_auditors]], []
        if verb == "key.custody":
            kind, _ = state.kind_and_epoch(body["key_id"])
            need(kind == "warden", "field")
            if body["act"] == "restored":
                return [[self.role("warden")]], self.auditors
            holders = body["holders"] if body["act"] == "split" else state.holders(body["key_id"])
            need(body["act"] != "split" or set(holders) <= set(self.auditors), "unknown-key")
            return [[self.role("warden"), (len(holders), holders)]], []
        if verb in ("council.formed", "council.refreshed", "council.reshared"):
            return self.council(verb, state.parsed_council(body))
        if verb == "council.retired":
            council = state.council(body["council_id"])
            return [[(council.t, list(council.keys.values()))]], []
        if verb == "council.checked":
            return official(state.council(body["council_id"]), body["index"])
        if verb == "policy.set":
            return [[self.role("gateway"), self.some_auditors(1)]], []
        if verb == "page.built":
            return [[by_auditors]], []
        if verb == "unseal.requested":
            return official(state.council(body["council_id"]), body["requester"])
        if verb.startswith("unseal."):
            return self.unseal(verb, body)
        if verb in ("report.accepted", "report.erased"):
            return [[self.role("gateway")]], []
        if verb.startswith("report."):
            return [[self.role("forwarder")]], []
        return [[(1, list(self.roles.values()))]], []  # retention.counts

    def council(self, verb, new):
        taken = set(self.roles.values()) | set(self.auditors)
        need(not taken & set(new.keys.values()), "duplicate")
        groups = [(new.n, list(new.keys.values())), self.role("warden")]
        old, newest = self.state.current(new.lineage), self.state.newest_council()

        def consent(council):
            return (council.t, list(council.keys.values()))

        if verb != "council.formed":
            need(old is not None, "context")
            return [groups + [self.some_auditors(1), consent(old)]], []
        if newest is None:
            return [groups + [self.some_auditors(1)]], []
        # Who leaves in a removal signs the new key too.
        before = self.state.council_before_newest()
        beside = list(before.keys.values()) if before else []
        sets = [groups + [self.some_auditors(1), consent(newest)], groups + [self.some_auditors(self.quorum)]]
        return sets, beside

    def unseal(self, verb, body):
        request = self.state.request(body["request_hash"])
        council = self.state.council(request.body["council_id"])
        if verb in ("unseal.approved", "unseal.refused", "unseal.withdrawn"):
            need(body["council_id"] == request.body["council_id"], "context")
        if verb in ("unseal.approved", "unseal.refused", "unseal.withdrawn", "unseal.partial"):
            return [[(1, [council.key(body["index"])])]], []
        if verb == "unseal.released":
            return [[self.role("warden")]], self.auditors
        if verb == "unseal.opened" or (verb == "unseal.failed" and request.release):
            need(request.release, "order")
            return [[(request.t, [council.key(i) for i in request.approvers()])]], []
        return [[self.role("warden")]], []  # declined, notice, failed before a release
