"use strict";
/* Draws the charts from the numbers that the page carries; every label is escaped, as Plotly reads tags in texts. */
(() => {
  const data = JSON.parse(document.getElementById("charts").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const cut = (text, width) => plain(text.length > width ? `${text.slice(0, width - 1)}…` : text);
  const narrow = (place) => place.clientWidth < 560;
  const number = (text) => (text === null ? null : Number(text));
  const known = (values) => values.filter((value) => value !== null);
  /* Of any number of values: arguments of a call are few. */
  const most = (values) => values.reduce((largest, value) => Math.max(largest, value), -Infinity);
  const least = (values) => values.reduce((smallest, value) => Math.min(smallest, value), Infinity);
  const config = { displayModeBar: false, responsive: true, showTips: false };

  /* How the numbers of an axis read. */
  const ticks = (unit, largest) => {
    if (unit === "share") return ".0%";
    if (unit !== "USD") return largest >= 1000 ? "~s" : ",~f";
    return largest >= 100 ? "$,.0f" : largest >= 10 ? "$,.2~f" : largest >= 1 ? "$,.2f" : "$.6~f";
  };

  /* Things are counted in whole numbers, however few they are. */
  const axisMarks = (unit, largest) => ({ tickformat: ticks(unit, largest), ...(unit === "count" && largest < 1000 ? { tick0: 0, dtick: Math.max(1, Math.ceil(largest / 10)) } : {}) });

  const layout = (place, more) => ({
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("ink") },
    margin: { l: 8, r: 8, t: 8, b: 36 },
    hoverlabel: { bgcolor: colour("paper"), bordercolor: colour("soft"), font: { color: colour("ink") }, align: "left" },
    dragmode: false,
    bargap: 0.35,
    showlegend: false,
    ...more,
  });

  const axis = (more) => ({
    fixedrange: true,
    gridcolor: colour("rule"),
    zerolinecolor: colour("soft"),
    tickfont: { color: colour("soft") },
    automargin: true,
    ...more,
  });

  /* Hours where less than three days are shown: a day has one name for all of its hours. */
  const dates = (place, instants) => {
    const moments = instants.map((instant) => Date.parse(instant)).filter(Number.isFinite);
    const [first, last] = moments.length > 0 ? [least(moments), most(moments)] : [0, 0];
    const hours = moments.length > 0 && last - first < 3 * 86_400_000;
    /* Room at both ends: the first hour's label carries the day. */
    const edge = hours ? (last - first) / 40 : 0;
    const ends = edge ? { range: [first - edge, last + edge].map((at) => new Date(at).toISOString().replace("Z", "")) } : {};
    return { type: "date", tickformat: hours ? "%H:%M\n%-d %b" : "%-d %b\n%Y", nticks: narrow(place) ? 5 : 10, ...ends };
  };

  /* A label's remark in brackets has a line of its own where both are too long for one. */
  const remarked = (label, width) => {
    const at = label.length > width ? label.lastIndexOf(" (") : -1;
    return at > 0 ? `${cut(label.slice(0, at), width)}  <br>${cut(label.slice(at + 1), width)}` : cut(label, width);
  };

  const rows = (labels, width) => axis({
    tickvals: labels.map((_, index) => index),
    ticktext: labels.map((label) => `${remarked(label, width)}  `),
    range: [labels.length - 0.5, -0.5],
    showgrid: false,
    zeroline: false,
    tickfont: { color: colour("ink") },
  });

  const legend = { orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom", traceorder: "normal", itemclick: false, itemdoubleclick: false };

  /* A series' own colour by its meaning, else the next of the palette; the pattern tells kinds apart without colour. */
  const paints = { rest: "s6", measured: "measured", modelled: "modelled", assumed: "assumed", saving: "saving", loss: "loss", total: "total" };
  const paint = (meaning, index) => colour(paints[meaning] || meaning || `s${index % 6}`);
  const patterns = { modelled: "/", assumed: ".", loss: "/" };
  const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const veil = (hex, strength) => `rgba(${channels(hex).join(",")},${strength})`;
  const between = (from, to, part) => `rgb(${channels(from).map((c, at) => Math.round(c + (channels(to)[at] - c) * part)).join(",")})`;

  function waterfall(place, chart) {
    const bars = chart.bars;
    const start = bars.map((bar) => Number(bar.start));
    const end = bars.map((bar) => Number(bar.end));
    const largest = Math.max(most(start), most(end), 0);
    const smallest = Math.min(least(start), least(end), 0);
    const tone = { "": "total", saving: "saving", loss: "loss", muted: "total" };
    const colours = bars.map((bar) => colour(tone[bar.tone]));
    const trace = {
      type: "bar",
      orientation: "h",
      y: bars.map((_, index) => index),
      base: bars.map((_, index) => Math.min(start[index], end[index])),
      x: bars.map((_, index) => Math.abs(end[index] - start[index])),
      text: bars.map((bar) => ` ${plain(bar.text)}`),
      textposition: "outside",
      textfont: { color: colours },
      cliponaxis: false,
      marker: {
        color: colours,
        line: { color: colours, width: 1 },
        pattern: { shape: bars.map((bar) => (bar.tone === "loss" ? "/" : "")), size: 6, solidity: 0.45, bgcolor: colour("paper") },
      },
      customdata: bars.map((bar) => `${plain(bar.label)}: ${plain(bar.text)}`),
      hovertemplate: "%{customdata}<extra></extra>",
    };
    const connectors = bars.slice(0, -1).map((_, index) => ({
      type: "line", x0: end[index], x1: end[index], y0: index + 0.33, y1: index + 0.67, line: { color: colour("soft"), width: 1, dash: "dot" },
    }));
    /* Texts stand right of their bars, and the axis leaves them their width (some 7.4 pixels a character); on a phone
       they stand under the labels, which leaves the bars the room. */
    const small = narrow(place);
    const aside = small ? 16 : 7.4 * Math.max(...bars.map((bar) => bar.text.length)) + 16;
    const room = ((largest - smallest || 1) * aside) / Math.max(place.clientWidth - 220 - aside, 60);
    const names = rows(bars.map((bar) => bar.label), small ? 20 : 30);
    if (small) {
      trace.textposition = "none";
      names.ticktext = bars.map((bar, index) => `${cut(bar.label, 20)}  <br><span style="color:${colours[index]}">${plain(bar.text)}</span>  `);
    }
    Plotly.react(place, [trace], layout(place, {
      height: (small ? 52 : 44) * bars.length + 50,
      xaxis: axis({ range: [smallest < 0 ? smallest - room / 4 : 0, largest + room], tickformat: ticks("USD", largest), nticks: small ? 4 : 8, tickangle: 0 }),
      yaxis: names,
      shapes: connectors,
    }), config);
  }

  function days(place, chart) {
    const traces = chart.series.map((line, index) => ({
      type: "bar",
      name: cut(line.name, 34),
      x: chart.days,
      y: line.values.map(number),
      marker: { color: paint(line.colour, index) },
      customdata: line.texts.map((text, day) => `${chart.days[day]}<br>${plain(line.name)}: ${plain(text)}`),
      hovertemplate: "%{customdata}<extra></extra>",
    }));
    const totals = chart.days.map((_, day) => chart.series.reduce((sum, line) => sum + Number(line.values[day] || 0), 0));
    Plotly.react(place, traces, layout(place, {
      height: narrow(place) ? 340 : 380,
      barmode: "stack",
      bargap: 0.2,
      showlegend: chart.series.length > 1,
      legend,
      xaxis: axis({ ...dates(place, []), showgrid: false }),
      yaxis: axis({ tickformat: ticks(chart.unit, most(totals)), nticks: 6, rangemode: "tozero" }),
    }), config);
  }

  function bars(place, chart) {
    const from = Number(chart.base ?? 0);
    const based = chart.base !== null;
    const traces = chart.series.map((line, index) => {
      const painted = paint(line.colour, index);
      return {
        type: "bar",
        orientation: "h",
        name: cut(line.name, 34),
        y: chart.names.map((_, at) => at),
        base: chart.base ?? undefined,
        x: line.values.map((value) => (value === null ? null : Number(value) - from)),
        marker: {
          color: painted,
          line: { color: painted, width: 1 },
          pattern: { shape: patterns[line.colour] || "", size: 6, solidity: 0.3, fgcolor: colour("paper"), fillmode: "overlay" },
        },
        customdata: line.texts.map((text, at) => `${plain(chart.names[at])}<br>${plain(line.name)}: ${plain(text)}`),
        hovertemplate: "%{customdata}<extra></extra>",
      };
    });
    const largest = Math.max(most(chart.series.flatMap((line) => known(line.values).map((value) => Math.abs(Number(value))))), 0);
    const each = chart.grouped ? 24 + 18 * chart.series.length : 46;
    Plotly.react(place, traces, layout(place, {
      height: each * chart.names.length + 90,
      barmode: chart.grouped ? "group" : based ? "overlay" : "relative",
      ...(based ? { shapes: [{ type: "line", x0: from, x1: from, y0: -0.5, y1: chart.names.length - 0.5, line: { color: colour("ink"), width: 1.5 } }] } : {}),
      showlegend: chart.series.length > 1,
      legend,
      xaxis: axis({ ...(based ? { title: { text: plain(chart.base_name), font: { color: colour("ink"), size: 13 } } } : {}), tickformat: ticks(chart.unit, largest), nticks: narrow(place) ? 4 : 8, tickangle: 0 }),
      yaxis: rows(chart.names, narrow(place) ? 20 : 40),
    }), config);
  }

  function lines(place, chart) {
    const onTime = chart.x_unit === "date";
    const across = (points) => points.map((point) => (onTime ? point.x : Number(point.x)));
    const up = (points) => points.map((point) => Number(point.y));
    const hover = (name, points) => ({ customdata: points.map((point) => `${plain(name)}<br>${plain(point.text)}`), hovertemplate: "%{customdata}<extra></extra>" });
    const edge = (points) => ({ type: "scatter", mode: "lines", x: across(points), y: up(points), line: { width: 0 }, showlegend: false });
    const bands = chart.bands.flatMap((band, index) => [
      { ...edge(band.low), ...hover(band.name, band.low) },
      { ...edge(band.high), ...hover(band.name, band.high), fill: "tonexty", fillcolor: veil(paint(band.colour, index), 0.22), name: cut(band.name, 34), showlegend: true },
    ]);
    const drawn = chart.lines.map((line, index) => ({
      type: "scatter",
      mode: line.points.length > 1 ? "lines" : "markers",
      name: cut(line.name, 34),
      x: across(line.points),
      y: up(line.points),
      line: { color: paint(line.colour, index), width: 2.5, shape: line.steps ? "hv" : "linear", dash: line.dashed ? "dash" : "solid" },
      ...hover(line.name, line.points),
    }));
    /* Beside the lines that meet in a mark: they rise to the right, so there is room below right of it, or above left. */
    const [ups, acrosses] = ["y", "x"].map((name) => drawn.flatMap((trace) => trace[name].map(onTime && name === "x" ? Date.parse : Number)));
    const part = (value, all) => (value - least(all)) / (most(all) - least(all) || 1);
    const aside = (mark) => {
      const left = part(onTime ? Date.parse(mark.x) : Number(mark.x), acrosses) < 0.5;
      return left ? (part(Number(mark.y), ups) < 0.2 ? "top right" : "bottom right") : "top left";
    };
    const marks = chart.marks.length && {
      type: "scatter",
      mode: narrow(place) ? "markers" : "markers+text",
      x: across(chart.marks),
      y: up(chart.marks),
      text: chart.marks.map((mark) => cut(mark.text, 40)),
      textposition: chart.marks.map(aside),
      textfont: { color: colour("ink") },
      cliponaxis: false,
      showlegend: false,
      marker: { size: 11, color: colour("paper"), line: { color: colour("ink"), width: 2 } },
      customdata: chart.marks.map((mark) => plain(mark.text)),
      hovertemplate: "%{customdata}<extra></extra>",
    };
    const traces = [...bands, ...drawn, ...(marks ? [marks] : [])];
    const largest = Math.max(most(traces.flatMap((trace) => trace.y)), 0);
    const furthest = onTime ? 0 : Math.max(most(traces.flatMap((trace) => trace.x)), 0);
    Plotly.react(place, traces, layout(place, {
      height: narrow(place) ? 340 : 400,
      showlegend: chart.lines.length + chart.bands.length > 1,
      legend,
      margin: { l: 8, r: 24, t: 24, b: 44 },
      xaxis: axis({ title: { text: plain(chart.x_title), font: { color: colour("soft") } }, showgrid: false, zeroline: false, tickangle: 0, ...(onTime ? dates(place, traces.flatMap((trace) => trace.x)) : { nticks: narrow(place) ? 5 : 10, ...axisMarks(chart.x_unit, furthest) }) }),
      yaxis: axis({ nticks: 6, ...axisMarks(chart.unit, largest), rangemode: "tozero" }),
    }), config);
  }

  /* Rows of coloured tiles: bars of one height, stacked from the last row up. */
  function heatmap(place, chart) {
    const largest = Math.max(most(chart.rows.flatMap((row) => known(row.values).map(Number))), 0) || 1;
    const shade = (value) => (value === null ? "rgba(0,0,0,0)" : between(colour("wash"), colour("s0"), Math.max(Number(value), 0) / largest));
    const order = chart.rows.slice().reverse();
    const traces = order.map((row) => ({
      type: "bar",
      x: chart.columns.map((_, at) => at),
      y: chart.columns.map(() => 1),
      marker: { color: row.values.map(shade), line: { color: colour("paper"), width: 1.5 } },
      customdata: row.texts.map((text, at) => `${plain(row.name)} ${plain(chart.columns[at])}<br>${plain(text)}`),
      hovertemplate: "%{customdata}<extra></extra>",
    }));
    const step = Math.ceil(chart.columns.length / (narrow(place) ? 6 : 12));
    const shown = chart.columns.map((_, at) => at).filter((at) => at % step === 0);
    Plotly.react(place, traces, layout(place, {
      height: 34 * order.length + 60,
      barmode: "stack",
      bargap: 0,
      xaxis: axis({ tickvals: shown, ticktext: shown.map((at) => cut(chart.columns[at], 12)), showgrid: false, zeroline: false }),
      yaxis: axis({ tickvals: order.map((_, at) => at + 0.5), ticktext: order.map((row) => `${cut(row.name, 20)}  `), range: [0, order.length], showgrid: false, zeroline: false, tickfont: { color: colour("ink") } }),
    }), config);
  }

  const kinds = { waterfall, days, bars, lines, heatmap };

  function draw(place) {
    if (place.closest("details:not([open])")) return;
    const chart = data[place.dataset.chart];
    kinds[chart.kind](place, chart);
    if (place.dataset.listens) return;
    place.dataset.listens = "yes";
    /* A click on a bar names its line; another script may answer with the chart of that part. */
    place.on("plotly_click", ({ points: [point] }) => {
      const now = data[place.dataset.chart];
      const label = now.kind === "bars" ? now.names[point.pointNumber] : now.series?.[point.curveNumber]?.name;
      if (label !== undefined) place.dispatchEvent(new CustomEvent("pick", { detail: label }));
    });
  }

  document.querySelectorAll("[data-chart]").forEach((place) => place.addEventListener("chart", ({ detail }) => {
    data[place.dataset.chart] = detail;
    draw(place);
  }));
  const all = () => document.querySelectorAll("[data-chart]").forEach(draw);
  all();
  document.getElementById("js-plotly-tester")?.setAttribute("aria-hidden", "true");
  document.documentElement.dataset.drawn = "yes";
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  matchMedia("(max-width: 40rem)").addEventListener("change", all);
  document.querySelectorAll("details").forEach((part) => part.addEventListener("toggle", () => part.querySelectorAll("[data-chart]").forEach(draw)));
  /* Paper is as wide as the text of an A4 or Letter sheet at 96 dots an inch; a picture keeps its size there. */
  const resized = (size) => document.querySelectorAll(".js-plotly-plot").forEach((place) => Plotly.relayout(place, size));
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((part) => { part.open = true; });
    all();
    resized({ autosize: false, width: 660 });
  });
  addEventListener("afterprint", () => {
    resized({ autosize: true, width: null });
    all();
  });
})();
