// A button that puts the text beside it on the clipboard; where the browser forbids that, the text is selected to be copied by hand.
function render({ model, el }) {
  el.classList.add("hw-copy");
  const button = document.createElement("button"), code = document.createElement("pre"), said = document.createElement("span");
  button.className = "jupyter-button widget-button";
  said.setAttribute("role", "status");
  code.tabIndex = 0;
  const show = () => {
    button.textContent = model.get("label");
    code.textContent = model.get("text");
    said.textContent = "";
  };
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(model.get("text"));
      said.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(code);
      said.textContent = "selected: copy it with Ctrl+C";
    }
  };
  show();
  model.on("change:text", show);
  el.append(button, said, code);
  return () => model.off("change:text", show);
}

export default { render };
