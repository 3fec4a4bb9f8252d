"use strict";
// Data comes from elements of base64. Text is placed with textContent only, never as markup.
(async () => {
  const unpacked = (id) => {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = new Uint8Array(packed.length);
    for (let at = 0; at < packed.length; at += 1) bytes[at] = packed.charCodeAt(at);
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")));
  };
  const read = (id) => unpacked(id).json();
  const text = (id) => unpacked(id).text();
  const plain = (label) => {
    const spaced = String(label ?? "").replaceAll("<br>", "; ");
    return new DOMParser().parseFromString(spaced, "text/html").documentElement.textContent;
  };
  const once = (id) => {
    let found;
    return () => (found ??= read(id));
  };
  const rowsData = once("rows-data");
  const examplesData = once("examples-data");
  const dark = matchMedia("(prefers-color-scheme: dark)");

  // ---- which organism is on show ----
  let refit = () => {}; // set once there are figures
  const buttons = [...document.querySelectorAll("button[data-row]")];
  const selects = ["family", "seed"].map((id) => document.getElementById(id)).filter(Boolean);
  const current = () => buttons.find((it) => it.getAttribute("aria-pressed") === "true")?.dataset.row ?? "";
  const chosen = () => [current(), ...selects.map((it) => it.selectedOptions[0].textContent)].join(", ");
  const choose = (row) => {
    buttons.forEach((it) => it.setAttribute("aria-pressed", String(it.dataset.row === row)));
    document.querySelectorAll(".panel").forEach((panel) => {
      const other = selects.some((it) => it.value && it.value !== panel.dataset[it.id]);
      panel.hidden = panel.dataset.row !== row || other;
    });
    document.querySelectorAll(".grid").forEach((grid) => {
      const none = grid.parentElement.querySelector(".none");
      if (none) none.hidden = [...grid.children].some((panel) => !panel.hidden);
    });
    refit();
  };
  buttons.forEach((it) => it.addEventListener("click", () => choose(it.dataset.row)));
  selects.forEach((it) => it.addEventListener("change", () => choose(current())));
  document.querySelectorAll("[data-go]").forEach((it) =>
    it.addEventListener("click", () => {
      choose(it.dataset.go);
      document.getElementById("cards").scrollIntoView();
    }),
  );
  document.getElementById("narrow")?.addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    document.querySelectorAll("button[data-row], tr[data-row]").forEach((it) => {
      it.hidden = !words.every((word) => it.dataset.row.toLowerCase().includes(word));
    });
  });
  if (buttons.length) choose(current() || buttons[0].dataset.row);

  // ---- figures and what draws them, unpacked while the words of the page are painted ----
  const unpackPlotly = async () => {
    const script = document.createElement("script");
    script.textContent = await text("plotly"); // the page's policy allows it by its hash
    document.body.append(script);
  };
  const [{ figures, runs }] = await Promise.all([read("figures"), unpackPlotly()]);

  // ---- figures: drawn when they come near the screen, in the reader's colours ----
  let onPaper = false;
  const colours = () =>
    dark.matches && !onPaper
      ? { ink: "#e8eaed", line: "#353a41", panel: "#1b1e22" }
      : { ink: "#1c1e21", line: "#e3e6ea", panel: "#ffffff" };
  const SYMBOLS = {
    circle: "●", square: "■", diamond: "◆", "triangle-up": "▲", cross: "✚", star: "★",
    "circle-open": "○", "square-open": "□", "diamond-open": "◇", "x-thin-open": "✕",
  };
  // a legend of words that wrap at any width; pressing one hides its marks
  const glyph = ({ mode = "", line = {}, marker = {} }) => {
    const it = document.createElement("i");
    const colour = marker.color ?? line.color;
    if (mode.includes("lines")) {
      it.className = "line";
      it.style.borderTop = `2px ${{ dash: "dashed", dot: "dotted" }[line.dash] ?? "solid"} ${colour}`;
    } else {
      it.textContent = SYMBOLS[marker.symbol ?? "circle"] ?? "●";
      it.style.color = colour;
    }
    return it;
  };
  const keyOf = (box, data, trace, place) => {
    const it = document.createElement("button");
    it.type = "button";
    it.setAttribute("aria-pressed", "true");
    it.append(glyph(trace), plain(trace.name));
    const alike = data.map((other, at) => (at === place || (trace.legendgroup && other.legendgroup === trace.legendgroup) ? at : -1));
    it.addEventListener("click", () => {
      const show = it.getAttribute("aria-pressed") === "false";
      it.setAttribute("aria-pressed", String(show));
      Plotly.restyle(box, { visible: show }, alike.filter((at) => at >= 0));
    });
    return it;
  };
  const keys = (box, { data, layout }) => {
    const named = data.flatMap((trace, at) => (trace.name && trace.showlegend !== false && !trace.z ? [at] : []));
    const list = document.createElement("p");
    list.className = "keys";
    if (layout.showlegend !== false && named.length > 1) {
      list.append(...named.map((at) => keyOf(box, data, data[at], at)));
    }
    box.parentElement.querySelector(".keys")?.remove();
    box.before(list);
  };
  const themed = (layout, width) => {
    const { ink, line, panel } = colours();
    const out = { ...layout, width, showlegend: false, font: { ...layout.font, color: ink } };
    for (const name of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(name)) {
        out[name] = { ...layout[name], gridcolor: line, linecolor: line, zerolinecolor: line };
      }
    }
    out.hoverlabel = { ...layout.hoverlabel, bgcolor: panel, bordercolor: line, font: { color: ink } };
    return out;
  };
  const config = { responsive: false, displaylogo: false, displayModeBar: false };
  const draw = (box, width = box.clientWidth) => {
    const figure = figures[Number(box.dataset.figure)];
    keys(box, figure);
    Plotly.react(box, figure.data, themed(figure.layout, width), config);
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
      .forEach((box) => draw(box));
  };
  refit = fit;
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(fit, 150);
  });

  // ---- paper: nobody knows its width here, so a figure is drawn at one width and scales to its column ----
  const ALONE = 640, BESIDE = 400; // pixels
  const vectors = () => document.querySelectorAll("[data-figure] svg.main-svg");
  addEventListener("beforeprint", () => {
    onPaper = true;
    document.getElementById("on-paper").textContent = `On paper: ${chosen()}. Parts that are folded are left out.`;
    let most = 1;
    for (const box of boxes.filter((it) => it.offsetParent)) {
      const panels = [...(box.closest(".grid")?.children ?? [])].filter((it) => !it.hidden).length;
      most = Math.max(most, panels);
      const width = panels > 1 ? BESIDE : ALONE;
      draw(box, width);
      box.style.aspectRatio = `${width} / ${box.offsetHeight}`;
    }
    vectors().forEach((it) => it.setAttribute("viewBox", `0 0 ${it.getAttribute("width")} ${it.getAttribute("height")}`));
    document.body.classList.toggle("across", most > 2);
  });
  addEventListener("afterprint", () => {
    onPaper = false;
    document.body.classList.remove("across");
    vectors().forEach((it) => it.removeAttribute("viewBox"));
    boxes.forEach((box) => { box.style.aspectRatio = ""; });
    redraw();
  });
  boxes.forEach((box) => watcher.observe(box));

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
    if (runs[number] < 0) return drawn(figure); // over several runs
    const known = (await rowsData()).runs[runs[number]].rows;
    const lines = figure.data.flatMap((trace) => (trace.customdata ?? []).flat());
    const behind = [...new Set(lines)].filter((line) => line in known);
    const ofRows = behind.length && figure.data.every((trace) => trace.type !== "bar");
    return ofRows ? rowsOf(await rowsData(), behind, runs[number]) : drawn(figure);
  };
  // outside of the page a figure needs its own legend
  const alone = (number) => {
    const { data, layout } = figures[number];
    return { data, layout: { ...themed(layout, 640), showlegend: layout.showlegend ?? true, height: layout.height + 60 } };
  };
  const saveFigure = async (button) => {
    const number = Number(button.dataset.of);
    const box = document.querySelector(`[data-figure="${number}"]`);
    const name = `${box.dataset.name}-${number}`;
    if (button.dataset.save === "csv") save(name, await tableOf(number));
    else Plotly.downloadImage(alone(number), { format: "svg", filename: name, width: 640, height: box.offsetHeight + 60 });
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
