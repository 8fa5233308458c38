// Values in words.

import { age, clock, list, percent, t, word } from "./words.js";

const STEP = 0.2; // up to here a mood is in the middle

/** Three words for a value from -1 to 1. */
function third(value) {
  if (value > STEP) return "high";
  return value < -STEP ? "low" : "mid";
}

/** What a vector says in a few words, such as "Mainly happiness". */
export function headline(vector, names) {
  if (vector.abstained !== null) return abstention(vector.abstained);
  const ranked = ranking(vector, names);
  const [first, second] = ranked;
  if (!second || first.share >= 0.5 || first.share >= 2 * second.share) return t("mainly", { what: word("lower", first.name) });
  return t("mixed", { first: word("expression", first.name), second: word("lower", second.name) });
}

/** Why nothing is said. */
export function abstention(reason) {
  const text = word("abstain", reason);
  return text === reason ? t("abstain_other", { reason }) : text;
}

/** Valence and arousal in words, or "". */
export function manner(vector) {
  if (vector.abstained !== null || vector.valence === null || vector.arousal === null) return "";
  return t("manner", { valence: t(`valence_${third(vector.valence)}`), arousal: t(`arousal_${third(vector.arousal)}`) });
}

/** Expressions that have a share, largest first. */
export function ranking(vector, names) {
  return (vector.expressions ?? [])
    .map((share, i) => ({ name: names[i], share }))
    .filter((item) => item.share > 0)
    .sort((a, b) => b.share - a.share);
}

/** The mix as one text. */
export function mixText(vector, names) {
  return list(ranking(vector, names).map((item) => `${word("expression", item.name)} ${percent(item.share)}`));
}

/** A confidence in words. */
export function sureText(confidence) {
  if (confidence >= 0.75) return t("sure_high");
  return confidence >= 0.5 ? t("sure_mid") : t("sure_low");
}

/** What the words were like. */
export function polarityText(polarity) {
  return t(`words_${third(polarity)}`);
}

/** The big words over a box that is not live. */
export function absence(presence, ageS) {
  if (presence === "silent") return ageS === null ? t("word_silent") : t("headline_silent", { age: age(ageS) });
  return t(`headline_${presence}`);
}

/** What a box said last, and when. */
export function lastWord(vector, heardMs, names) {
  if (!vector || heardMs === null) return t("last_word_none");
  return t("last_word", { what: headline(vector, names), time: clock(heardMs) });
}
