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
