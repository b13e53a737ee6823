/** `node server.js markdown.wasm`: a CGI program behind HTTP. */

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { toHandler } from "./cgi.ts";
import { serve } from "./serve.js";

const [file] = process.argv.slice(2);
serve(toHandler(basename(file, ".wasm"), new WebAssembly.Module(readFileSync(file))));
