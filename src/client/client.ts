/**
 * The control API as typed calls. Used by the command line and by end-to-end tests.
 *
 *     createClient({ controlUrl, token }).listFunctions()  →  [{ name: "hello", engine: "isolate", … }]
 *
 * Holds no connection of its own and keeps no state. What comes back is read in `answers.ts`.
 */

import { openAsBlob } from "node:fs";
import type { BlobSource } from "../build/blob-source.ts";
import type { Digest } from "../model/artifact.ts";
import type { DeployAnswer, Explanation, FunctionDetail, FunctionStatus, NodeStatus } from "../model/control.ts";
import type { DeploymentInput } from "../model/deployment.ts";
import { NebulaError } from "../model/errors.ts";
import type { RotateAnswer, SecretAnswer, SecretPlace, SecretSummary, SecretValues } from "../model/secrets.ts";
import type { Top } from "../model/top.ts";
import { type Answers, findProblem, parseAnswer } from "./answers.ts";
import { fetchPatiently } from "./patient-fetch.ts";

/** Where the node is, and what opens its door. */
export interface ClientOptions {
  /** `http://127.0.0.1:8788` */
  readonly controlUrl: string;
  readonly token: string;
  /** For tests; default the global one, and for deployments one that waits longer. */
  readonly fetch?: typeof fetch;
}

/** Until when a call may go on. */
export interface CallOptions {
  /** Aborting rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Every method throws what the node answers with, under the node's own code, and besides:
 *
 * @throws {NebulaError} NEBULA_NODE_UNREACHABLE when no node answers, or something else does.
 */
export interface Client {
  getNode(options?: CallOptions): Promise<NodeStatus>;
  /** What the node is doing. */
  getTop(options?: CallOptions): Promise<Top>;
  /** By name. */
  listFunctions(options?: CallOptions): Promise<readonly FunctionStatus[]>;
  /** @throws {NebulaError} NEBULA_FUNCTION_NOT_FOUND */
  getFunction(name: string, options?: CallOptions): Promise<FunctionDetail>;
  /** What would answer such a request now. @throws {NebulaError} NEBULA_FUNCTION_NOT_FOUND, NEBULA_REQUEST_INVALID */
  explain(name: string, request: Explanation["request"], options?: CallOptions): Promise<Explanation>;
  /** @throws {NebulaError} NEBULA_FUNCTION_NOT_FOUND */
  removeFunction(name: string, options?: CallOptions): Promise<void>;
  /** Which of these blobs the node does not hold. */
  missing(digests: readonly Digest[], options?: CallOptions): Promise<readonly Digest[]>;
  /** Uploads one blob; a file is streamed. @throws {NebulaError} NEBULA_ARTIFACT_INVALID when the bytes are others. */
  put(digest: Digest, source: BlobSource, options?: CallOptions): Promise<void>;
  /** @throws {NebulaError} NEBULA_CONFIG_INVALID, NEBULA_ARTIFACT_INVALID, NEBULA_PREPARE_FAILED */
  deploy(input: DeploymentInput, options?: DeployCallOptions): Promise<DeployAnswer>;
  /** By name, without values: nobody gets those back. */
  listSecrets(name: string, options?: CallOptions): Promise<readonly SecretSummary[]>;
  /** @throws {NebulaError} NEBULA_CONFIG_INVALID, NEBULA_PREPARE_FAILED, NEBULA_REQUEST_INVALID */
  putSecret(place: SecretPlace, value: string, options?: CallOptions): Promise<SecretAnswer>;
  /** @throws {NebulaError} NEBULA_CONFIG_INVALID when it is required, NEBULA_REQUEST_INVALID when there is none. */
  removeSecret(place: SecretPlace, options?: CallOptions): Promise<void>;
  /** A call whose answer is read as it comes, or cancelled; one that is no good answer throws as all others do. */
  open(path: string, call?: OpenOptions): Promise<Response>;
  /** Seals all secrets of the node with a new key. */
  rotateSecrets(options?: CallOptions): Promise<RotateAnswer>;
}

/** What goes with a deployment. */
export interface DeployCallOptions extends CallOptions {
  /** All that the function is to have; unless given, it keeps those that it has. */
  readonly secrets?: SecretValues;
}

/** A call as HTTP has it. */
export interface OpenOptions extends CallOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A file is streamed. */
  readonly body?: string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array>;
}

/** Makes a client. Calls nobody yet. */
export function createClient(options: ClientOptions): Client {
  return new HttpClient(options);
}

interface Sent extends CallOptions {
  readonly method?: string;
  readonly json?: unknown;
  readonly bytes?: Uint8Array<ArrayBuffer> | Blob;
  /** The answer may take minutes. */
  readonly isSlow?: boolean;
}

class HttpClient implements Client {
  readonly #controlUrl: string;
  readonly #token: string;
  readonly #fetch: typeof fetch | undefined;

  constructor({ controlUrl, token, fetch: fetchWith }: ClientOptions) {
    this.#controlUrl = controlUrl.replace(/\/$/, "");
    this.#token = token;
    this.#fetch = fetchWith;
  }

  getNode(options: CallOptions = {}): Promise<NodeStatus> {
    return this.#ask("node", "/v1/node", options);
  }

  getTop(options: CallOptions = {}): Promise<Top> {
    return this.#ask("top", "/v1/top", options);
  }

