/** The one question before something ends for good. */
import { element } from "./page.js";
import { Refusal } from "./server.js";

const dialog = element("sure");
let asked;

/**
 * Ask; `act` runs if the person says yes, and the dialog stays with the reason if it is refused. What was acted on
 * is gone then, and with it the button that had the focus: `then` takes it.
 */
export function sure({ title, words, yes, act, then }) {
  asked = { act, then };
  element("sure-title").textContent = title;
  element("sure-words").textContent = words;
  element("sure-yes").textContent = yes;
  element("sure-message").textContent = "";
  dialog.showModal();
}

element("sure-no").addEventListener("click", () => dialog.close());

element("sure-yes").addEventListener("click", async () => {
  const button = element("sure-yes");
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true";
  try {
    await asked.act();
    dialog.close();
    asked.then.focus();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    element("sure-message").textContent = refusal.message;
  } finally {
    button.ariaDisabled = "false";
  }
});
