"use strict";
// Index and comparison. Whatever comes from data becomes text nodes; addresses come from checked file names only.
const ROWS_AT_ONCE = 100;
const METRICS = {
  usd_per_100k: ["$ per 100k", true, "cost"], throughput_per_s: ["per second", false, "throughput"],
  latency_ms: ["ms", true, "latency"], joules_per_inference: ["J", true, "energy"],
};
const reports = window.HWLIB.reports;
const best = (row) => row.best || {};

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function figure(value) {
  if (value === null || value === undefined) return "unknown";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

const words = (text) => (text ?? "unknown").replaceAll("_", " ");
const machine = (option) => (option.instance_type ? `${option.instance_type} (${option.provider})` : option.device ? "not rented out" : "");
const asked = (row) => Object.entries(row.asked || {}).map(([name, value]) => `${name} ${value}`).join(", ");
const counted = (option) => (option.device_count > 1 ? `${option.device_count} × ` : "") + option.device;
const answer = (row) => (row.best ? counted(row.best) : row.options ? `none with known ${METRICS[row.metric][2]}` : "none");

function link(row) {
  return row.best === undefined ? make("span", row.name) : make("a", row.name, { href: `${row.report}.html` });
}

// The best figure of the first devices on a log axis, the winner marked.
function strip(row) {
  const values = (row.devices || []).map((device) => device[1]).filter((value) => value > 0);
  if (!values.length) return make("span");
  const [least, most] = [Math.min(...values), Math.max(...values)].map(Math.log);
  const place = (value) => (most > least ? 6 + (108 * (Math.log(value) - least)) / (most - least) : 60);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const draw = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    svg.append(element);
  };
  const said = `${figure(Math.min(...values))} to ${figure(Math.max(...values))} ${METRICS[row.metric][0]} over ${values.length} devices`;
  for (const [name, value] of Object.entries({ class: "strip", viewBox: "0 0 120 16", role: "img", "aria-label": said })) svg.setAttribute(name, value);
  draw("line", { x1: 2, x2: 118, y1: 8, y2: 8 });
  values.slice(1).forEach((value) => draw("circle", { cx: place(value), cy: 8, r: 4 }));
  draw("circle", { cx: place(values[0]), cy: 8, r: 5, class: "first" });
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "title"));
  svg.lastChild.textContent = said;
  return svg;
}

function two(main, more, kind) {
  const cell = make("td", undefined, kind ? { class: kind } : {});
  cell.append(main instanceof Node ? main : document.createTextNode(main ?? ""));
  if (more) cell.append(make("span", more, { class: "small" }));
  return cell;
}

function news(row) {
  const cell = make("td");
  if (row.failed) cell.append(make("span", `failed: ${row.failed}`, { class: "failed" }));
  cell.append((row.changes || []).join(", "));
  return cell;
}

// Title, what to sort by, how to show.
const COLUMNS = [
  ["Model", (row) => row.name.toLowerCase(), (row) => two(link(row), [row.model, asked(row)].filter(Boolean).join(" · "))],
  ["Task", (row) => row.task || "", (row) => make("td", words(row.task))],
  ["Best option", (row) => best(row).device?.toLowerCase(), (row) => two(answer(row), [best(row).device_class, machine(best(row))].filter(Boolean).join(" · "))],
  ["$ per 100k", (row) => best(row).usd_per_100k, (row) => make("td", figure(best(row).usd_per_100k), { class: "number" })],
  ["Per second", (row) => best(row).throughput_per_s, (row) => make("td", figure(best(row).throughput_per_s), { class: "number" })],
  ["Lead", (row) => row.margin, (row) => two(row.margin == null ? "" : `${figure(100 * row.margin)} %`, row.runner_up && `over ${row.runner_up}`)],
  ["First devices", (row) => (row.devices || []).length, (row) => { const cell = make("td"); cell.append(strip(row)); return cell; }],
  ["Evidence", (row) => best(row).evidence || "", (row) => two(best(row).evidence || "", best(row).source_id)],
  ["News", (row) => (row.failed ? 0 : (row.changes || []).length ? 1 : 2), news],
];

