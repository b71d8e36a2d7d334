"""A copied log: signed notes, cosignatures, the tree from its entries, and when each entry was witnessed.

C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-tiles; RFC 6962. docs/auditing.md, steps 2 to 5.
"""

import hashlib
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

BUNDLE = 256
CLOCKS_S = 3600


class Bad(Exception):
    """Something that is not as it must be; the text says what."""


def need(ok, what):
    if not ok:
        raise Bad(what)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def verify(key, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise Bad("signature") from None


class Key:
    """A verifier key, <name>+<key id>+<base64(type ‖ key)>: type 1 signs notes, type 4 cosigns."""

    def __init__(self, text):
        self.name, key_id, material = text.split("+", 2)
        material = b64decode(material, validate=True)
        self.kind, self.key = material[0], material[1:]
        self.id = sha256(self.name.encode(), b"\n", material)[:4]
        need(self.id.hex() == key_id and len(self.key) == 32, "note")


def canonical_base64(text):
    data = b64decode(text, validate=True)
    need(b64encode(data).decode() == text, "base64")
    return data


class Note:
    """Text, an empty line, signature lines `— <name> <base64(key id 4 ‖ signature)>`."""

    def __init__(self, data):
        text, lines = data.decode().rsplit("\n\n", 1)
        self.text = text + "\n"
        need(lines.endswith("\n"), "note")
        self.lines = []
        for line in lines[:-1].split("\n"):
            dash, name, signature = line.split(" ")
            need(dash == "\u2014", "note")
            signature = canonical_base64(signature)
            self.lines.append((name, signature[:4], signature[4:]))

    def line_of(self, key):
        found = [s for name, key_id, s in self.lines if (name, key_id) == (key.name, key.id)]
        need(len(found) < 2, "duplicate")
        return found[0] if found else None


class Checkpoint:
    """A note with origin, size and root, signed by the log and cosigned by a quorum."""

    def __init__(self, data, origin, log, witnesses, quorum):
        try:
            note = Note(data)
            name, size, root = note.text[:-1].split("\n")
        except ValueError:
            raise Bad("note") from None
        signature = note.line_of(log)
        need(signature is not None, "unknown-key")
        verify(log.key, note.text.encode(), signature)
        need(name == origin and str(int(size)) == size, "checkpoint")
        self.size, self.root, self.hash = int(size), canonical_base64(root), sha256(note.text.encode())
        self.times = []
        for witness in witnesses:
            line = note.line_of(witness)
            if line is None:
                continue
            time = int.from_bytes(line[:8], "big")
            verify(witness.key, f"cosignature/v1\ntime {time}\n{note.text}".encode(), line[8:])
            self.times.append(time)
        need(len(self.times) >= quorum, "quorum")
        self.times.sort()
        self.time = self.times[quorum - 1]  # the k-th smallest


class Tree:
    """RFC 6962: only the roots of complete subtrees are kept, largest first."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def push(self, leaf):
        node, size = sha256(b"\0", leaf), self.size
        while size & 1:
            node, size = sha256(b"\1", self.peaks.pop(), node), size >> 1
        self.peaks.append(node)
        self.size += 1

    def root(self):
        if not self.peaks:
            return sha256()
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = sha256(b"\1", peak, node)
        return node


def bundle_path(index, width):
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.append(f"x{index % 1000:03}")
    path = "tile/entries/" + "/".join(reversed(groups))
    return path if width == BUNDLE else f"{path}.p/{width}"


class Log:
    """Entries and kept checkpoints of one copied log, all checked against its newest checkpoint."""

    def __init__(self, folder, name, root):
        self.name, folder = name, Path(folder) / name
        keys = next(log for log in root["logs"] if log["name"] == name)
        witnesses = [Key(vkey) for vkey in root["witnesses"]]
        need(all(w.kind == 4 for w in witnesses) and Key(keys["vkey"]).kind == 1, "note")

        def checkpoint(path):
            try:
                data = (folder / path).read_bytes()
            except FileNotFoundError:
                raise Bad("missing") from None
            return Checkpoint(data, keys["origin"], Key(keys["vkey"]), witnesses, root["witness_quorum"])

        self.newest = checkpoint("checkpoint")
        sizes = [f.name for f in (folder / "checkpoints").glob("*")]
        sizes = sorted(int(s) for s in sizes if s.isascii() and s.isdigit() and str(int(s)) == s)
        sizes = [size for size in sizes if 0 < size <= self.newest.size]
        self.kept = {size: checkpoint(f"checkpoints/{size}") for size in sizes}
        need(all(kept.size == size for size, kept in self.kept.items()), "checkpoint")
        self.leaves, roots, tree = [], {}, Tree()
        for index in range((self.newest.size + BUNDLE - 1) // BUNDLE):
            for leaf in self.bundle(folder, index):
                tree.push(leaf)
                self.leaves.append(leaf)
                roots[tree.size] = tree.root() if tree.size in self.kept else None
        need((tree.size, tree.root()) == (self.newest.size, self.newest.root), "tile")
        need(all(roots[size] == kept.root for size, kept in self.kept.items()), "consistency")
        need(self.newest.size in self.kept or self.newest.size == 0, "missing")
        # The time of an entry: that of the first kept checkpoint that covers it.
        self.times = []
        for size in sizes:
            self.times += [self.kept[size].time] * (size - len(self.times))

    def bundle(self, folder, index):
        width = min(BUNDLE, self.newest.size - index * BUNDLE)
        try:
            data = (folder / bundle_path(index, width)).read_bytes()
        except FileNotFoundError:
            raise Bad("missing") from None
        leaves = []
        while data:
            length = int.from_bytes(data[:2], "big")
            need(len(data) >= 2 + length, "tile")
            leaves.append(data[2 : 2 + length])
            data = data[2 + length :]
        need(len(leaves) == width, "tile")
        return leaves

    def times_that_go_back(self):
        """First entries of kept checkpoints with a cosignature that is older than a checkpoint before."""
        found, latest, covered, inside = [], 0, 0, False
        for size, kept in self.kept.items():
            back = kept.times[0] + CLOCKS_S < latest
            if back and not inside:
                found.append(covered)
            inside, latest, covered = back, max(latest, kept.time), size
        return found
