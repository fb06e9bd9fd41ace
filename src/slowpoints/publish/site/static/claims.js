// The claims table: rows are shown that fit what is chosen above it; the choice stands in the address, so it can be kept.
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const rows = [...document.querySelectorAll("#claims tbody tr")];
  const shown = document.getElementById("shown");

  const fits = (row, chosen) =>
    ["paper", "verdict", "experiment"].every((key) => !chosen[key] || row.dataset[key] === chosen[key]) &&
    (!chosen.cell || row.dataset.cells.split(" ").includes(chosen.cell)) &&
    chosen.text.toLowerCase().split(/\s+/).every((word) => row.textContent.toLowerCase().includes(word));

  const update = () => {
    const chosen = Object.fromEntries(new FormData(form));
    rows.forEach((row) => { row.hidden = !fits(row, chosen); });
    shown.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} claims`;
    const kept = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value));
    history.replaceState(null, "", kept.size ? `?${kept}` : location.pathname);
  };

  new URLSearchParams(location.search).forEach((value, key) => {
    if (form.elements[key]) form.elements[key].value = value;
  });
  form.addEventListener("input", update);
  form.addEventListener("reset", () => setTimeout(update));
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
})();
