/** Light or dark as chosen on the page, before anything is painted; where nothing was chosen, as the device has it. */
const chosen = localStorage.getItem("todo-theme");
if (chosen) document.documentElement.dataset.theme = chosen;