function startIndex(table) {
  const form = document.getElementById("filters");
  const more = document.getElementById("more");
  const texts = reports.map((row) => [row.report, row.model, row.name, row.task, asked(row), best(row).device, machine(best(row)), best(row).source_id].join(" ").toLowerCase());
  const of = {
    task: (row) => row.task, device_class: (row) => best(row).device_class,
    device: (row) => best(row).device, evidence: (row) => best(row).evidence,
  };
  let order = { column: null, down: false }; // at first those that have an answer, by name
  let found = [];
  let shown = 0;

  function fill(name) {
    const counts = new Map();
    reports.forEach((row) => of[name](row) && counts.set(of[name](row), (counts.get(of[name](row)) || 0) + 1));
    const sorted = [...counts].sort((one, other) => other[1] - one[1]);
    form[name].append(make("option", "any", { value: "" }), ...sorted.map(([value, count]) => make("option", `${words(value)} (${count})`, { value })));
    return sorted;
  }

  function overview(title, name, counts) {
    const box = make("figure");
    box.append(make("figcaption", title));
    const most = Math.max(...counts.map(([, count]) => count));
    counts.slice(0, 6).forEach(([value, count]) => {
      const bar = make("button", undefined, { class: "bar", type: "button", title: `show only ${words(value)}` });
      const length = make("i");
      length.style.width = `${(100 * count) / most}%`;
      bar.append(make("span", words(value)), make("span"), make("span", count.toLocaleString("en")));
      bar.children[1].append(length);
      bar.addEventListener("click", () => { form[name].value = form[name].value === value ? "" : value; search(); });
      box.append(bar);
    });
    document.getElementById("overview").append(box);
  }

  function wanted(row, number, parts) {
    const cost = best(row).usd_per_100k;
    return parts.every((part) => texts[number].includes(part))
      && Object.keys(of).every((name) => !form[name].value || of[name](row) === form[name].value)
      && (!form.least.value || cost >= Number(form.least.value) && cost != null)
      && (!form.most.value || cost <= Number(form.most.value) && cost != null)
      && (!form.news.value || (form.news.value === "failed" ? row.failed : (row.changes || []).length));
  }

  function compare(one, other) {
    if (order.column === null && !one.best !== !other.best) return !one.best - !other.best;
    const value = COLUMNS[order.column ?? 0][1];
    const [left, right] = [value(one), value(other)];
    const missing = (thing) => thing === null || thing === undefined || thing === "";
    if (missing(left) || missing(right)) return missing(left) - missing(right);
    const up = left < right ? -1 : left > right ? 1 : 0;
    return order.down ? -up : up;
  }

  function append() {
    const rows = found.slice(shown, shown + ROWS_AT_ONCE).map((row) => {
      const line = make("tr");
      line.append(...COLUMNS.map(([, , show]) => show(row)));
      return line;
    });
    table.tBodies[0].append(...rows);
    shown += rows.length;
    more.hidden = shown >= found.length;
    more.textContent = `Show ${Math.min(ROWS_AT_ONCE, found.length - shown)} more of ${(found.length - shown).toLocaleString("en")}`;
  }

  function search() {
    const parts = form.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = reports.filter((row, number) => wanted(row, number, parts)).sort(compare);
    shown = 0;
    table.tBodies[0].replaceChildren();
    append();
    document.getElementById("found").textContent = `${found.length.toLocaleString("en")} of ${reports.length.toLocaleString("en")} reports`;
    [...table.tHead.rows[0].cells].forEach((cell, column) => {
      cell.setAttribute("aria-sort", column !== order.column ? "none" : order.down ? "descending" : "ascending");
    });
  }

  const head = make("tr");
  COLUMNS.forEach(([title], column) => {
    const cell = make("th", undefined, { scope: "col" });
    const button = make("button", title, { type: "button" });
    button.addEventListener("click", () => { order = { column, down: order.column === column && !order.down }; search(); });
    cell.append(button);
    head.append(cell);
  });
  table.tHead.append(head);
  const counts = Object.fromEntries(Object.keys(of).map((name) => [name, fill(name)]));
  overview("Best device", "device", counts.device);
  overview("Its class", "device_class", counts.device_class);
  overview("Evidence behind it", "evidence", counts.evidence);
  form.addEventListener("input", search);
  form.addEventListener("reset", () => setTimeout(search));
  form.addEventListener("submit", (event) => event.preventDefault());
  more.addEventListener("click", append);
  search();
}

