// Numbers, amounts and times as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** The zone of the browser, which all times are shown in. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: zone });
const dayAndClock = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit", timeZone: zone });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long", timeZone: zone });

export const count = (number) => whole.format(number ?? 0);
export const compact = (number) => (number >= 10000 ? short.format(number) : whole.format(number ?? 0));

/** Billionths of a dollar as dollars: cents from one dollar on, three digits below. `null` is no price. */
export function money(nano) {
  if (nano === null || nano === undefined) return "–";
  const dollars = nano / 1e9;
  const digits = Math.abs(dollars) >= 1 || dollars === 0 ? { minimumFractionDigits: 2, maximumFractionDigits: 2 } : { maximumSignificantDigits: 3 };
  return "$" + new Intl.NumberFormat("en", digits).format(dollars);
}

export function duration(milliseconds) {
  if (milliseconds === null || Number.isNaN(milliseconds)) return "–";
  const seconds = milliseconds / 1000;
  if (seconds < 1) return `${Math.round(milliseconds)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.round((seconds % 86400) / 3600)} h`;
}

export const between = (from, to) => (from && to ? Date.parse(to) - Date.parse(from) : null);
export const timeOfDay = (text) => clock.format(new Date(text));
export const dayTime = (text) => dayAndClock.format(new Date(text));
export const fullTime = (text) => full.format(new Date(text));

/** The time of a filter, in milliseconds: a time, or a length of time ago; `NaN` if it is neither. */
export function filterTime(text) {
  const match = /^(\d+)([smhdw])$/.exec(text ?? "");
  return match ? Date.now() - Number(match[1]) * { s: 1000, m: 60000, h: 3600000, d: 86400000, w: 604800000 }[match[2]] : Date.parse(text ?? "");
}

/** The time in an id, in milliseconds. */
export const idTime = (id) => parseInt(id.replaceAll("-", "").slice(0, 12), 16);

/** A length of time as settings name it, in whole days from two days on. */
export function age(seconds) {
  if (seconds >= 172800) return `${Math.round(seconds / 86400)} days`;
  if (seconds >= 7200) return `${Math.round(seconds / 3600)} hours`;
  return seconds >= 120 ? `${Math.round(seconds / 60)} minutes` : `${seconds} seconds`;
}

/** The start of an hour or day in `timeZone`. */
export function bucket(text, interval, timeZone) {
  const options = interval === "day" ? { day: "2-digit", month: "short", year: "numeric" } : { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone }).format(new Date(text));
}

export function bytes(number) {
  if (number < 1024) return `${number} bytes`;
  if (number < 1024 * 1024) return `${(number / 1024).toFixed(1)} KiB`;
  return `${(number / 1024 / 1024).toFixed(1)} MiB`;
}

export const allInput = (row) => row.input_tokens + row.cache_read_input_tokens + row.cache_write_input_tokens;
export const allTokens = (row) => allInput(row) + row.output_tokens;
export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** JSON with indentation; other text as it is. */
export function pretty(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "string" ? value : JSON.stringify(value, null, 2);
  } catch {
    return text;
  }
}

/** Makes characters visible that hide or reorder text: controls, direction marks, zero-width ones. */
export function visible(text) {
  return String(text ?? "").replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (hidden) => "\\u{" + hidden.charCodeAt(0).toString(16) + "}",
  );
}
