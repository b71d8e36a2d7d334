/** What counts: every rule of the governance log that the page relies on, each with a log that breaks it. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { equal } from "../src/crypto/codec.ts";
import { checkFresh } from "../src/crypto/trust/witnessed.ts";
import { cooledAt, statusOf } from "../src/crypto/trust/unseal.ts";
import { AUDITORS, COOLING, DAY, DELAY, FORMED_BY, HOUR, OFFICIALS, T0, World, announced, asked, council, councilId, seed, trustRoot } from "./trust-world.ts";
import { kemPublicKey } from "../src/crypto/hpke/xwing.ts";
import { outcome } from "./support.ts";

const code = (run: () => unknown): string => outcome(run).code ?? "taken";

test("a key counts after its delay of witnessed time, whatever the device's clock says", () => {
  const { state } = new World().established();
  assert.equal(code(() => state.activeKey("intake", T0 + DELAY.intake - 1, T0 + 300 * DAY)), "not-active");
  assert.equal(code(() => state.activeKey("intake", T0 + DELAY.intake, T0 + DELAY.intake)), "taken");
  assert.equal(code(() => state.activeKey("intake", T0 + DELAY.intake, T0 + 366 * DAY)), "not-active");
});

test("a key that its role did not sign does not count", () => {
  const world = new World();
  for (const [by, refused] of [[["gateway"], "unknown-key"], [["official-1"], "unknown-key"], [["forwarder", "gateway"], "unknown-key"]] as const) {
    assert.equal(world.say("key.announced", announced("intake", 1), by).refused, refused);
  }
  assert.equal(code(() => world.state.activeKey("intake", T0 + DAY, T0 + DAY)), "not-active");
});

test("a warden key needs the auditors' quorum", () => {
  const world = new World();
  assert.equal(world.say("key.announced", announced("warden", 1), ["warden"]).refused, "insufficient-signatures");
  assert.equal(world.say("key.announced", announced("warden", 1), ["warden", "auditor-1"]).refused, "insufficient-signatures");
  assert.equal(world.say("key.announced", announced("warden", 1), ["warden", "auditor-3", "auditor-2"]).refused, undefined);
});

test("two keys for one epoch: neither counts, so that nobody can be handed one of his own", () => {
  const world = new World().established();
  assert.equal(world.say("key.announced", announced("intake", 1, { name: "another" }), ["forwarder"]).refused, "key-conflict");
  assert.equal(code(() => world.state.activeKey("intake", T0 + DAY, T0 + DAY)), "key-conflict");
});

test("one key under two epochs is a conflict of both", () => {
  const world = new World().established();
  assert.equal(world.say("key.announced", announced("intake", 2, { name: "intake 1" }), ["forwarder"]).refused, "key-conflict");
  assert.equal(code(() => world.state.activeKey("intake", T0 + DAY, T0 + DAY)), "key-conflict");
});

test("of two epochs the higher one counts, once its delay is over, and a retired key does not", () => {
  const world = new World().established();
  world.say("key.announced", announced("intake", 2), ["forwarder"], HOUR);
  assert.equal(world.state.activeKey("intake", T0 + DAY, T0 + DAY).body.epoch, 1);
  const second = world.state.activeKey("intake", T0 + DAY + HOUR, T0 + DAY + HOUR);
  assert.equal(second.body.epoch, 2);
  assert.equal(world.say("key.retired", { v: 1, at: T0, key_id: second.id, reason: "lost" }, ["gateway"]).refused, "unknown-key");
  assert.equal(world.say("key.retired", { v: 1, at: T0, key_id: second.id, reason: "lost" }, ["forwarder"]).refused, undefined);
  assert.equal(world.state.activeKey("intake", T0 + 2 * DAY, T0 + 2 * DAY).body.epoch, 1);
});

test("an auditor beside the issuer waives the delay of a token key, and of no other", () => {
  const world = new World();
  assert.equal(world.say("key.announced", announced("token", 1), ["issuer", "auditor-1"]).refused, undefined);
  assert.equal(code(() => world.state.activeKey("token", T0, T0)), "taken");
  assert.equal(world.say("key.announced", announced("intake", 1), ["forwarder", "auditor-1"]).refused, "unknown-key");
});

test("a council counts after its delay, and only with everybody's signature", () => {
  for (const missing of FORMED_BY) {
    const world = new World();
    const refused = world.say("council.formed", council(), FORMED_BY.filter((name) => name !== missing)).refused;
    assert.equal(refused, "insufficient-signatures", missing);
    assert.equal(code(() => world.state.activeCouncil(T0 + 99 * DAY)), "not-active");
  }
  const world = new World().established();
  assert.equal(code(() => world.state.activeCouncil(T0 + DELAY.council - 1)), "not-active");
  assert.ok(equal(world.state.activeCouncil(T0 + DELAY.council).council.id, councilId(council())));
});

test("warden and one auditor can't put straw people in a council's place", () => {
  const world = new World().established();
  const straw = ["straw-1", "straw-2", "straw-3"];
  const false_ = council("straw", straw);
  assert.equal(world.say("council.formed", false_, [...straw, "warden", "auditor-1"], HOUR).refused, "insufficient-signatures");
  assert.ok(equal(world.state.activeCouncil(T0 + 99 * DAY).council.id, councilId(council())));
  assert.equal(world.say("council.formed", false_, [...straw, "warden", "auditor-1", ...OFFICIALS.slice(1)], HOUR).refused, undefined);
});

test("an official who is an auditor too is no official", () => {
  const world = new World();
  const hats = ["official-1", "official-2", "auditor-3"];
  assert.equal(world.say("council.formed", council("hats", hats), [...hats, "warden", "auditor-1"]).refused, "duplicate");
});

test("a policy needs an auditor beside the gateway", () => {
  const world = new World();
  const policy = {
    v: 1 as const, at: T0, version: 1, codes: { legal_basis: [], reason: [], refusal: [], deferral: [], failure: [], recusal: [] }, deadlines_s: new Map(),
    window_s: 1, forward_s: 1, release_s: 1, request_life_s: 7 * DAY, partial_life_s: DAY, envelope_retention_s: DAY, categories: [],
  };
  assert.equal(world.say("policy.set", policy, ["gateway"]).refused, "insufficient-signatures");
  assert.equal(world.say("policy.set", { ...policy, version: 2 }, ["gateway", "auditor-1"]).refused, "field");
  assert.equal(world.say("policy.set", policy, ["gateway", "auditor-2"]).refused, undefined);
});

/** A request that two officials approved, at the first hour. */
function approved(world: World): { hash: Uint8Array } {
  const request = world.say("unseal.requested", asked(), ["official-1"]);
  assert.equal(request.refused, undefined);
  for (const index of [1, 2]) {
    const body = { v: 1 as const, at: T0, request_hash: request.hash, council_id: councilId(council()), index, reason: "agreed", kem_pk: kemPublicKey(seed(`fresh ${index}`)) };
    assert.equal(world.say("unseal.approved", body, [`official-${index}`]).refused, undefined);
    assert.equal(world.say("unseal.approved", { ...body, kem_pk: kemPublicKey(seed(`other ${index}`)) }, [`official-${index}`]).refused, "duplicate");
  }
  return request;
}

