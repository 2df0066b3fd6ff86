"use strict";
// Sorting: a click on a column's head sorts by it, best first; the third click restores the order.
for (const table of document.querySelectorAll("table.board")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const original = [...body.rows];
  const key = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.v ?? cell.textContent.trim();
    const value = Number.parseFloat(text.replace("~", ""));
    return { text, value: Number.isNaN(value) ? null : value };
  };
  const compare = (column, sign) => (a, b) => {
    const x = key(a, column), y = key(b, column);
    const numbers = x.value !== null && y.value !== null;
    if (numbers) return sign * (x.value - y.value);
    if ((x.value !== null) !== (y.value !== null)) return x.value !== null ? -1 : 1;
    return sign * x.text.localeCompare(y.text, "en");
  };
  heads.forEach((head, column) => {
    const button = head.querySelector("button");
    if (!button) return;
    const first = head.dataset.first || "descending";
    const second = first === "descending" ? "ascending" : "descending";
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      const next = now === first ? second : now === second ? null : first;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (next) head.setAttribute("aria-sort", next);
      const rows = [...original];
      if (next) rows.sort(compare(column, next === "ascending" ? 1 : -1));
      body.append(...rows);
    });
  });
}
// Differences by class of any two results. Names are put in as text, never as markup.
for (const box of document.querySelectorAll("[data-differences]")) {
  const data = JSON.parse(box.querySelector("script").textContent);
  const [a, b] = box.querySelectorAll("select");
  const bars = box.querySelector(".diff");
  const cell = (name, text) => {
    const element = document.createElement("div");
    element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const draw = () => {
    const rows = data.classes
      .map((name, i) => [name, data.ap[a.value][i], data.ap[b.value][i]])
      .filter(([, x, y]) => x !== null && y !== null)
      .map(([name, x, y]) => [name, x - y])
      .sort((p, q) => q[1] - p[1]);
    const most = Math.max(10, ...rows.map(([, d]) => Math.abs(d)));
    bars.replaceChildren();
    for (const [name, d] of rows) {
      const track = cell("track"), bar = document.createElement("i");
      const width = (50 * Math.abs(d)) / most;
      bar.style.cssText = `width:${width}%;left:${d < 0 ? 50 - width : 50}%;background:${d < 0 ? "#d55e00" : "#0072b2"}`;
      track.append(bar);
      bars.append(cell("name", name), track, cell("value", (d > 0 ? "+" : "") + d.toFixed(1)));
    }
  };
  a.addEventListener("change", draw);
  b.addEventListener("change", draw);
  draw();
}
