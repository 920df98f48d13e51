"use strict";
/* Draws the charts from the numbers that the page carries; every label is escaped, as Plotly reads tags in texts. */
(() => {
  const data = JSON.parse(document.getElementById("charts").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const cut = (text, width) => plain(text.length > width ? `${text.slice(0, width - 1)}…` : text);
  const narrow = (place) => place.clientWidth < 560;
  const dollars = (largest) => (largest >= 100 ? "$,.0f" : largest >= 1 ? "$,.2~f" : "$.6~f");
  const config = { displayModeBar: false, responsive: true, showTips: false };

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

  const rows = (labels, width) => axis({
    tickvals: labels.map((_, index) => index),
    ticktext: labels.map((label) => `${cut(label, width)}  `),
    range: [labels.length - 0.5, -0.5],
    showgrid: false,
    zeroline: false,
    tickfont: { color: colour("ink") },
  });

  const legend = { orientation: "h", x: 0, xanchor: "left", y: 1.02, yanchor: "bottom", traceorder: "normal", itemclick: false, itemdoubleclick: false };

  function waterfall(place, bars) {
    const start = bars.map((bar) => Number(bar.start));
    const end = bars.map((bar) => Number(bar.end));
    const largest = Math.max(...start, ...end, 0);
    const smallest = Math.min(...start, ...end, 0);
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
      xaxis: axis({ range: [smallest < 0 ? smallest - room / 4 : 0, largest + room], tickformat: dollars(largest), nticks: small ? 4 : 8 }),
      yaxis: names,
      shapes: connectors,
    }), config);
  }

  function series(place, chart) {
    const traces = chart.names.map((name, index) => ({
      type: "bar",
      name: cut(name, 34),
      x: chart.days,
      y: chart.values[index].map(Number),
      marker: { color: colour(chart.rest && index === chart.names.length - 1 ? "s6" : `s${index % 6}`) },
      customdata: chart.texts[index].map((text, day) => `${chart.days[day]}<br>${plain(name)}: ${plain(text)}`),
      hovertemplate: "%{customdata}<extra></extra>",
    }));
    const totals = chart.days.map((_, day) => chart.values.reduce((sum, values) => sum + Number(values[day]), 0));
    Plotly.react(place, traces, layout(place, {
      height: narrow(place) ? 340 : 380,
      barmode: "stack",
      bargap: 0.2,
      showlegend: chart.names.length > 1,
      legend,
      xaxis: axis({ type: "date", showgrid: false, tickformat: "%-d %b\n%Y", nticks: narrow(place) ? 5 : 10 }),
      yaxis: axis({ tickformat: dollars(Math.max(...totals)), nticks: 6, rangemode: "tozero" }),
    }), config);
  }

  function evidence(place, lines) {
    const kinds = [["measured", ""], ["modelled", "/"], ["assumed", "."]];
    const traces = kinds.map(([kind, shape]) => ({
      type: "bar",
      orientation: "h",
      name: kind,
      y: lines.map((_, index) => index),
      x: lines.map((line) => Number(line[kind].value)),
      marker: { color: colour(kind), line: { color: colour(kind), width: 1 }, pattern: { shape, size: 6, solidity: 0.3, fgcolor: colour("paper"), fillmode: "overlay" } },
      customdata: lines.map((line) => `${plain(line.scenario)}<br>${kind}: ${plain(line[kind].text)}`),
      hovertemplate: "%{customdata}<extra></extra>",
    }));
    const largest = Math.max(...lines.flatMap((line) => kinds.map(([kind]) => Math.abs(Number(line[kind].value)))), 0);
    Plotly.react(place, traces, layout(place, {
      height: 46 * lines.length + 90,
      barmode: "relative",
      showlegend: true,
      legend,
      xaxis: axis({ tickformat: dollars(largest), nticks: narrow(place) ? 4 : 8 }),
      yaxis: rows(lines.map((line) => line.scenario), narrow(place) ? 17 : 30),
    }), config);
  }

  function draw(place) {
    const [kind, index] = place.dataset.chart.split("-");
    if (place.closest("details:not([open])")) return;
    if (kind === "waterfall") waterfall(place, data.waterfalls[Number(index)]);
    if (kind === "series") series(place, data.series);
    if (kind === "evidence") evidence(place, data.evidence);
  }

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