// Title, and the cell of a report.
const FACTS = [
  ["Task", (row) => words(row.task)],
  ["Parameters (million)", (row) => figure(row.params_m)],
  ["Work per sample (GMAC)", (row) => figure(row.gmacs)],
  ["Asked for", (row) => asked(row) || "the defaults"],
  ["Best option", answer],
  ["Machine", (row) => machine(best(row))],
  ["Price ($/h)", (row) => figure(best(row).usd_per_hour)],
  ["$ per 100k", (row) => figure(best(row).usd_per_100k)],
  ["Per second", (row) => [figure(best(row).throughput_per_s), words(best(row).throughput_unit || "")].join(" ")],
  ["Latency (ms)", (row) => figure(best(row).latency_ms)],
  ["Batch size", (row) => (best(row).batch_size == null ? "not stated" : figure(best(row).batch_size))],
  ["Precision", (row) => words(best(row).precision)],
  ["Evidence", (row) => [best(row).evidence || "none", best(row).source_id].filter(Boolean).join(", ")],
  ["Lead", (row) => (row.margin == null ? "unknown" : `${figure(100 * row.margin)} % over ${row.runner_up}`)],
];

function startCompare(table) {
  const byName = new Map(reports.map((row) => [row.report, row]));
  const form = document.getElementById("pick");
  const chosen = () => decodeURIComponent(location.hash.slice(1)).split(",").filter((name) => byName.has(name));
  const choose = (names) => { location.hash = [...new Set(names)].join(","); };
  document.getElementById("names").append(...reports.map((row) => make("option", `${row.name} ${asked(row)}`, { value: row.report })));

  function bars(row) {
    const cell = make("td");
    const [unit, less] = METRICS[row.metric] || ["", true];
    const most = Math.max(...(row.devices || []).map((device) => device[1]));
    (row.devices || []).forEach(([device, value]) => {
      const line = make("div", undefined, { class: "of" });
      const length = make("i");
      length.style.width = `${(100 * value) / most}%`;
      line.append(make("span", device), make("span", `${figure(value)} ${unit}`), length);
      cell.append(line);
    });
    cell.append(make("span", row.devices?.length ? (less ? "shorter is better" : "longer is better") : "no option has the figure", { class: "small" }));
    return cell;
  }

  function line(title, cells) {
    const row = make("tr");
    row.append(make("th", title, { scope: "row" }), ...cells);
    return row;
  }

  function show() {
    const rows = chosen().map((name) => byName.get(name));
    const head = make("tr");
    head.append(make("td"), ...rows.map((row) => {
      const cell = make("th", undefined, { scope: "col" });
      const drop = make("button", "Remove", { class: "drop", type: "button", "aria-label": `Remove ${row.report}` });
      drop.addEventListener("click", () => choose(chosen().filter((name) => name !== row.report)));
      cell.append(link(row), make("span", row.report, { class: "small" }), drop);
      return cell;
    }));
    table.tHead.replaceChildren(...(rows.length ? [head] : []));
    table.tBodies[0].replaceChildren(...(rows.length ? [
      ...FACTS.map(([title, text]) => line(title, rows.map((row) => make("td", text(row))))),
      line("First devices", rows.map(bars)),
    ] : []));
    document.getElementById("found").textContent = rows.length ? `${rows.length} side by side; the address keeps them` : "None chosen yet.";
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = form.add.value.trim().toLowerCase();
    const name = byName.has(text) ? text : reports.find((row) => row.name.toLowerCase() === text || row.report.startsWith(text))?.report;
    if (!text || !name) { document.getElementById("found").textContent = `No report is called “${form.add.value}”.`; return; }
    form.reset();
    choose([...chosen(), name]);
  });
  addEventListener("hashchange", show);
  show();
}

const index = document.getElementById("reports");
if (index) startIndex(index); else startCompare(document.getElementById("compared"));
