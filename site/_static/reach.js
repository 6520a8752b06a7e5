// What people need who have no mouse, or do not see the page.
addEventListener("load", () => {
  // What is wider than its place scrolls in itself: with the keyboard, too.
  for (const wide of document.querySelectorAll("pre, .table-wrapper, .output, .sig")) {
    if (wide.scrollWidth > wide.clientWidth + 1 && !wide.querySelector("pre")) wide.tabIndex = 0;
  }
  // Sphinx calls a caption of the menu a heading, and does not say of which level.
  for (const caption of document.querySelectorAll("[role=heading]")) caption.ariaLevel ??= 2;
});
