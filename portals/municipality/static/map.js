// htmx boosts links of HTML, not those of SVG: an area of the map is asked for in the same way, so that the page stays where it is.
// Without this script, or with a new tab wanted, the link is a link.
document.addEventListener("click", (event) => {
  const link = event.target.closest("svg a");
  if (!link || !window.htmx || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  window.htmx.ajax("GET", "/" + link.getAttribute("href"), { source: link, target: "#cijfers", swap: "outerHTML show:none" });
});
