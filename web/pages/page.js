/** How pages are changed: by text and nodes only, so that what a stranger wrote is never markup. */

export const element = (id) => document.getElementById(id);

/** Make an element: properties by their names in the DOM, `data-` and `aria-` ones as attributes. */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** Text of somebody else's, on one line: invisible characters could turn it around or make it look empty. */
export function foreign(text, longest = 80) {
  const visible = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ").trim();
  const cut = [...visible].slice(0, longest).join("");
  return cut.length < visible.length ? `${cut}…` : visible;
}

/** Show one of the sections of the page that have an id, and tell it by the title. */
export function show(id, title) {
  for (const section of document.querySelectorAll("main > [data-state]")) section.hidden = section.id !== id;
  if (title) document.title = `${title} · Todo Evolution`;
}

/** A page that comes back from the browser's memory may show somebody who has signed out since. */
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
