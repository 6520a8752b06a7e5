// What is wider than its place scrolls in itself; with the keyboard, too.
addEventListener("load", () => {
  for (const wide of document.querySelectorAll("pre, .table-wrapper, .output, .sig")) {
    if (wide.scrollWidth > wide.clientWidth + 1 && !wide.querySelector("pre")) wide.tabIndex = 0;
  }
});
