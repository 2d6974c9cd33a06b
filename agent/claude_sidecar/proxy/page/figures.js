// Figures as people read them. What is not known is a dash.

const NONE = "–";
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const day = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);

export const count = (value) => (known(value) ? whole.format(value) : NONE);
export const tokens = (value) => (known(value) ? short.format(value) : NONE);

/** A part of a whole: `3 %`; what is there but rounds to nothing is not called nothing. */
export function share(part, of) {
  if (!of || !known(part)) return NONE;
  const percent = (100 * part) / of;
  if (part > 0 && percent < 0.1) return "< 0.1 %";
  return `${percent.toFixed(percent < 10 && part > 0 && part < of ? 1 : 0)} %`;
}

export function duration(ms) {
  if (!known(ms)) return NONE;
  if (ms < 999.5) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

export function bytes(value) {
  if (!known(value)) return NONE;
  if (value < 1024) return `${value} B`;
  return value < 1 << 20 ? `${(value / 1024).toFixed(0)} KiB` : `${(value / (1 << 20)).toFixed(1)} MiB`;
}

/** US dollars, from a decimal string; small sums keep the digits that tell. */
export function dollars(decimal) {
  if (!known(decimal)) return NONE;
  const value = Number(decimal);
  if (value !== 0 && Math.abs(value) < 0.1) return `$${Number(value.toPrecision(2))}`;
  return `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

const parsed = (iso) => (iso ? new Date(iso) : null);
const valid = (date) => date !== null && !Number.isNaN(date.getTime());

/** The time of day, here; what is older than a day has its date. */
export function timeOf(iso, now = Date.now()) {
  const date = parsed(iso);
  if (!valid(date)) return NONE;
  return Math.abs(now - date.getTime()) < 86_400_000 ? clock.format(date) : day.format(date);
}

export const isoOfUnix = (seconds) => (known(seconds) ? new Date(seconds * 1000).toISOString() : null);

/** A number of things, with its noun: `1 call`, `2 calls`. */
export const counted = (value, noun) => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
