// One board of charts: each is embedded once, then fed data and parameters. `vegaEmbed` comes with the bundle around this text.
// Only errors are worth a line on the console: an empty layer, such as a limit that nobody set, is no mistake.
const OPTIONS = { mode: "vega-lite", renderer: "svg", logLevel: 1, actions: { export: true, source: false, compiled: false, editor: false } };

async function feed(view, pane) {
  for (const [name, rows] of Object.entries(pane.data ?? {})) view.data(name, structuredClone(rows));
  for (const [name, value] of Object.entries(pane.params ?? {})) view.signal(name, value);
  await view.resize().runAsync();
}

function figure(model, name, board) {
  const parts = Object.fromEntries(["figure", "h4", "p", "div", "figcaption"].map((tag) => [tag, document.createElement(tag)]));
  const { figure, h4, p, div, figcaption } = parts;
  figure.append(h4, p, div, figcaption);
  board.append(figure);
  let result = null, drawn = null, last = Promise.resolve();

  function forget() {
    result?.finalize();
    div.replaceChildren();
    result = drawn = null;
  }
  async function draw(spec, datasets) {
    forget();
    result = await vegaEmbed(div, structuredClone({ ...spec, datasets }), OPTIONS);
    // Vega keeps the marks of rows that are gone until there are this many; its own 10,000 a layer are 100 answers.
    result.view.cleanThreshold = 500;
    drawn = JSON.stringify(spec);
    result.view.addEventListener("click", (_, item) => {
      const { device, measurement_id } = item?.datum ?? {};
      model.set("picked", measurement_id ? { device, measurement_id } : {});
      model.save_changes();
    });
  }
  async function show() {
    const pane = model.get(name), spec = model.get("specs")[name];
    h4.textContent = pane.title ?? "";
    p.textContent = pane.note ?? "";
    figcaption.textContent = pane.caption ?? "";
    if (pane.note || !spec) return forget();
    if (drawn !== JSON.stringify(spec)) await draw(spec, pane.data);
    await feed(result.view, pane);
    result.view.description(pane.description);
  }
  // One after the other: a change that comes while a chart is being drawn waits for it, and the newest state is what is shown.
  const refresh = () => (last = last.then(show).catch((error) => { p.textContent = `This chart could not be drawn: ${error.message}`; }));
  const fit = new ResizeObserver(([entry]) => result?.view.signal("width", entry.contentRect.width).runAsync());
  fit.observe(div);
  model.on(`change:${name}`, refresh);
  model.on("change:specs", refresh);
  refresh();
  return () => { fit.disconnect(); model.off(`change:${name}`, refresh); model.off("change:specs", refresh); forget(); };
}

// JupyterLab takes bare keys for its own, arrows in a menu too, and moves to another cell: within the explorer they stay.
function keepKeys(event) {
  if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation();
}

function render({ model, el }) {
  const placed = new ResizeObserver(() => {
    placed.disconnect();
    el.closest(".hw-explorer")?.addEventListener("keydown", keepKeys);
  });
  placed.observe(el);
  el.classList.add("hw-board");
  const answer = document.createElement("div");
  answer.className = "hw-answer";
  answer.setAttribute("role", "status");
  const figures = document.createElement("div");
  figures.className = "hw-figures";
  const key = document.createElement("div");
  key.className = "hw-key";
  key.innerHTML = model.get("key");
  el.append(answer, key, figures);
  const say = () => { answer.innerHTML = model.get("answer"); };
  const stale = () => { answer.textContent = "The kernel was restarted, so nothing here answers any more: run the cells from the top again."; };
  say();
  model.on("change:answer", say);
  model.on("comm_live_update", stale);
  const ends = model.get("names").map((name) => figure(model, name, figures));
  return () => { model.off("change:answer", say); model.off("comm_live_update", stale); ends.forEach((end) => end()); };
}

export default { render };
