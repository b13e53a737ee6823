/**
 * The API described for programs: OpenAPI 3.1. A test asks everything that stands here and holds the answers against it.
 *
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */

import { TEMPLATES } from "./data/templates.ts";
import { LIMITS } from "./draft.ts";
import { BOUNDS, PAGE_MEMES } from "./query.ts";

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: object) => ({ "application/json": { schema } });
const answer = (description: string, schema: object) => ({ description, content: json(schema) });
const refusal = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: ref("Problem") } },
});
const REFUSED_TOO_MANY = {
  ...refusal("Too much within the hour from one address"),
  headers: { "retry-after": { description: "Seconds", schema: { type: "integer", minimum: 1 } } },
};
const NOT_FOUND = refusal("There is no meme with this id");

const text = (maxLength: number, description?: string) => ({
  type: "string",
  maxLength,
  ...(description && { description }),
});
const count = (minimum: number) => ({ type: "integer", minimum });
const address = { type: "string", format: "uri" };

/** All that is said of a thing must be there, and no more, but for what is `optional`. */
const thing = (properties: Readonly<Record<string, object>>, optional: readonly string[] = []) => ({
  type: "object",
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});
const listOf = (items: object, more: Readonly<Record<string, object>> = {}) =>
  thing({ items: { type: "array", items }, ...more });

const DRAFT = {
  template: { type: "string", enum: TEMPLATES.map(({ id }) => id) },
  title: { ...text(LIMITS.title), minLength: 1 },
  captions: {
    type: "array",
    items: text(LIMITS.caption),
    description: "One for each zone of the template, in its order; an empty one leaves its zone empty.",
  },
  tags: { type: "array", items: text(LIMITS.tag), minItems: 1, maxItems: LIMITS.tags },
  credit: text(LIMITS.credit, "Where it comes from, and whom to thank. Left out: anonymous."),
};

const SCHEMAS = {
  Draft: thing(DRAFT, ["credit"]),
  Meme: thing(
    {
      ...DRAFT,
      id: { type: "string", pattern: "^[a-z0-9]+(-[a-z0-9]+)*$" },
      number: count(1),
      published: { type: "string", format: "date-time" },
      votes: count(0),
      url: address,
      picture: { ...address, description: "As SVG." },
      png: { ...address, description: "As PNG, where something draws it." },
    },
    ["png"],
  ),
  MemePage: listOf(ref("Meme"), { page: count(1), pages: count(1), total: count(0) }),
  Vote: thing({ votes: count(0), voted: { type: "boolean" } }),
  TagList: listOf(thing({ tag: text(LIMITS.tag), count: count(1) })),
  Template: thing({
    id: { type: "string" },
    title: { type: "string" },
    alt: { type: "string", description: "What the drawing shows." },
    zones: { type: "array", items: ref("Zone") },
    picture: address,
  }),
  Zone: {
    ...thing({ x: count(0), y: count(0), width: count(1), height: count(1), size: count(1), ink: { const: "chalk" } }, [
      "ink",
    ]),
    description: "A place for one caption, in units of a picture of 1200 × 900.",
  },
  TemplateList: listOf(ref("Template")),
  Problem: {
    ...thing(
      {
        type: { type: "string" },
        title: { type: "string" },
        status: { type: "integer", minimum: 400, maximum: 599 },
        detail: { type: "string" },
        errors: { type: "array", items: thing({ name: { type: "string" }, reason: { type: "string" } }) },
      },
      ["errors"],
    ),
    description: "RFC 9457.",
  },
};

const inQuery = (name: string, schema: object, description: string) => ({ name, in: "query", schema, description });
const ID = { name: "id", in: "path", required: true, schema: { type: "string" }, example: "null-result" };

const PATHS = {
  "/api/memes": {
    get: {
      operationId: "listMemes",
      summary: "A page of memes",
      parameters: [
        inQuery("page", { ...count(1), maximum: BOUNDS.page, default: 1 }, "Beyond the last one it is empty."),
        inQuery("limit", { ...count(1), maximum: BOUNDS.limit, default: PAGE_MEMES }, "How many on a page."),
        inQuery("order", { enum: ["newest", "top"], default: "newest" }, "By publication or by votes."),
        inQuery("tag", text(BOUNDS.text), "Those with this tag."),
        inQuery("q", text(BOUNDS.text), "Those with all these words, best match first; of the last, its beginning."),
      ],
      responses: { 200: answer("The page", ref("MemePage")), 400: refusal("A parameter cannot be used") },
    },
    post: {
      operationId: "publishMeme",
      summary: "Publish a meme",
      requestBody: { required: true, content: json(ref("Draft")) },
      responses: {
        201: { ...answer("The new meme", ref("Meme")), headers: { location: { schema: address } } },
        400: refusal("The body is not a draft"),
        413: refusal("The body is too large"),
        415: refusal("The body is not JSON"),
        422: refusal("The draft breaks a rule"),
        429: REFUSED_TOO_MANY,
      },
    },
  },
  "/api/memes/{id}": {
    get: {
      operationId: "findMeme",
      summary: "One meme",
      parameters: [ID],
      responses: { 200: answer("The meme", ref("Meme")), 404: NOT_FOUND },
    },
  },
  "/api/memes/{id}/vote": {
    put: {
      operationId: "vote",
      summary: "Vote for a meme",
      description:
        "A visitor has one vote per meme. Who that is stands in the cookie `visitor`, set with the first vote.",
      parameters: [ID],
      responses: { 200: answer("The votes then", ref("Vote")), 404: NOT_FOUND, 429: REFUSED_TOO_MANY },
    },
    delete: {
      operationId: "takeVoteBack",
      summary: "Take the vote back",
      parameters: [ID],
      responses: { 200: answer("The votes then", ref("Vote")), 404: NOT_FOUND, 429: REFUSED_TOO_MANY },
    },
  },
  "/api/tags": {
    get: {
      operationId: "listTags",
      summary: "The tags, most used first, at most 200",
      responses: { 200: answer("The tags", ref("TagList")) },
    },
  },
  "/api/templates": {
    get: {
      operationId: "listTemplates",
      summary: "The templates",
      responses: { 200: answer("The templates", ref("TemplateList")) },
    },
  },
};

/** The whole description; `server` is the address of the site. */
export function describeApi(server: string): object {
  return {
    openapi: "3.1.1",
    info: { title: "Academemes", version: "1", summary: "Academic memes: read, search, make, vote" },
    servers: [{ url: server }],
    paths: PATHS,
    components: { schemas: SCHEMAS },
  };
}
