import { guest } from "../kit.ts";

export default guest(() =>
  Object.create(Response.prototype, {
    status: { value: 200 },
    headers: { value: new Headers() },
    body: { value: null },
    bodyUsed: { value: false },
  }),
);
