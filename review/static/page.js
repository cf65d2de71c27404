// What scripts add to pages that work without them: live news, sheets instead of new pages, keys, the reader's zone.
// Everything here ends in the same addresses and forms that the page has anyway.

const main = document.getElementById("main");

// ---------------------------------------------------------------- the reader's zone

function offerMyZone() {
  const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const button of document.querySelectorAll("button.mine")) {
    button.value = mine;
    button.textContent = `Yours · ${mine.split("/").pop().replaceAll("_", " ")}`;
    button.hidden = mine === "UTC";
  }
}

// ---------------------------------------------------------------- sheets: a page of a form, over the page it came from

const sheet = document.querySelector("dialog.sheet");

async function openSheet(link) {
  const response = await fetch(link.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return location.assign(link.href);
  await fillSheet(response, link.href);
  sheet.showModal();
  (sheet.querySelector("input:not([type=hidden]), textarea, select") ?? sheet.querySelector("button")).focus();
}

async function fillSheet(response, address) {
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const close = document.createElement("button");
  close.textContent = "Close";
  close.className = "close";
  close.addEventListener("click", () => sheet.close());
  page.querySelector(".crumb")?.remove();
  sheet.replaceChildren(close, ...page.getElementById("main").childNodes);
  const form = sheet.querySelector("form[data-effect]");
  if (form) followEffect(form, address);
}

// the effect of a new time, while it is typed
function followEffect(form, address) {
  const field = form.elements.at;
  let asked = 0;
  const show = async () => {
    const mine = ++asked;
    const response = await fetch(`${address.split("?")[0]}?at=${encodeURIComponent(field.value)}`);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (mine === asked) sheet.querySelector(".effect")?.replaceWith(page.querySelector(".effect"));
  };
  field.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    if (!("preview" in (event.submitter?.dataset ?? {}))) return;
    event.preventDefault();
    show();
  });
}

if (sheet) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openSheet(link);
  });
}

// ---------------------------------------------------------------- live: what changed is shown, unless somebody is writing

const dirty = new Set();
document.addEventListener("input", (event) => event.target.form && dirty.add(event.target.form));

function isWriting() {
  for (const form of dirty) if (!form.isConnected) dirty.delete(form);
  return dirty.size > 0 || sheet?.open || document.querySelector("details.write[open], .slot details[open]") !== null;
}

let waiting = 0;

async function refresh() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (isWriting()) return tell();
  const open = [...document.querySelectorAll("details[open]")].map((each) => each.textContent);
  const focused = document.activeElement?.closest("tr[id]")?.id;
  main.replaceChildren(...page.getElementById("main").childNodes);
  for (const each of main.querySelectorAll("details")) each.open = open.includes(each.textContent);
  if (focused) document.getElementById(focused)?.querySelector("a")?.focus();
  offerMyZone();
}

function tell() {
  const news = document.querySelector(".news");
  const button = document.createElement("button");
  button.textContent = "Show it";
  button.addEventListener("click", () => location.reload());
  news.replaceChildren("Something changed since this page was made. What you are writing is kept until you show it. ", button);
  news.hidden = false;
}

function listen() {
  const live = document.querySelector("[data-live]");
  if (!live) return;
  const incident = live.dataset.incident;
  const source = new EventSource("/v1/stream");
  const changed = () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => (isWriting() ? tell() : refresh()), 300);
  };
  source.addEventListener("incident", (event) => {
    if (!incident || JSON.parse(event.data).incident === incident) changed();
  });
  source.addEventListener("reset", changed);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

// ---------------------------------------------------------------- keys: each has a link or a button too

function move(step) {
  const rows = [...document.querySelectorAll("tr.row")];
  const now = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[Math.min(Math.max(now + step, 0), rows.length - 1)];
  next?.querySelector("td.edit a")?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

async function onRow(name) {
  const link = document.activeElement?.closest("tr.row")?.querySelector("td.edit a");
  if (!link || !sheet) return;
  await openSheet(link);
  if (name) sheet.querySelector(`button[data-row=${name}]`)?.focus();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  e: () => onRow(""),
  p: () => onRow("p"),
  h: () => onRow("h"),
  n: () => document.querySelector("#add textarea")?.focus(),
  "/": () => document.querySelector("input[data-key='/']")?.focus(),
  u: () => document.querySelector(".zones button[name=zone]:not([aria-pressed]):not([hidden])")?.click(),
  "?": () => document.querySelector("dialog.keys")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, textarea, select, dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// on a phone the incidents come first
if (matchMedia("(max-width: 640px)").matches && !document.querySelector("[data-filtered]")) {
  document.querySelector("details.filters")?.removeAttribute("open");
}

offerMyZone();
listen();
