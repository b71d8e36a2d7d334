/** All of `tabir-v1.json`: each format is made again, each hostile input is refused with its code. */
import { test } from "node:test";

import "./v1/blocks.ts";
import "./v1/envelope.ts";
import "./v1/report.ts";
import "./v1/statements.ts";
import { allTaken } from "./v1/vectors.ts";

test("every format and decoder of the file was tested", allTaken);
