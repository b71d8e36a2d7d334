"""The intake log: accepted versus forwarded, window by window.

docs/protocol.md, "Accepted versus forwarded"; docs/auditing.md, step 10.
"""

from .governance import Failed
from .log import Bad, need
from .statements import INTAKE, Statement

GRACE_MAX_S = 3600
POLICY_GRACE_S = 72 * 3600
SETTLED = ("report.forwarded", "report.refused")


class Window:
    def __init__(self, entry, body):
        self.entry = entry
        self.times = (body["opens"], body["closes"], body["deadline"])
        self.period = max(body["deadline"] - body["closes"], 1)
        self.parts, self.count, self.pairs = {}, body["parts"], []
        self.broken = False

    def judged_from(self, round_):
        return self.times[2] + self.period * round_ + min(self.period // 2, GRACE_MAX_S)

    def round_due(self, now):
        return (now - self.judged_from(0)) // self.period if now >= self.judged_from(0) else None


def in_order(parts):
    items = [item for part in sorted(parts) for item in parts[part]]
    return all(a < b for a, b in zip(items, items[1:]))


class Windows:
    def __init__(self, policies):
        # Of each policy, with its witnessed time and that of the next one.
        ends = [at for _, at in policies[1:]] + [None]
        self.lengths = [
            (max(p["window_s"], 1), max(p["forward_s"], 1), at, end) for (p, at), end in zip(policies, ends)
        ]
        self.windows, self.accepted, self.home = {}, set(), {}
        self.fates = {}  # (window, round, verb) -> (first entry, number of parts, parts)
        self.said = {}  # window -> nf -> {verb: (round, entry)}
        self.failures = []

    def lengths_at(self, opens):
        """By what policies a window may be that opens then: not by one that was replaced three days before."""
        return [(w, f) for w, f, _, end in self.lengths if end is None or end + POLICY_GRACE_S > opens]

    def next_due(self):
        """When the next window is missed at the latest."""
        if self.windows:
            last = self.windows[max(self.windows)]
            lengths = [w for w, _ in self.lengths_at(last.times[1])] + [last.times[1] - last.times[0]]
            return last.judged_from(0) + max(lengths)
        if self.lengths:
            return self.lengths[0][2] + max(w + f + min(f // 2, GRACE_MAX_S) for w, f, _, _ in self.lengths)
        return None

    def fail(self, check, what, window, entry=None):
        self.failures.append((f"windows.{check}", what, "intake" if entry is not None else None, entry, window))

    def read(self, log, signers):
        seen = set()
        for entry, (leaf, at) in enumerate(zip(log.leaves, log.times)):
            try:
                statement = self.statement(leaf, signers, seen)
            except Failed as failed:
                self.failures.append((failed.check, str(failed.bad), log.name, entry, None))
                continue
            if statement.verb == "report.accepted":
                self.take_accepted(entry, statement.body, at)
            elif statement.verb == "report.erased":
                self.take_erased(entry, statement.body)
            elif statement.verb != "retention.counts":
                self.take_fate(entry, statement.verb, statement.body)

    def statement(self, leaf, signers, seen):
        try:
            statement = Statement(leaf)
            need(statement.verb in INTAKE, "verb")
        except Bad as bad:
            raise Failed("intake.entries", bad) from None
        try:
            signers.check(statement)
        except Bad as bad:
            raise Failed("intake.signatures", bad) from None
        if statement.pae_hash in seen:
            raise Failed("intake.once", Bad("duplicate"))
        seen.add(statement.pae_hash)
        return statement

    def take_accepted(self, entry, body, at):
        w, times = body["w"], (body["opens"], body["closes"], body["deadline"])
        if at < body["closes"]:
            self.fail("sequence", "early", w, entry)
        if w not in self.windows:
            last = max(self.windows, default=0)
            lengths = (body["closes"] - body["opens"], body["deadline"] - body["closes"])
            if w != last + 1:
                self.fail("sequence", "number", w, entry)
            elif min(lengths) <= 0 or (last and self.windows[last].times[1] != body["opens"]):
                self.fail("sequence", "times", w, entry)
            elif self.lengths and lengths not in self.lengths_at(body["opens"]):
                self.fail("sequence", "policy", w, entry)
            self.windows[w] = Window(entry, body)
        window = self.windows[w]
        if times != window.times or not self.part(window.parts, window.count, body, [a for a, _ in body["pairs"]]):
            return self.fail("parts", "part", w, entry)
        window.pairs += body["pairs"]
        new = {a for a, _ in body["pairs"]}
        if len(new) < len(body["pairs"]) or new & self.accepted:
            self.fail("once", "twice", w, entry)
        self.accepted |= new

    @staticmethod
    def part(parts, count, body, items):
        fits = body["parts"] == count and 1 <= body["part"] <= count and body["part"] not in parts
        if fits:
            parts[body["part"]] = items
        return fits

    def note(self, w, nf, verb, round_, entry):
        """What is said about one report; whether that was said before, or in another window."""
        elsewhere = self.home.setdefault(nf, w) != w
        said = self.said.setdefault(w, {}).setdefault(nf, {})
        if verb == "report.pending":
            said[verb] = max(said.get(verb, (-1, -1)), (round_, entry))
            return elsewhere
        again = verb in said
        said.setdefault(verb, (round_, entry))
        return elsewhere or again

    def take_fate(self, entry, verb, body):
        w = body["w"]
        first = self.fates.setdefault((w, body["round"], verb), (entry, body["parts"], {}))
        if not self.part(first[2], first[1], body, body["nf"]):
            return self.fail("parts", "part", w, entry)
        if any([self.note(w, nf, verb, body["round"], entry) for nf in body["nf"]]):
            self.fail("once", "twice", w, entry)

    def take_erased(self, entry, body):
        nfs = [nf for nf, _ in body["items"]]
        if not in_order({1: nfs}):
            self.fail("parts", "unsorted", body["w"], entry)
        if any([self.note(body["w"], nf, "report.erased", body["round"], entry) for nf in nfs]):
            self.fail("once", "twice", body["w"], entry)

    def judge(self, now):
        """All counts, by the newest witnessed time."""
        for (w, round_, _), (entry, count, parts) in self.fates.items():
            if not in_order(parts):
                self.fail("parts", "unsorted", w, entry)
            if len(parts) < count and w in self.windows and now >= self.windows[w].judged_from(round_):
                self.fail("parts", "incomplete", w, entry)
        for w, said in self.said.items():
            if w not in self.windows:
                self.fail("sequence", "unknown", w, min(entry for s in said.values() for _, entry in s.values()))
            both, settled = self.contradictions(said)
            last = max(both + settled, default=None)
            if both:
                self.fail("disjoint", "both", w, last)
            if settled:
                self.fail("pending", "settled", w, last)
        for w, window in self.windows.items():
            self.judge_window(w, window, now)
        due = self.next_due()
        if due is not None and now >= due:
            self.fail("sequence", "overdue", max(self.windows, default=0) + 1)

    @staticmethod
    def contradictions(said):
        """Last entries that contradict what was said before: both forwarded and refused; pending though settled."""
        both, settled = [], []
        for s in said.values():
            done = [s[verb] for verb in SETTLED if verb in s]
            if len(done) == 2:
                both.append(max(entry for _, entry in s.values()))
            if done and "report.pending" in s and min(done)[0] <= s["report.pending"][0]:
                settled.append(s["report.pending"][1])
        return both, settled

    def judge_window(self, w, window, now):
        due = window.round_due(now)
        if not in_order(window.parts):
            self.fail("parts", "unsorted", w, window.entry)
        if len(window.parts) < window.count:
            if due is not None:
                self.fail("parts", "incomplete", w, window.entry)
            return
        said = self.said.get(w, {})
        if len(said) > len(window.pairs):
            self.fail("counts", "surplus", w, window.entry)
        if due is not None and len(said) < len(window.pairs):
            self.fail("counts", "missing", w, window.entry)
        open_rounds = [s["report.pending"][0] for s in said.values() if set(s) == {"report.pending"}]
        if open_rounds and (due or 0) >= 2:
            self.fail("counts", "late", w, window.entry)
        elif any(round_ < (due or 0) for round_ in open_rounds):
            self.fail("counts", "lost", w, window.entry)
