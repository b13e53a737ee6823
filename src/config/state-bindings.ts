/**
 * What a function has beside its code: KV namespaces, D1 databases, other functions, secrets.
 */

import type { Binding } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { toJson } from "./json-value.ts";
import { findSetting, type Settings } from "./settings.ts";
import { findChild, findText, listElements, listEntries, listTexts, type Value } from "./value.ts";

/** What a resource may be called: it is also the name of its folder. */
const RESOURCE_ID = /^[A-Za-z0-9][\w.-]{0,127}$/;

/** Reads them. `owner` is the name of the function. */
export function readStateBindings(owner: string, settings: Settings, findings: Findings): readonly Binding[] {
  const required = listTexts(findChild(findSetting(settings, "secrets"), "required"));
  const namespaces = listElements(findSetting(settings, "kv_namespaces")).flatMap(
    (each) => readResource(each, { owner, key: "id", findings }) ?? [],
  );
  const services = listElements(findSetting(settings, "services"));
  return [
    ...required.map((name) => ({ type: "secret", name }) as const),
    ...namespaces.map((resource) => ({ type: "kv", ...resource }) as const),
    ...readDatabases(owner, settings, findings).map(({ name, id }) => ({ type: "d1", name, id }) as const),
    ...services.flatMap((each) => readService(each, findings) ?? []),
  ];
}

/** A D1 database, and where its migrations are. */
export interface DatabaseSettings {
  /** In `env`. */
  readonly name: string;
  readonly id: string;
  /** Its other name, for people. */
  readonly title?: string;
  readonly migrations: { readonly dir?: Value; readonly table: string };
}

/** Reads the databases with what concerns their migrations. */
export function readDatabases(owner: string, settings: Settings, findings: Findings): readonly DatabaseSettings[] {
  return listElements(findSetting(settings, "d1_databases")).flatMap((each) => {
    const resource = readResource(each, { owner, key: "database_id", findings });
    if (resource === undefined) return [];
    const dir = findChild(each, "migrations_dir");
    const title = findText(findChild(each, "database_name"));
    return {
      ...resource,
      ...(title !== undefined && { title }),
      migrations: {
        ...(dir !== undefined && { dir }),
        table: findText(findChild(each, "migrations_table")) ?? "d1_migrations",
      },
    };
  });
}

interface ResourceOptions {
  /** The function. */
  readonly owner: string;
  /** Where its id stands. */
  readonly key: string;
  readonly findings: Findings;
}

function readResource(each: Value, { owner, key, findings }: ResourceOptions) {
  const name = findText(findChild(each, "binding"));
  if (name === undefined) return undefined;
  const given = findChild(each, key);
  const id = findText(given) ?? `${owner}-${name.toLowerCase()}`;
  if (given !== undefined && !RESOURCE_ID.test(id)) {
    findings.onValue(given.path, "must be letters, digits, '.', '_' and '-', at most 128, the first a letter or digit");
  }
  return { name, id };
}

function readService(each: Value, findings: Findings): Binding | undefined {
  const name = findText(findChild(each, "binding"));
  const service = findText(findChild(each, "service"));
  if (name === undefined || service === undefined) return undefined;
  const entrypoint = findText(findChild(each, "entrypoint"));
  const props = listEntries(findChild(each, "props"));
  return {
    type: "service",
    name,
    service,
    ...(entrypoint !== undefined && { entrypoint }),
    ...(props.length > 0 && {
      props: Object.fromEntries(props.map(([key, value]) => [key, toJson(value, findings)])),
    }),
  };
}