const released = (hash: Uint8Array, size: number) =>
  ({ v: 1 as const, at: T0, request_hash: hash, tree_size: size, checkpoint_hash: seed("checkpoint"), inner_commit: seed("inner"), handouts: [1, 2].map((index) => ({ index, hash: seed(`handout ${index}`) })) });

test("a release after the waiting time is taken; one before it is told as what it is", () => {
  for (const [at, refused] of [[COOLING, undefined], [COOLING - 1, "cooling-off"]] as const) {
    const world = new World().established();
    const { hash } = approved(world);
    assert.equal(world.say("unseal.released", released(hash, world.state.size), ["warden"], at).refused, refused);
    const request = world.state.request(hash);
    assert.equal(request && statusOf(request, world.state.witnessed, T0 + at), "released");
    const partial = { v: 1 as const, at: T0, request_hash: hash, index: 1, partials: [1, 2].map((index) => ({ index, hash: seed(`partial ${index}`) })) };
    // What came out too early is out, and stays so: nobody helps with it.
    assert.equal(world.say("unseal.partial", partial, ["official-1"], at + 1).refused, refused);
  }
});

test("an auditor beside the warden shortens the waiting time, and the release says so", () => {
  const world = new World().established();
  const { hash } = approved(world);
  assert.equal(world.say("unseal.released", released(hash, world.state.size), ["warden", "auditor-2"], 60).refused, undefined);
  assert.equal(world.state.request(hash)?.release?.byAuditor, true);
});

test("one official alone is not enough, nor anybody but the warden", () => {
  const world = new World().established();
  const { hash } = world.say("unseal.requested", asked(), ["official-1"]);
  assert.equal(world.say("unseal.released", released(hash, world.state.size), ["warden"], COOLING).refused, "order");
  const other = new World().established();
  const approvedOne = approved(other);
  assert.equal(other.say("unseal.released", released(approvedOne.hash, other.state.size), ["gateway"], COOLING).refused, "unknown-key");
});

test("a request expires, by witnessed time and the terms that held", () => {
  const world = new World().established();
  const { hash } = approved(world);
  const request = world.state.request(hash) ?? assert.fail();
  const end = (cooledAt(request, world.state.witnessed) ?? 0) + 7 * DAY;
  assert.equal(statusOf(request, world.state.witnessed, end - 1), "approved");
  assert.equal(statusOf(request, world.state.witnessed, end), "expired");
});

test("an identity is not sealed by a head that is older than the limit; a report without one is, up to 14 days", () => {
  const trust = trustRoot();
  assert.equal(code(() => checkFresh(trust, "binding", T0, T0 + 3 * DAY)), "taken");
  assert.equal(code(() => checkFresh(trust, "binding", T0, T0 + 3 * DAY + 1)), "stale");
  assert.equal(code(() => checkFresh(trust, "report", T0, T0 + 14 * DAY)), "taken");
  assert.equal(code(() => checkFresh(trust, "report", T0, T0 + 14 * DAY + 1)), "stale");
});

test("the same statement twice changes nothing", () => {
  const world = new World();
  assert.equal(world.say("key.announced", announced("token", 1), ["issuer"]).refused, undefined);
  const again = world.say("key.announced", announced("token", 1), ["issuer", AUDITORS[0] ?? ""]);
  assert.equal(again.refused, "duplicate");
  assert.equal(code(() => world.state.activeKey("token", T0 + DAY, T0 + DAY)), "taken");
});
