/** Have a button copy what stands in an element. */
export function copies(button, source, ending = "") {
  const words = button.textContent;
  button.addEventListener("click", async () => {
    // The clipboard exists only on https and localhost; elsewhere the
    // selection is one key press away from a copy.
    try {
      await navigator.clipboard.writeText(source.textContent + ending);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = words), 2000);
  });
}
