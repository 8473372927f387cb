import { copies } from "./copy.js";

for (const span of document.querySelectorAll(".origin")) {
  span.textContent = location.origin;
}

for (const button of document.querySelectorAll(".step button")) {
  copies(button, button.closest("li").querySelector("code"), "\n");
}

const status = document.getElementById("status");

async function check() {
  let ready = false;
  let words = "no answer";
  try {
    const answer = await fetch("/health/ready", { cache: "no-store" });
    ready = answer.ok && (await answer.json()).status === "ready";
    words = ready ? "ready" : "not ready yet";
  } catch {
    // Offline and a broken answer read the same to a visitor.
  }
  status.classList.toggle("ready", ready);
  if (status.textContent !== words) status.textContent = words;
}

check();
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) check();
});
