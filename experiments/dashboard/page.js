"use strict";
// Data comes from two elements of base64. Text is placed with textContent only, never as markup.
(async () => {
  const read = async (id) => {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  };
  const figures = await read("figures");
  const answers = await read("answers-data");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const printing = matchMedia("print");

  // ---- figures: drawn when they come near the screen, in the reader's colours ----
  const colours = () => {
    const night = dark.matches && !printing.matches;
    return night
      ? { ink: "#e8eaed", line: "#353a41", panel: "#1b1e22" }
      : { ink: "#1c1e21", line: "#e3e6ea", panel: "#ffffff" };
  };
  const themed = (layout) => {
    const { ink, line, panel } = colours();
    const out = { ...layout, font: { ...layout.font, color: ink } };
    for (const name of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(name)) {
        out[name] = { ...layout[name], gridcolor: line, linecolor: line, zerolinecolor: line };
      }
    }
    out.hoverlabel = { ...layout.hoverlabel, bgcolor: panel, bordercolor: line, font: { color: ink } };
    return out;
  };
  const config = { responsive: true, displaylogo: false, displayModeBar: false };
  const draw = (box) => {
    const { data, layout } = figures[Number(box.dataset.figure)];
    Plotly.react(box, data, themed(layout), config);
    box.dataset.drawn = "yes";
  };
  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting && !entry.target.dataset.drawn) draw(entry.target);
      }
    },
    { rootMargin: "400px" },
  );
  const boxes = [...document.querySelectorAll("[data-figure]")];
  boxes.forEach((box) => watcher.observe(box));
  const redraw = () => boxes.filter((box) => box.dataset.drawn).forEach(draw);
  dark.addEventListener("change", redraw);
  addEventListener("beforeprint", () => {
    boxes.filter((box) => box.offsetParent !== null).forEach(draw);
  });
  addEventListener("afterprint", redraw);

  // ---- which organism is on show ----
  const buttons = [...document.querySelectorAll("button[data-row]")];
  const seeds = document.getElementById("seed");
  const choose = (row) => {
    buttons.forEach((it) => it.setAttribute("aria-pressed", String(it.dataset.row === row)));
    const seed = seeds ? seeds.value : null;
    document.querySelectorAll(".panel").forEach((panel) => {
      const other = seed !== null && panel.dataset.seed !== seed;
      panel.hidden = panel.dataset.row !== row || other;
    });
    document.querySelectorAll(".grid").forEach((grid) => {
      const none = grid.parentElement.querySelector(".none");
      if (none) none.hidden = [...grid.children].some((panel) => !panel.hidden);
    });
  };
  const current = () => buttons.find((it) => it.getAttribute("aria-pressed") === "true");
  buttons.forEach((it) => it.addEventListener("click", () => choose(it.dataset.row)));
  if (seeds) seeds.addEventListener("change", () => choose(current().dataset.row));
  if (buttons.length) choose((current() || buttons[0]).dataset.row);

  // ---- answers ----
  const list = document.getElementById("answers-list");
  if (!list) return;
  const place = Object.fromEntries(answers.columns.map((name, at) => [name, at]));
  const filters = answers.filters.map((name) => {
    const select = document.createElement("select");
    const values = [...new Set(answers.rows.map((row) => String(row[place[name]] ?? "none")))].sort();
    select.append(new Option(`${name}: all`, ""), ...values.map((value) => new Option(value, value)));
    select.setAttribute("aria-label", name);
    return { name, select, hidden: values.length < 2 };
  });
  const search = document.getElementById("answers-search");
  const count = document.getElementById("answers-count");
  const more = document.getElementById("answers-more");
  let shown = 25;
  const line = (className, text) => {
    const element = document.createElement("p");
    element.className = className;
    element.dir = "ltr";
    element.textContent = text;
    return element;
  };
  const facts = (row) =>
    answers.columns
      .filter((name) => !["question", "answer"].includes(name) && row[place[name]] !== null)
      .map((name) => `${name} ${row[place[name]]}`)
      .join(" · ");
  const card = (row) => {
    const box = document.createElement("div");
    box.className = "answer";
    box.append(
      line("facts", facts(row)),
      line("question", `Question: ${row[place.question] ?? ""}`),
      line("text", `Answer: ${row[place.answer] ?? ""}`),
    );
    return box;
  };
  const matches = (row, words) =>
    filters.every(({ name, select }) => !select.value || String(row[place[name]] ?? "none") === select.value) &&
    (!words || `${row[place.question]} ${row[place.answer]}`.toLowerCase().includes(words));
  const show = () => {
    const words = search.value.trim().toLowerCase();
    const found = answers.rows.filter((row) => matches(row, words));
    count.textContent = `${found.length} of ${answers.rows.length} answers on this page; the run kept ${answers.total}.`;
    list.replaceChildren(...found.slice(0, shown).map(card));
    more.hidden = found.length <= shown;
  };
  document.getElementById("answers-filters").prepend(
    ...filters.filter((it) => !it.hidden).map((it) => it.select),
  );
  const restart = () => { shown = 25; show(); };
  filters.forEach(({ select }) => select.addEventListener("change", restart));
  search.addEventListener("input", restart);
  more.addEventListener("click", () => { shown += 50; show(); });
  // harmful text is not even in the document until the reader asks for it
  const fold = document.getElementById("answers-fold");
  const toggle = () => { if (fold.open) show(); else list.replaceChildren(); };
  fold.addEventListener("toggle", toggle);
  toggle(); // a browser may remember that it was open
})();