  async listFunctions(options: CallOptions = {}): Promise<readonly FunctionStatus[]> {
    return (await this.#ask("functions", "/v1/functions", options)).functions;
  }

  getFunction(name: string, options: CallOptions = {}): Promise<FunctionDetail> {
    return this.#ask("function", `/v1/functions/${encodeURIComponent(name)}`, options);
  }

  explain(name: string, request: Explanation["request"], options: CallOptions = {}): Promise<Explanation> {
    const query = new URLSearchParams({ ...request });
    return this.#ask("explanation", `/v1/functions/${encodeURIComponent(name)}/explain?${query}`, options);
  }

  async removeFunction(name: string, options: CallOptions = {}): Promise<void> {
    await this.#send(`/v1/functions/${encodeURIComponent(name)}`, { ...options, method: "DELETE" });
  }

  async missing(digests: readonly Digest[], options: CallOptions = {}): Promise<readonly Digest[]> {
    return (await this.#ask("missing", "/v1/blobs/missing", { ...options, json: { digests } })).missing;
  }

  async put(digest: Digest, source: BlobSource, options: CallOptions = {}): Promise<void> {
    const bytes = source.from === "memory" ? new Uint8Array(source.content) : await openFile(source.path);
    await this.#send(`/v1/blobs/${digest}`, { ...options, method: "PUT", bytes });
  }

  deploy(input: DeploymentInput, { secrets, ...options }: DeployCallOptions = {}): Promise<DeployAnswer> {
    const json = { ...input, ...(secrets && { secrets }) };
    return this.#ask("deployment", "/v1/deployments", { ...options, json, isSlow: true });
  }

  async listSecrets(name: string, options: CallOptions = {}): Promise<readonly SecretSummary[]> {
    return (await this.#ask("secrets", toSecretsPath(name), options)).secrets;
  }

  putSecret(place: SecretPlace, value: string, options: CallOptions = {}): Promise<SecretAnswer> {
    return this.#ask("secret", toSecretPath(place), { ...options, method: "PUT", json: { value }, isSlow: true });
  }

  async removeSecret(place: SecretPlace, options: CallOptions = {}): Promise<void> {
    await this.#send(toSecretPath(place), { ...options, method: "DELETE" });
  }

  rotateSecrets(options: CallOptions = {}): Promise<RotateAnswer> {
    return this.#ask("rotation", "/v1/secrets/rotate", { ...options, method: "POST" });
  }

  async open(path: string, { headers, signal, body, ...call }: OpenOptions = {}): Promise<Response> {
    try {
      const response = await (this.#fetch ?? fetch)(this.#controlUrl + path, {
        ...call,
        headers: { ...headers, authorization: `Bearer ${this.#token}` },
        redirect: "error",
        ...(signal && { signal }),
        ...(body !== undefined && { body, ...(body instanceof ReadableStream && { duplex: "half" as const }) }),
      });
      if (response.ok) return response;
      throw findProblem(await response.text()) ?? this.#unreachable(`it answers with status ${response.status}`);
    } catch (thrown) {
      signal?.throwIfAborted();
      if (thrown instanceof NebulaError) throw thrown;
      throw this.#unreachable(explain(thrown), thrown);
    }
  }

  async #ask<Name extends keyof Answers>(name: Name, path: string, sent: Sent): Promise<Answers[Name]> {
    return parseAnswer(name, await this.#send(path, sent));
  }

  /** The text of a good answer. */
  async #send(path: string, { json, bytes, signal, isSlow = false, ...sent }: Sent): Promise<string> {
    const headers = new Headers({ authorization: `Bearer ${this.#token}` });
    if (json !== undefined) headers.set("content-type", "application/json");
    if (bytes !== undefined) headers.set("content-type", "application/octet-stream");
    const body = json === undefined ? bytes : JSON.stringify(json);
    const method = sent.method ?? (body === undefined ? "GET" : "POST");
    const url = this.#controlUrl + path;
    const asked = { method, headers, ...(signal && { signal }) };
    try {
      const response =
        isSlow && typeof body === "string" && this.#fetch === undefined
          ? await fetchPatiently(url, { ...asked, body })
          : await (this.#fetch ?? fetch)(url, { ...asked, redirect: "error", ...(body !== undefined && { body }) });
      const text = await response.text();
      if (response.ok) return text;
      throw findProblem(text) ?? this.#unreachable(`it answers with status ${response.status}`);
    } catch (thrown) {
      signal?.throwIfAborted();
      if (thrown instanceof NebulaError) throw thrown;
      throw this.#unreachable(explain(thrown), thrown);
    }
  }

  #unreachable(what: string, cause?: unknown): NebulaError {
    return new NebulaError("NEBULA_NODE_UNREACHABLE", `Cannot reach the node at "${this.#controlUrl}": ${what}`, {
      hint: "Start the node with nebula serve",
      ...(cause !== undefined && { cause }),
    });
  }
}

function toSecretsPath(functionName: string): string {
  return `/v1/functions/${encodeURIComponent(functionName)}/secrets`;
}

function toSecretPath({ functionName, name }: SecretPlace): string {
  return `${toSecretsPath(functionName)}/${encodeURIComponent(name)}`;
}

/** A file as a body: its size is known, its bytes are read as they are sent. */
async function openFile(path: string): Promise<Blob> {
  try {
    return await openAsBlob(path);
  } catch (cause) {
    throw new NebulaError("NEBULA_BUILD_FAILED", `Cannot upload "${path}": it cannot be read`, {
      hint: "It changed or went away during the build: build again",
      cause,
    });
  }
}

/** fetch says "fetch failed" and hides the reason in its cause. */
function explain(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ECONNREFUSED") return "nothing listens there";
  return cause instanceof Error ? cause.message || String(code) : String(cause);
}
