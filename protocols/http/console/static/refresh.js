// Pages with figures that change are loaded again every five seconds, while nobody is typing and
// the page is looked at. Without this script they are as complete, and stay as they are.
"use strict";
const main = document.querySelector("main[data-live]");
async function refresh() {
  const typing = main.contains(document.activeElement) && document.activeElement.matches("input, textarea");
  const typed = [...main.querySelectorAll("input:not([type=hidden]), textarea")].some((f) => f.value !== f.defaultValue);
  if (document.hidden || typing || typed) return;
  const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main[data-live]");
  if (fresh) main.replaceChildren(...fresh.childNodes);
}
if (main) setInterval(() => refresh().catch(() => {}), 5000);
