// A report from the first look to the answer: node example.js GATEWAY trust.json
import { readFileSync } from "node:fs";
import { Reporter, findWarnings, installation } from "./index.ts";

const [, , gateway = "", trust = ""] = process.argv;
const reporter = new Reporter(({ phase, done }) => console.log(phase, done === undefined ? "" : `${Math.round(done * 100)} %`));

// The trust root comes with the app. Here a file stands in for that; nothing fetched may.
const city = await reporter.start({ installation: installation([readFileSync(trust, "utf8")], gateway), address: gateway });
console.log(`${city.name}: ${city.categories.length} categories`);

// While the person writes, the token is fetched.
void reporter.prepare({ voucher: undefined });
const text = "The officer at desk four asked for money.";
for (const found of findWarnings(text)) console.log("may give you away:", found.kind);

const sent = await reporter.submit({
  category: city.categories.at(-1)?.code ?? "other",
  text,
  language: "en",
  place: "",
  release: "batched",
  identity: undefined,
  councilId: undefined,
});
// Show it once, let it be written down, keep it nowhere.
console.log(`accepted: ${sent.reference}`);

const found = await reporter.open({ text: sent.receipt });
console.log(`status: ${found.status.at(-1)?.status ?? "received"}, ${found.messages.length} messages, ${found.openings.length} requests for a name`);
