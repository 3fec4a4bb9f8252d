// Data comes from elements of base64. Text is placed with textContent only, never as markup.
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
// one figure at a time, those on the screen first: the first can be read while the others are drawn
const waitingToDraw = new Set();
const onScreen = (box) => {
  const { top, bottom } = box.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
};
const drawNext = () => {
  const box = [...waitingToDraw].find(onScreen) ?? [...waitingToDraw][0];
  if (!box) return;
  waitingToDraw.delete(box);
  if (box.offsetParent && !box.dataset.drawn) draw(box);
  if (waitingToDraw.size) setTimeout(drawNext);
};
const watcher = new IntersectionObserver(
  (entries) => {
    const idle = !waitingToDraw.size;
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && !target.dataset.drawn) waitingToDraw.add(target);
      else waitingToDraw.delete(target);
    }
    if (idle && waitingToDraw.size) drawNext();
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
  document.getElementById("on-paper").textContent = `On paper: ${chosen()}. Collapsed parts are left out.`;
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
