addEventListener("fetch", (event: any) => {
  if (event.request.url.endsWith("/alive")) return event.respondWith(new Response("alive"));
  event.respondWith(new Response("first"));
  try {
    event.respondWith(new Response("second"));
  } catch (error: any) {
    if (error.name !== "InvalidStateError") throw error;
  }
});
