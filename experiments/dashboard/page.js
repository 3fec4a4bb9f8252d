"use strict";
// Data comes from elements of base64. Text is placed with textContent only, never as markup.
(async () => {
  const read = async (id) => {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  };
  const once = (id) => {
    let found;
    return () => (found ??= read(id));
  };
  const { figures, runs } = await read("figures");
  const rowsData = once("rows-data");
  const examplesData = once("examples-data");
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
  const config = { responsive: false, displaylogo: false, displayModeBar: false };
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
  const redraw = () => {
    for (const box of boxes.filter((it) => it.dataset.drawn)) {
      if (box.offsetParent) draw(box);
      else delete box.dataset.drawn; // drawn anew when it comes into view
    }
  };
  dark.addEventListener("change", redraw);
  // only what is on show can be measured: Plotly's own resizing draws hidden figures with no size
  const fit = () => {
    boxes
      .filter((box) => box.dataset.drawn && box.offsetParent)
      .filter((box) => box.clientWidth !== box._fullLayout.width)
      .forEach((box) => Plotly.Plots.resize(box));
  };
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(fit, 150);
  });
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
    fit();
  };
  const current = () => buttons.find((it) => it.getAttribute("aria-pressed") === "true");
  buttons.forEach((it) => it.addEventListener("click", () => choose(it.dataset.row)));
  if (seeds) seeds.addEventListener("change", () => choose(current().dataset.row));
  if (buttons.length) choose((current() || buttons[0]).dataset.row);

  // ---- tables as CSV ----
  // a spreadsheet would run a text that begins like a formula
  const safe = (value) =>
    typeof value === "string" && /^[=+\-@\t\r]/.test(value) && !/^[-+]?[\d.]/.test(value) ? `'${value}` : value;
  const cell = (value) => {
    const text = value === null || value === undefined ? "" : String(safe(value));
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const save = (name, table) => {
    const text = table.map((line) => line.map(cell).join(",")).join("\r\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(["\ufeff", text, "\r\n"], { type: "text/csv" }));
    link.download = `${name}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  const plain = (label) => {
    const spaced = String(label ?? "").replaceAll("<br>", "; ");
    return new DOMParser().parseFromString(spaced, "text/html").documentElement.textContent;
  };
  const rowsOf = ({ columns, runs: all }, lines, run) => [
    ["run", "line", ...columns],
    ...lines.map((line) => [all[run].name, line, ...all[run].rows[line]]),
  ];
  const drawn = ({ data }) => {
    const out = [["series", "x", "y", "value", "text"]];
    for (const trace of data) {
      const name = plain(trace.name);
      if (trace.z) {
        trace.z.forEach((line, j) =>
          line.forEach((z, i) => out.push([name, plain(trace.x[i]), plain(trace.y[j]), z, plain(trace.text?.[j]?.[i])])),
        );
      } else {
        (trace.x ?? []).forEach((x, i) => out.push([name, x, trace.y?.[i], null, plain(trace.text?.[i])]));
      }
    }
    return out;
  };
  const tableOf = async (number) => {
    const figure = figures[number];
    const known = (await rowsData()).runs[runs[number]].rows;
    const lines = figure.data.flatMap((trace) => (trace.customdata ?? []).flat());
    const behind = [...new Set(lines)].filter((line) => line in known);
    const ofRows = behind.length && figure.data.every((trace) => trace.type !== "bar");
    return ofRows ? rowsOf(await rowsData(), behind, runs[number]) : drawn(figure);
  };
  const saveFigure = async (button) => {
    const number = Number(button.dataset.of);
    const box = document.querySelector(`[data-figure="${number}"]`);
    const name = `${box.dataset.name}-${number}`;
    if (button.dataset.save === "csv") save(name, await tableOf(number));
    else Plotly.downloadImage(box, { format: "svg", filename: name, width: 640, height: box.offsetHeight });
  };
  document.querySelectorAll("[data-save]").forEach((it) => it.addEventListener("click", () => saveFigure(it)));
  document.getElementById("all-rows").addEventListener("click", async () => {
    const data = await rowsData();
    const tables = data.runs.map((run, number) => rowsOf(data, Object.keys(run.rows), number));
    save("estimates", [tables[0][0], ...tables.flatMap((table) => table.slice(1))]);
  });
  document.querySelectorAll("table.csv").forEach((table, number) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "CSV";
    const bar = document.createElement("div");
    bar.className = "tools";
    bar.append(button);
    table.closest(".scroll").after(bar);
    button.addEventListener("click", () => {
      const lines = [...table.rows].map((row) => [...row.cells].map((it) => it.innerText.replace(/\s+/g, " ").trim()));
      save(table.dataset.csv || `table-${number}`, lines);
    });
  });

  // ---- features: tokens shaded by how strongly a feature fires, once the reader asks ----
  const heat = ({ feature, condition, tokens, values }) => {
    const box = document.createElement("p");
    box.className = "heat";
    box.dir = "ltr";
    const top = Math.max(...values, 1e-9);
    const facts = document.createElement("small");
    facts.textContent = `feature ${feature}${condition ? `, ${condition}` : ""}, at most ${top.toPrecision(3)}`;
    box.append(facts);
    tokens.forEach((token, at) => {
      const span = document.createElement("span");
      span.textContent = token;
      span.title = values[at].toPrecision(3);
      const share = Math.max(0, values[at] / top).toFixed(3);
      span.style.backgroundColor = `rgba(var(--heat), ${share})`;
      box.append(span);
    });
    return box;
  };
  document.querySelectorAll("details.examples").forEach((fold) => {
    const place = fold.querySelector("div");
    fold.addEventListener("toggle", async () => {
      const found = fold.open ? (await examplesData())[Number(fold.dataset.examples)] : [];
      place.replaceChildren(...found.map(heat));
    });
  });

  // ---- answers ----
  const list = document.getElementById("answers-list");
  if (!list) return;
  const answers = await read("answers-data");
  const place = Object.fromEntries(answers.columns.map((name, at) => [name, at]));
  const filters = answers.filters.map((name) => {
    const select = document.createElement("select");
    const values = [...new Set(answers.rows.map((row) => String(row[place[name]] ?? "none")))].sort();
    select.append(new Option(`${name}: all`, ""), ...values.map((value) => new Option(value, value)));
    select.setAttribute("aria-label", name);
    select.dataset.filter = name;
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
      .filter((name) => !["question", "answer"].includes(name) && ![null, ""].includes(row[place[name]]))
      .map((name) => `${name} ${row[place[name]]}`)
      .join(" · ");
  const card = (row) => {
    const box = document.createElement("div");
    box.className = "answer";
    const verdict = row[place.verdict];
    if (verdict === "misaligned" || verdict === "aligned") box.classList.add(verdict);
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
  const found = () => {
    const words = search.value.trim().toLowerCase();
    return answers.rows.filter((row) => matches(row, words));
  };
  const show = () => {
    const rows = found();
    count.textContent = `${rows.length} of ${answers.rows.length} answers on this page; the run kept ${answers.total}.`;
    list.replaceChildren(...rows.slice(0, shown).map(card));
    more.hidden = rows.length <= shown;
  };
  document.getElementById("answers-filters").prepend(
    ...filters.filter((it) => !it.hidden).map((it) => it.select),
  );
  const restart = () => { shown = 25; show(); };
  filters.forEach(({ select }) => select.addEventListener("change", restart));
  search.addEventListener("input", restart);
  more.addEventListener("click", () => { shown += 50; show(); });
  document.getElementById("answers-csv").addEventListener("click", () => save("answers", [answers.columns, ...found()]));
  // harmful text is not even in the document until the reader asks for it
  const fold = document.getElementById("answers-fold");
  const toggle = () => { if (fold.open) show(); else list.replaceChildren(); };
  fold.addEventListener("toggle", toggle);
  toggle(); // a browser may remember that it was open
})();
