export const element = (id) => document.getElementById(id);

/** A page that comes back from the browser's memory may show somebody who has signed out since. */
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
