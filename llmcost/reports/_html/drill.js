"use strict";
/* Filters: a value picked in a table or chart narrows every other one to it, from the sums that the page carries. */
(() => {
  const data = JSON.parse(document.getElementById("cubes").textContent);
  const cubes = Object.fromEntries(data.cubes.map((cube) => [cube.key, cube]));
  if (!data.cubes.length || !Object.keys(data.tables).length) return;
  const titles = Object.fromEntries(data.cubes.flatMap((cube) => cube.dimensions.map((name, place) => [name, cube.titles[place]])));
  const { apportioned, decimals, quotient, scaled, signed, ten, tiny } = amounts;
  const scale = decimals(data.cubes.flatMap((cube) => cube.cells.flatMap(([, values]) => values.map((value) => String(value ?? 0)))));
  for (const cube of data.cubes) for (const [, values] of cube.cells) values.forEach((value, place) => { values[place] = value === null ? null : ["cost", "last"].includes(cube.measures[place]) ? scaled(value, scale) : BigInt(value); });

  /* How an amount, a count and a share read: as in the rest of the report. */
  const count = (value) => (value === null ? "unknown" : value.toLocaleString("en-US"));
  const units = (value, places) => quotient(value * ten(places), ten(scale));
  const percent = (part, whole) => (part === null || !whole ? "unknown" : amounts.percent(part, whole));

  /* Picked values by dimension, in the order in which they were picked. */
  const picked = new Map();
  /* The cube that knows a view's own dimensions and everything that is picked; the view's own first. */
  const cubeOf = (view) => [cubes[view.cube], ...data.cubes].find((cube) => [view.dimension, view.across, ...picked.keys()].every((name) => !name || cube.dimensions.includes(name)));

  function sums(cube, name, others) {
    const place = cube.dimensions.indexOf(name);
    const wanted = others.map(([key, label]) => [cube.dimensions.indexOf(key), cube.labels[cube.dimensions.indexOf(key)].indexOf(label)]);
    const found = new Map();
    for (const [labels, values] of cube.cells) {
      if (wanted.some(([at, label]) => labels[at] !== label)) continue;
      const label = cube.labels[place][labels[place]];
      const line = found.get(label) || values.map(() => null);
      values.forEach((value, at) => { if (value !== null) line[at] = (line[at] ?? 0n) + value; });
      found.set(label, line);
    }
    return found;
  }

  const tone = (measure, text) => (text === "unknown" || text === "–" ? "muted" : measure !== "change" || !/[1-9]/.test(text) ? "" : text.startsWith("+") ? "loss" : "saving");
  const added = (lines) => lines.reduce((sum, line) => line.map((value, at) => (value === null && sum[at] === null ? null : (value ?? 0n) + (sum[at] ?? 0n))));
  function ranked(found) {
    const order = ([one, a], [other, b]) => (a[0] === null) - (b[0] === null) || (a[0] === b[0] ? 0 : a[0] > b[0] ? -1 : 1) || (one < other ? -1 : 1);
    return [...found].sort(order);
  }
  function cut(lines, top) {
    if (lines.length <= top + 1) return lines;
    const rest = lines.slice(top);
    return [...lines.slice(0, top), [`other (${rest.length})`, added(rest.map(([, line]) => line))]];
  }

  const make = (tag, more, ...inside) => {
    const node = Object.assign(document.createElement(tag), more);
    node.append(...inside);
    return node;
  };

  /* A table of a part: the same columns and order as the whole has, what no sum knows is a dash. */
  function tableRows(view, cube, found) {
    /* What the cube keeps together is a line of its own, at the end: how many of its values the part has is not known. */
    const folded = cube.folded[cube.dimensions.indexOf(view.dimension)];
    const named = folded ? new Map([...found].filter(([label]) => label !== folded)) : found;
    const lines = cut(view.dimension === "day" ? [...found].sort() : ranked(named), view.top);
    if (folded && found.has(folded)) lines.push([folded, found.get(folded)]);
    const whole = lines.reduce((sum, [, line]) => sum + (line[0] ?? 0n), 0n);
    const at = (measure) => cube.measures.indexOf(measure);
    /* Nothing known of no call is nothing; of calls it is unknown. */
    const known = (measure, line) => line[at(measure)] ?? (at("last") >= 0 && !line[at(measure === "last" ? "last_requests" : "requests")] ? 0n : null);
    /* What is shown of each line; of the total, its own rounding, which they sum to. */
    const shown = new Map(["cost", "last"].filter((measure) => at(measure) >= 0).map((measure) => {
      const own = lines.map(([, line]) => line).filter((line) => known(measure, line) !== null);
      const units = apportioned(own.map((line) => known(measure, line) * ten(view.places)), ten(scale));
      return [measure, new Map(own.map((line, place) => [line, units[place]]))];
    }));
    const amount = (measure, line) => {
      const value = known(measure, line);
      return value === null ? "unknown" : tiny(value, shown.get(measure).get(line) ?? units(value, view.places), view.places);
    };
    const cell = (measure, line, total) => {
      const value = at(measure) < 0 ? null : line[at(measure)];
      if (measure === "cost" || measure === "last") return amount(measure, line);
      if (measure === "change") {
        if (total) return "";
        const [now, before] = ["cost", "last"].map((one) => shown.get(one).get(line));
        return now === undefined || before === undefined ? "unknown" : signed(now - before, now - before, view.places);
      }
      if (measure === "share") return total ? "" : known("cost", line) === null ? "unknown" : percent(known("cost", line), whole);
      if (measure === "cached") return total ? "" : percent(value, line[at("input")]);
      if (measure === "input" || measure === "output") return total ? "" : count(value);
      return measure === "" ? "–" : count(value);
    };
    const rows = lines.map(([label, line]) => [label, ...view.measures.map((measure) => cell(measure, line, false))]);
    const total = lines.length ? ["total", ...view.measures.map((measure) => cell(measure, added(lines.map(([, line]) => line)), true))] : null;
    return [rows, total];
  }

  function row(texts, table, measures) {
    const heads = table.tHead.rows[0].cells;
    const cells = texts.slice(1).map((text, place) => {
      const share = measures[place] === "share" && /^\d+(\.\d+)?%$/.test(text);
      const node = make("td", { className: ["num", tone(measures[place], text), share ? "share" : ""].filter(Boolean).join(" ") }, text);
      node.dataset.label = heads[place + 1].textContent;
      if (share) node.append(make("i"));
      if (share) node.lastChild.style.setProperty("--part", parseFloat(text) / 100);
      return node;
    });
    return make("tr", {}, make("th", { scope: "row" }, texts[0]), ...cells);
  }

  /* Labels that can be picked are buttons; the one that is picked says so. */
  function buttons(table, view) {
    const labels = cubes[view.cube].labels[cubes[view.cube].dimensions.indexOf(view.dimension)];
    for (const line of table.tBodies[0].rows) {
      const head = line.cells[0];
      const label = head.textContent;
      if (!labels.includes(label)) continue;
      const chosen = picked.get(view.dimension) === label;
      const button = make("button", { type: "button", className: "pick" }, label);
      button.setAttribute("aria-pressed", String(chosen));
      button.title = chosen ? "Show all again" : `Show only ${titles[view.dimension]} ${label}`;
      button.addEventListener("click", () => pick(view.dimension, label));
      head.replaceChildren(button);
    }
  }

  const place = { table: (key) => document.getElementById(`t-${key}`), chart: (key) => document.querySelector(`[data-chart="${key}"]`) };
  const tables = Object.entries(data.tables).map(([key, view]) => ({ key, view, node: place.table(key) })).filter(({ node, view }) => node && cubes[view.cube]);
  for (const table of tables) {
    table.rows = [...table.node.tBodies[0].rows];
    table.foot = table.node.tFoot ? [...table.node.tFoot.rows] : [];
    table.tools = table.node.closest(".scroll").previousElementSibling;
  }
  const charts = Object.entries(data.charts).map(([key, view]) => ({ key, view, node: place.chart(key) })).filter(({ node, view }) => node && cubes[view.cube]);
  /* What stands beside them and is of all spend whatever is picked. */
  const seen = new Set([...tables, ...charts].map(({ node }) => node));
  const beside = [...new Set([...seen].map((node) => node.closest("section")))].flatMap((section) => [...section.querySelectorAll("table, [data-chart]")]).filter((node) => !seen.has(node));
  const original = JSON.parse(document.getElementById("charts").textContent);

  function note(node, text) {
    const block = node.closest(".scroll, .chart");
    const there = block.previousElementSibling;
    if (there?.classList.contains("apart")) there.remove();
    if (text) block.before(make("p", { className: "note apart" }, text));
  }
  const apart = (view) => {
    const missing = [...picked.keys()].filter((name) => !cubes[view.cube].dimensions.includes(name)).map((name) => titles[name]);
    return cubeOf(view) ? "" : `All spend: this is not known by ${missing.join(" and ")}.`;
  };
  const others = (view) => [...picked].filter(([name]) => name !== view.dimension && name !== view.across);

  function showTable({ view, node, rows, foot, tools }) {
    const cube = cubeOf(view);
    const whole = !others(view).length || !cube;
    const [lines, total] = whole ? [null, null] : tableRows(view, cube, sums(cube, view.dimension, others(view)));
    const focused = node.contains(document.activeElement) ? document.activeElement.textContent : null;
    const paged = tools?.classList.contains("tools");
    if (paged) tools.hidden = !whole;
    if (paged && whole) node.dispatchEvent(new Event("restore"));
    else node.tBodies[0].replaceChildren(...(whole ? rows : lines.map((texts) => row(texts, node, view.measures))));
    if (node.tFoot) node.tFoot.replaceChildren(...(whole ? foot : total ? [row(total, node, view.measures)] : []));
    buttons(node, view);
    note(node, apart(view));
    if (focused) [...node.querySelectorAll(".pick")].find((button) => button.textContent === focused)?.focus();
  }

  function showChart({ key, view, node }) {
    const cube = cubeOf(view);
    note(node, apart(view));
    const filter = [...picked].filter(([name]) => name !== view.across);
    const chart = filter.length && cube ? { ...original[key], series: series(view, cube, filter, original[key]) } : original[key];
    node.dispatchEvent(new CustomEvent("chart", { detail: chart }));
  }

  /* A chart's lines over its other axis: the dearest, and the others as one. */
  function series(view, cube, filter, chart) {
    const days = new Map(chart.days.map((day) => [day, sums(cube, view.dimension, [...filter, [view.across, day]])]));
    const lines = cut(ranked(sums(cube, view.dimension, filter)), view.top);
    const own = new Set(lines.map(([name]) => name));
    const cost = (name, found) => (name.startsWith("other (") && !found.has(name) ? [...found].filter(([label]) => !own.has(label)).reduce((sum, [, line]) => sum + (line[0] ?? 0n), 0n) : (found.get(name)?.[0] ?? 0n));
    return lines.map(([name]) => {
      const values = chart.days.map((day) => cost(name, days.get(day)));
      const before = chart.series.findIndex((one) => one.name === name);
      return {
        name,
        colour: before < 0 ? "rest" : chart.series[before].colour || `s${before % 6}`,
        /* A bar's length is drawn; its amount is the text. */
        values: values.map((value) => String(Number(value) / 10 ** scale)),
        texts: values.map((value) => tiny(value, units(value, view.places), view.places)),
      };
    });
  }

  /* Sums are exact all the same: they are only not told apart. */
  const together = data.cubes.flatMap((cube) => cube.folded.flatMap((label, place) => (label ? [`By ${cube.titles[place]}, ${label} are kept together.`] : [])));
  const trail = make("nav", { className: "trail", hidden: true });
  trail.setAttribute("aria-label", "Filter");
  const said = make("p", { className: "quiet" });
  said.setAttribute("role", "status");
  document.querySelector("main").prepend(trail, said);

  function spent() {
    const cube = data.cubes.find((one) => [...picked.keys()].every((name) => one.dimensions.includes(name)));
    const of = (filter) => [...sums(cube, cube.dimensions[0], filter).values()].reduce((sum, line) => sum + (line[0] ?? 0n), 0n);
    const { places } = tables[0].view;
    return [of([...picked]), of([])].map((value) => tiny(value, units(value, places), places));
  }

  function show() {
    tables.forEach(showTable);
    charts.forEach(showChart);
    beside.forEach((node) => note(node, picked.size ? "All spend." : ""));
    trail.hidden = !picked.size;
    const steps = [...picked].map(([name, label], place, all) => {
      const button = make("button", { type: "button" }, `${titles[name]}: ${label}`);
      button.title = place === all.length - 1 ? "Take this filter off" : "Back to here";
      button.addEventListener("click", () => {
        const last = place === all.length - 1 ? place : place + 1;
        all.slice(last).forEach(([later]) => picked.delete(later));
        show();
        trail.querySelector("button")?.focus();
      });
      return make("li", {}, button);
    });
    const everything = make("button", { type: "button" }, "All spend");
    everything.addEventListener("click", () => {
      picked.clear();
      show();
      document.querySelector(".pick")?.focus();
    });
    const [part, whole] = spent();
    trail.replaceChildren(make("ol", {}, make("li", {}, everything), ...steps), make("p", { className: "note" }, `${part} of ${whole}`), ...together.map((text) => make("p", { className: "note" }, text)));
    const words = [...picked].map(([name, label]) => `${titles[name]} ${label}`).join(", ");
    said.textContent = picked.size ? `Filtered to ${words}: ${part} of ${whole}.` : "All spend is shown again.";
  }

  function pick(name, label) {
    const again = picked.get(name) === label;
    /* What no sum knows together is not shown together. */
    if (!data.cubes.some((cube) => [name, ...picked.keys()].every((one) => cube.dimensions.includes(one)))) picked.clear();
    if (again) picked.delete(name);
    else picked.set(name, label);
    show();
  }

  for (const { node, view } of tables) {
    buttons(node, view);
    node.addEventListener("drawn", () => buttons(node, view));
  }
  for (const { node, view } of charts) {
    node.addEventListener("pick", (event) => {
      const labels = cubes[view.cube].labels[cubes[view.cube].dimensions.indexOf(view.dimension)];
      if (labels.includes(event.detail)) pick(view.dimension, event.detail);
    });
  }
})();
