import { guest, tryAll } from "../kit.ts";

const evil = ["a\r\nset-cookie: b=c", "a\nb", "a\rb", "a\0b", "a\u010ab"];
export default guest(() =>
  tryAll({
    init: () =>
      evil
        .filter((value) => {
          try {
            return new Response("", { headers: { "x-a": value } });
          } catch {
            return false;
          }
        })
        .join(),
    append: () =>
      evil
        .filter((value) => {
          try {
            new Headers().append("x-a", value);
            return true;
          } catch {
            return false;
          }
        })
        .join(),
    name: () =>
      evil
        .filter((value) => {
          try {
            new Headers().append(value, "a");
            return true;
          } catch {
            return false;
          }
        })
        .join(),
    statusText: () =>
      evil
        .filter((value) => {
          try {
            return new Response("", { statusText: value });
          } catch {
            return false;
          }
        })
        .join(),
    redirect: () => {
      const to = Response.redirect("http://a/b\r\nx: y").headers.get("location");
      return /[\r\n]/.test(to ?? "");
    },
  }),
);
