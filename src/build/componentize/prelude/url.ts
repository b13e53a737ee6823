/**
 * The class URL.
 *
 * @see https://url.spec.whatwg.org/#url-class
 */

import {
  encodeUser,
  isSpecial,
  parseUrl,
  setFragment,
  setHost,
  setPort,
  setQuery,
  showUrl,
  type UrlRecord,
  withPath,
} from "./url-parse.ts";
import { followParams, NebulaURLSearchParams, resetParams } from "./url-search-params.ts";

/** `URL`. */
export class NebulaURL {
  #record: UrlRecord;
  #params: NebulaURLSearchParams | undefined;

  constructor(url: unknown, base?: unknown) {
    const record = parse(url, base);
    if (record === undefined)
      throw Object.assign(new TypeError("Invalid URL"), { code: "ERR_INVALID_URL", input: String(url) });
    this.#record = record;
  }

  static canParse(url: unknown, base?: unknown): boolean {
    return parse(url, base) !== undefined;
  }

  static parse(url: unknown, base?: unknown): NebulaURL | null {
    return NebulaURL.canParse(url, base) ? new NebulaURL(url, base) : null;
  }

  get href(): string {
    return showUrl(this.#record);
  }

  set href(value: string) {
    this.#record = new NebulaURL(value).#record;
    this.#resetParams();
  }

  get origin(): string {
    const { scheme, host, port, path, isOpaque } = this.#record;
    if (scheme === "blob" && isOpaque && /^https?:/.test(path)) return NebulaURL.parse(path)?.origin ?? "null";
    return isSpecial(scheme) && scheme !== "file" ? `${scheme}://${host}${port === "" ? "" : `:${port}`}` : "null";
  }

  get protocol(): string {
    return `${this.#record.scheme}:`;
  }

  set protocol(value: string) {
    const scheme = /^([a-zA-Z][a-zA-Z\d+\-.]*)(?::|$)/.exec(clean(value))?.[1]?.toLowerCase();
    const record = this.#record;
    if (scheme === undefined || isSpecial(scheme) !== isSpecial(record.scheme)) return;
    if (scheme === "file" && (record.username !== "" || record.password !== "" || record.port !== "")) return;
    if (record.scheme === "file" && record.host === "") return;
    record.scheme = scheme;
    setPort(record, record.port);
  }

  get username(): string {
    return this.#record.username;
  }

  set username(value: string) {
    if (this.#mayHaveUser()) this.#record.username = encodeUser(String(value));
  }

  get password(): string {
    return this.#record.password;
  }

  set password(value: string) {
    if (this.#mayHaveUser()) this.#record.password = encodeUser(String(value));
  }

  get host(): string {
    const { host, port } = this.#record;
    return `${host ?? ""}${port === "" ? "" : `:${port}`}`;
  }

  set host(value: string) {
    this.#setHost(/^(?:\[[^\]]*\]|[^/\\?#:])*(?::\d*)?/.exec(clean(value))?.[0] ?? "");
  }

  get hostname(): string {
    return this.#record.host ?? "";
  }

  set hostname(value: string) {
    const name = /^(?:\[[^\]]*\]|[^/\\?#])*/.exec(clean(value))?.[0] ?? "";
    if (!/:(?![^[]*\])/.test(name)) this.#setHost(name);
  }

  get port(): string {
    return this.#record.port;
  }

  set port(value: string) {
    const text = clean(value);
    const digits = /^\d+/.exec(text)?.[0];
    if (this.#mayHaveUser() && (digits !== undefined || text === "")) setPort(this.#record, digits ?? "");
  }

  get pathname(): string {
    return this.#record.path;
  }

  set pathname(value: string) {
    if (this.#record.isOpaque) return;
    const coded = clean(value).replaceAll("?", "%3F").replaceAll("#", "%23");
    this.#record = withPath(this.#record, /^[/\\]/.test(coded) || coded === "" ? coded : `/${coded}`);
  }

  get search(): string {
    return this.#record.query ? `?${this.#record.query}` : "";
  }

  set search(value: string) {
    const text = clean(value).replace(/^\?/, "");
    if (String(value) === "") this.#record.query = null;
    else setQuery(this.#record, text.replaceAll("#", "%23"));
    this.#resetParams();
  }

  get searchParams(): NebulaURLSearchParams {
    if (this.#params === undefined) {
      this.#params = new NebulaURLSearchParams(`?${this.#record.query ?? ""}`);
      followParams(this.#params, (query) => {
        this.#record.query = query === "" ? null : query;
      });
    }
    return this.#params;
  }

  get hash(): string {
    return this.#record.fragment ? `#${this.#record.fragment}` : "";
  }

  set hash(value: string) {
    if (String(value) === "") this.#record.fragment = null;
    else setFragment(this.#record, clean(value).replace(/^#/, ""));
  }

  toString(): string {
    return this.href;
  }

  toJSON(): string {
    return this.href;
  }

  get [Symbol.toStringTag](): string {
    return "URL";
  }

  #mayHaveUser(): boolean {
    const { host, scheme } = this.#record;
    return host !== null && host !== "" && scheme !== "file";
  }

  #setHost(text: string): void {
    if (this.#record.isOpaque) return;
    const record = { ...this.#record };
    if (setHost(record, text, { mustHave: record.username !== "" || record.password !== "" })) this.#record = record;
  }

  #resetParams(): void {
    if (this.#params !== undefined) resetParams(this.#params, this.#record.query ?? "");
  }
}

function parse(url: unknown, base: unknown): UrlRecord | undefined {
  const text = String(url).toWellFormed();
  if (base === undefined) return parseUrl(text, undefined);
  const record = parseUrl(String(base).toWellFormed(), undefined);
  return record && parseUrl(text, record);
}

function clean(value: unknown): string {
  return String(value)
    .toWellFormed()
    .replace(/[\t\n\r]+/g, "");
}
