/**
 * What a component's binary says, as data: definitions in their order, each with the indexes it names.
 *
 * Nothing is resolved here: an index may lead nowhere. Who links looks each one up.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md
 */

/** The kinds of things that core WebAssembly has index spaces for. */
export type CoreSort = "function" | "table" | "memory" | "global" | "tag" | "type" | "module" | "instance";

/** The kinds of things that components have index spaces for. */
export type Sort = "core module" | "function" | "type" | "component" | "instance";

/** One component, or one within another. */
export interface Component {
  readonly definitions: readonly Definition[];
}

/** Something with a name, picked out of an index space. */
export interface Named<S> {
  readonly name: string;
  readonly sort: S;
  readonly index: number;
}

/** One entry of a section; most add to an index space. */
export type Definition =
  | CoreModuleDefinition
  | { readonly kind: "core type" }
  | {
      readonly kind: "core instantiate";
      readonly module: number;
      readonly args: readonly { readonly name: string; readonly instance: number }[];
    }
  | { readonly kind: "core bundle"; readonly exports: readonly Named<CoreSort>[] }
  | { readonly kind: "component"; readonly component: Component }
  | { readonly kind: "instantiate"; readonly component: number; readonly args: readonly Named<Sort>[] }
  | { readonly kind: "bundle"; readonly exports: readonly Named<Sort>[] }
  | Alias
  | { readonly kind: "type"; readonly type: TypeDefinition }
  | { readonly kind: "lift"; readonly core: number; readonly options: CanonOptions; readonly type: number }
  | { readonly kind: "lower"; readonly func: number; readonly options: CanonOptions }
  | { readonly kind: "resource"; readonly does: "new" | "drop" | "rep"; readonly type: number }
  | { readonly kind: "import"; readonly name: string; readonly what: ExternType }
  | { readonly kind: "export"; readonly item: Named<Sort> };

/** A core module. `bytes` is a view of the component's; `number` counts over the whole file, nested components included. */
export interface CoreModuleDefinition {
  readonly kind: "core module";
  readonly bytes: Uint8Array;
  readonly number: number;
}

/** A second name for something of an instance, or of a component around this one. */
export type Alias =
  | { readonly kind: "alias"; readonly sort: Sort; readonly instance: number; readonly name: string }
  | { readonly kind: "core alias"; readonly sort: CoreSort; readonly instance: number; readonly name: string }
  | { readonly kind: "outer alias"; readonly sort: Sort | "core type"; readonly depth: number; readonly index: number };

/** How strings are kept in a memory. */
export type StringEncoding = "utf8" | "utf16" | "latin1+utf16";

/** How a function crosses between a core module and its component; indexes of core memories and functions. */
export interface CanonOptions {
  readonly encoding: StringEncoding;
  readonly memory?: number;
  readonly realloc?: number;
  readonly postReturn?: number;
}

/** A type of the type section. */
export type TypeDefinition =
  | { readonly kind: "value"; readonly type: ValueTypeDefinition }
  | { readonly kind: "function"; readonly type: FunctionType }
  | { readonly kind: "component" }
  | { readonly kind: "instance"; readonly declarations: readonly Declaration[] }
  | { readonly kind: "resource"; readonly destructor?: number };

/** Types without parts. */
export type PrimitiveType =
  | "bool"
  | "s8"
  | "u8"
  | "s16"
  | "u16"
  | "s32"
  | "u32"
  | "s64"
  | "u64"
  | "f32"
  | "f64"
  | "char"
  | "string";

/** A primitive type, or the index of a defined one. */
export type ValueType = PrimitiveType | number;

/** A type with a name before it: a field, a case, a parameter. */
export interface NamedType {
  readonly name: string;
  readonly type: ValueType;
}

/** A defined value type. */
export type ValueTypeDefinition =
  | { readonly kind: "primitive"; readonly type: PrimitiveType }
  | { readonly kind: "record"; readonly fields: readonly NamedType[] }
  | { readonly kind: "variant"; readonly cases: readonly { readonly name: string; readonly type?: ValueType }[] }
  | { readonly kind: "list"; readonly element: ValueType }
  | { readonly kind: "tuple"; readonly types: readonly ValueType[] }
  | { readonly kind: "flags" | "enum"; readonly names: readonly string[] }
  | { readonly kind: "option"; readonly type: ValueType }
  | { readonly kind: "result"; readonly ok?: ValueType; readonly error?: ValueType }
  | { readonly kind: "own" | "borrow"; readonly resource: number };

/** The type of a function. */
export interface FunctionType {
  readonly params: readonly NamedType[];
  readonly result?: ValueType;
}

/** One line of an instance type. */
export type Declaration =
  | { readonly kind: "core type" }
  | { readonly kind: "type"; readonly type: TypeDefinition }
  | Alias
  | { readonly kind: "declared export"; readonly name: string; readonly what: ExternType };

/** What an import or a declared export is. `index` is a type's. */
export type ExternType =
  | { readonly kind: "core module" | "function" | "component" | "instance"; readonly index: number }
  | { readonly kind: "type"; readonly equals?: number };
