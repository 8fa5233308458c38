// Puts the page together: listens to the stream, follows the address, draws what has changed.

import { BoxView } from "./boxview.js";
import { el, mark, say } from "./dom.js";
import { FleetView } from "./fleetview.js";
import { Model } from "./model.js";
import { Speaker } from "./speaker.js";
import { Stream } from "./stream.js";
import { choose, language, loadWords, remember, remembered, t } from "./words.js";

const TICK_MS = 500;
const byId = (id) => document.getElementById(id);
const model = new Model();
const speaker = new Speaker(byId("spoken"));
let stream = null;
let view = null;
let isAsked = false;

/** The box in the address, "" for the overview, or null where the address names neither. */
function askedBox() {
  const [, kind, ...rest] = location.hash.split("/");
  if (kind === "all") return "";
  if (kind !== "box" || rest.length !== 2) return null;
  try {
    return rest.map(decodeURIComponent).join("/");
  } catch {
    return null; // an address that was mangled names no box
  }
}

/** The box to show: the one in the address, or the only one there is. */
function chosenBox() {
  const asked = askedBox();
  if (asked !== null) return asked;
  return model.boxes.size === 1 && !model.hello?.left_out ? [...model.boxes.keys()][0] : "";
}

function follow() {
  const name = chosenBox();
  if (view && name === model.chosen && isAsked) return;
  isAsked = true;
  const isOther = name !== model.chosen || !stream.source;
  model.choose(name);
  if (isOther) stream.open(name);
  show();
}

function show() {
  view?.close?.();
  view = model.chosen ? new BoxView(model) : new FleetView(model);
  byId("content").replaceChildren(view.node);
  draw();
}

function draw() {
  if (!model.hello) return;
  drawLink();
  const isAlone = model.boxes.size <= 1 && askedBox() !== "";
  byId("home").hidden = false;
  say(byId("brand-text"), model.chosen && !isAlone ? `‹ ${t("all_boxes")}` : t("title"));
  const title = model.chosen || t("all_boxes");
  say(byId("title"), title);
  document.title = `${title} · ${t("title")}`;
  say(byId("foot"), t("foot", { version: model.hello.version, broker: model.hello.broker }));
  view?.draw();
  speaker.tell(model);
}

function drawLink() {
  const pill = byId("link");
  const isCut = model.isCutOff;
  const isLost = !isCut && model.link !== null && !model.link.connected && model.link.n_connections + Boolean(model.link.error) > 0;
  const state = isCut || isLost ? "cut" : model.link?.connected ? "live" : "wait";
  mark(pill, "data-state", state);
  say(pill, isCut ? t("page_cut") : t(`link_${state}`));
  const trouble = byId("trouble");
  const key = isCut ? "page" : isLost ? "broker" : "";
  const text = `${key}|${language()}|${isLost ? model.link.error : ""}`;
  if (trouble.dataset.key === text) return;
  trouble.dataset.key = text;
  trouble.hidden = !key;
  trouble.replaceChildren();
  if (!key) return;
  trouble.append(el("strong", null, t(`trouble_${key}`)), " ", t(`trouble_${key}_text`));
  if (isLost && model.link.error) trouble.append(el("p", { "class": "small", lang: "en" }, model.link.error));
}

function dressUp() {
  say(byId("skip"), t("skip"));
  say(byId("label-language"), t("language"));
  say(byId("label-theme"), t("theme"));
  for (const option of byId("theme").options) say(option, t(`theme_${option.value}`));
  byId("language").value = language();
}

const dark = matchMedia("(prefers-color-scheme: dark)");
function dressColours() {
  const asked = byId("theme").value;
  const isDark = asked === "dark" || (asked === "auto" && dark.matches);
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  if (view) show();
}

async function begin() {
  const theme = byId("theme");
  const asked = new URLSearchParams(location.search).get("theme") ?? remembered("theme");
  theme.value = ["auto", "light", "dark"].includes(asked) ? asked : "auto";
  dressColours();
  await loadWords();
  dressUp();
  theme.addEventListener("change", () => {
    remember("theme", theme.value);
    dressColours();
  });
  dark.addEventListener("change", dressColours);
  byId("language").addEventListener("change", (event) => {
    remember("language", event.target.value);
    choose(event.target.value);
    dressUp();
    show();
  });
  byId("home").addEventListener("click", (event) => {
    if (model.boxes.size > 1) return;
    event.preventDefault();
  });
  byId("home").href = "#/all";
  stream = new Stream((kind, value) => {
    model.take(kind, value);
    if (kind !== "beat") return;
    follow();
    draw();
  });
  window.addEventListener("hashchange", () => {
    follow();
    byId("content").focus();
  });
  follow();
  setInterval(draw, TICK_MS);
}

begin();
