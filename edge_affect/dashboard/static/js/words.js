// All sentences of the page, in the language of the reader.

const LANGUAGES = ["en", "zh"];
const texts = {};
let current = "en";

function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // storage may be forbidden; the page works without
  }
}

/** Remember a choice of the reader in this browser. */
export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    return; // as above
  }
}

/** Return a choice that was remembered, or null. */
export function remembered(name) {
  return stored(name);
}

/** Load all languages and pick the one asked for: ?lang=, the last choice, the browser's. */
export async function loadWords() {
  await Promise.all(LANGUAGES.map(async (name) => {
    texts[name] = await (await fetch(`/lang/${name}.json`)).json();
  }));
  const asked = [new URLSearchParams(location.search).get("lang"), stored("language"), ...navigator.languages];
  const known = asked.map((name) => (name ?? "").toLowerCase().split("-")[0]).find((name) => LANGUAGES.includes(name));
  choose(known ?? "en");
}

/** Switch to a language. */
export function choose(name) {
  current = LANGUAGES.includes(name) ? name : "en";
  document.documentElement.lang = texts[current].lang;
}

/** The language in use. */
export function language() {
  return current;
}

/** Whether there is a sentence of this name. */
export function has(key) {
  return Object.hasOwn(texts[current], key);
}

/** The sentence of this name, with its placeholders filled in. */
export function t(key, values = {}) {
  const text = texts[current][key];
  if (text === undefined) throw new Error(`no sentence ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** The sentence of this name if there is one, else the word itself: a newer box may say more. */
export function word(prefix, value) {
  return has(`${prefix}_${value}`) ? t(`${prefix}_${value}`) : String(value);
}

/** A share as a percentage. */
export function percent(value) {
  return new Intl.NumberFormat(texts[current].lang, { style: "percent" }).format(value);
}

/** A number as people write it. */
export function number(value, digits = 1) {
  return new Intl.NumberFormat(texts[current].lang, { maximumFractionDigits: digits }).format(value);
}

/** A time of day; with its date where that is not today's. */
export function clock(ms) {
  const moment = new Date(ms);
  const isToday = moment.toDateString() === new Date().toDateString();
  const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  if (!isToday) Object.assign(options, { month: "short", day: "numeric" });
  return new Intl.DateTimeFormat(texts[current].lang, options).format(moment);
}

/** A length of time in the unit that fits. */
export function age(seconds) {
  const s = Math.max(0, seconds);
  if (s < 90) return t("age_s", { n: Math.round(s) });
  if (s < 5400) return t("age_min", { n: Math.round(s / 60) });
  if (s < 172800) return t("age_h", { n: Math.round(s / 3600) });
  return t("age_d", { n: Math.round(s / 86400) });
}

/** A list of words as one text. */
export function list(items) {
  return items.join(current === "zh" ? "、" : ", ");
}
