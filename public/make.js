// Lets the preview follow the typing. Without this file the button "Preview" does the same.
const form = document.querySelector("form.make");
const picture = form?.querySelector("[data-preview]");
let timer;
form?.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const query = new URLSearchParams([...new FormData(form)].filter(([name]) => name === "caption" || name === "title"));
    picture.src = `${new URL(form.action).pathname}/picture.svg?${query}`;
  }, 350);
});
