/**
 * Turns type definitions into codecs and signatures.
 */

import type {
  FunctionType,
  TypeDefinition,
  ValueType,
  ValueTypeDefinition,
} from "../../../wasm/component/component.ts";
import { flags, list, record, tuple } from "./aggregates.guest.ts";
import { type Codec, PRIMITIVES } from "./codec.guest.ts";
import type { Scope, TypeItem } from "./items.guest.ts";
import { checkDistinct } from "./labels.guest.ts";
import type { ResourceType } from "./resource-type.guest.ts";
import { borrow, own } from "./resources.guest.ts";
import { Signature } from "./signature.guest.ts";
import { ComponentLinkError } from "./trap.guest.ts";
import { enumeration, option, result, variant } from "./variants.guest.ts";

/** What a definition stands for where it is written. Each time a resource is defined it is another type. */
export function toTypeItem(definition: TypeDefinition, scope: Scope): TypeItem {
  switch (definition.kind) {
    case "value":
      return {
        kind: "value",
        codec: toCodec(definition.type, scope),
        isOption: definition.type.kind === "option",
      };
    case "function":
      return { kind: "function", signature: toSignature(definition.type, scope) };
    case "instance":
      return { kind: "instance", declarations: definition.declarations, outer: scope };
    case "component":
      return { kind: "component" };
    case "resource": {
      const { destructor } = definition;
      const source = destructor === undefined ? undefined : scope.coreItems.function.get(destructor);
      return { kind: "resource", resource: { name: "resource", owner: scope.owner, destructor: source } };
    }
  }
}

/** The signature that a type index stands for. */
export function getSignature(scope: Scope, index: number): Signature {
  const type = scope.types.get(index);
  if (type.kind !== "function") throw new ComponentLinkError(`type ${index} is no function's`);
  return type.signature;
}

/** The resource that a type index stands for. */
export function getResource(scope: Scope, index: number): ResourceType {
  const type = scope.types.get(index);
  if (type.kind !== "resource") throw new ComponentLinkError(`type ${index} is no resource`);
  return type.resource;
}

function toSignature({ params, result: given }: FunctionType, scope: Scope): Signature {
  checkDistinct(params.map(({ name }) => name));
  const codecs = params.map(({ type }) => find(type, scope).codec);
  return new Signature(codecs, given === undefined ? undefined : find(given, scope).codec);
}

function toCodec(type: ValueTypeDefinition, scope: Scope): Codec {
  const part = (of: ValueType) => find(of, scope).codec;
  const maybe = (of: ValueType | undefined) => (of === undefined ? undefined : part(of));
  switch (type.kind) {
    case "primitive":
      return PRIMITIVES[type.type];
    case "record":
      return record(type.fields.map((field) => ({ name: field.name, codec: part(field.type) })));
    case "variant":
      return variant(type.cases.map((each) => ({ name: each.name, codec: maybe(each.type) })));
    case "list":
      return list(part(type.element));
    case "tuple":
      return tuple(type.types.map(part));
    case "flags":
      return flags(type.names);
    case "enum":
      return enumeration(type.names);
    case "option": {
      const { codec, isOption } = find(type.type, scope);
      return option(codec, isOption);
    }
    case "result":
      return result(maybe(type.ok), maybe(type.error));
    case "own":
      return own(getResource(scope, type.resource));
    case "borrow":
      return borrow(getResource(scope, type.resource));
  }
}

function find(type: ValueType, scope: Scope): { codec: Codec; isOption: boolean } {
  if (typeof type !== "number") return { codec: PRIMITIVES[type], isOption: false };
  const item = scope.types.get(type);
  if (item.kind !== "value") throw new ComponentLinkError(`type ${type} is not one of values`);
  return item;
}
