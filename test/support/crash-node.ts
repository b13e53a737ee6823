/**
 * A node in a process of its own, there to be killed. Says where it is, as JSON on one line.
 *
 *     node crash-node.ts <state directory>
 */

import { openHost } from "../../src/host.ts";
import { silentLog } from "../../src/model/ports.ts";

const [stateDir = ""] = process.argv.slice(2);
const settings = { stateDir, hostname: "127.0.0.1", dataPort: 0, controlPort: 0, isDevelopment: false };
const { dataUrl, controlUrl, token } = await openHost({ ...settings, log: silentLog });
process.stdout.write(`${JSON.stringify({ dataUrl, controlUrl, token })}\n`);
