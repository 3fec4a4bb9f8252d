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
