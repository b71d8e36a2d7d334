"""A council: its id, and whether its verifying shares are those of one key and of no fewer than t people.

docs/protocol.md, "Identity envelope" and "Council key ceremony". edwards25519 as in RFC 8032, section 5.1, in plain
integers: slow, and enough for fifteen public points.
"""

import hashlib

from .log import need, sha256

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
NEUTRAL = (0, 1, 1, 0)


def decompress(data):
    value = int.from_bytes(data, "little")
    sign, y = value >> 255, value & (2**255 - 1)
    need(y < P, "non-canonical")
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    need((x * x - x2) % P == 0, "off-curve")
    need(x or not sign, "non-canonical")
    if x & 1 != sign:
        x = P - x
    point = (x, y, 1, x * y % P)
    need(not same(point, NEUTRAL) and same(times(Q, point), NEUTRAL), "low-order")
    return point


def add(a, b):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, k = f - e, d - c, d + c, f + e
    return (e * f % P, g * k % P, f * g % P, e * k % P)


def times(scalar, point):
    total = NEUTRAL
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def combined(points, factor):
    total = NEUTRAL
    for i, point in points.items():
        total = add(total, times(factor(i) % Q, point))
    return total


def transcript(tag, *puts):
    """T of docs/protocol.md: SHA-512 over labelled values, its first 32 bytes."""
    state = hashlib.sha512()
    for label, data in [("dst", tag.encode()), *puts]:
        state.update(len(label).to_bytes(4, "big") + label.encode() + len(data).to_bytes(8, "big") + data)
    return state.digest()[:32]


class Council:
    def __init__(self, body):
        self.t, self.n, self.epoch, self.lineage = body["t"], body["n"], body["epoch"], body["lineage"]
        members = body["members"]
        need(2 <= self.t <= self.n <= 15, "threshold")
        need([m["index"] for m in members] == list(range(1, self.n + 1)), "index")
        need(self.lineage == sha256(b"tabir/v1/lineage", body["Y"], body["ceremony_id"]), "context")
        self.keys = {m["index"]: m["ed_vk"] for m in members}
        need(len(set(self.keys.values())) == self.n == len({m["kem_pk"] for m in members}), "duplicate")
        need(all(len(m["kem_pk"]) == 1216 for m in members), "size")
        self.check_shares(decompress(body["Y"]), {m["index"]: decompress(m["Yi"]) for m in members})
        puts = [("lineage", self.lineage), ("epoch", self.epoch.to_bytes(8, "big"))]
        puts += [("t", self.t.to_bytes(2, "big")), ("n", self.n.to_bytes(2, "big")), ("Y", body["Y"])]
        for m in members:
            puts += [("i", m["index"].to_bytes(2, "big")), ("Yi", m["Yi"]), ("ed_vk", m["ed_vk"])]
            puts.append(("kem_pk_hash", sha256(m["kem_pk"])))
        self.id = transcript("tabir/v1/council", *puts)
        # What the log says of it later.
        self.retired = self.given_up = False

    def check_shares(self, y, shares):
        """Any t of the points give all the others and Y (Lagrange), and fewer do not."""
        first = {i: shares[i] for i in range(1, self.t + 1)}

        def product(i, of):
            value = 1
            for k in first:
                if k != i:
                    value = value * of(k) % Q
            return value

        def at(x):
            return lambda i: product(i, lambda k: (x - k) * pow(i - k, -1, Q))

        need(same(combined(first, at(0)), y), "share")
        need(all(same(combined(first, at(j)), point) for j, point in shares.items()), "share")
        leading = combined(first, lambda i: product(i, lambda k: pow(i - k, -1, Q)))
        need(not same(leading, NEUTRAL), "threshold")

    def key(self, index):
        need(index in self.keys, "index")
        return self.keys[index]
