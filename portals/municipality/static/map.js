// htmx boosts links of HTML, not those of SVG: an area of the map is asked for in the same way, so that the page stays where it is.
// Without this script, or with a new tab wanted, the link is a link.
document.addEventListener("click", (event) => {
  const link = event.target.closest("svg a");
  if (!link || !window.htmx || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const to = new URL(link.getAttribute("href"), window.location.href);
  window.htmx.ajax("GET", to.pathname + to.search, { source: link, target: "#cijfers", swap: "outerHTML show:none" });
});
