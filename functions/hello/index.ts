/** The smallest function there is: what benchmarks measure when they measure everything else. */
export default {
  fetch(): Response {
    return new Response("Hello, world\n");
  },
};
