"use strict";
// Reads what the page embeds: facts as JSON, and columns of numbers as gzip in base64, listed in `facts.columns`
// as [type, offset in bytes, length in bytes].

const facts = JSON.parse(document.getElementById("facts").textContent);

async function readColumns() {
  const packed = Uint8Array.from(atob(document.getElementById("columns").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const columns = {};
  for (const [name, [type, offset, length]] of Object.entries(facts.columns)) {
    const bytes = buffer.slice(offset, offset + length);
    if (type === "f32") columns[name] = new Float32Array(bytes);
    else if (type === "i32") columns[name] = new Int32Array(bytes);
    else columns[name] = new TextDecoder().decode(bytes).split("\n");
  }
  return columns;
}

// Formatting, in step with quantity.rs.

function grouped(value) {
  const size = Math.abs(value);
  const decimals = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function withUnit(load) {
  const steps = [[1e15, "P"], [1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];
  const [factor, prefix] = steps.find(([factor]) => Math.abs(load) >= factor) ?? [1, ""];
  const number = (load / factor).toPrecision(3).includes("e") ? grouped(load / factor) : Number((load / factor).toPrecision(3));
  const unit = facts.unit === "bytes" ? `${prefix}B` : prefix ? `${prefix} ${facts.unit}` : facts.unit;
  return `${number} ${unit}`;
}

function duration(seconds) {
  const parts = [];
  for (const [size, name] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
    const whole = Math.floor(seconds / size);
    if (whole > 0) parts.push(`${whole} ${name}`);
    else if (parts.length) break;
    seconds -= whole * size;
    if (parts.length === 2) break;
  }
  return parts.join(" ") || "0 s";
}

const milliseconds = (tick) => facts.start_ms + tick * facts.step_ms;

function moment(tick) {
  const iso = new Date(milliseconds(tick)).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, facts.step_ms % 60000 ? 19 : 16)}`;
}

// Plotly reads labels as HTML; what people named must stay text.
const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
