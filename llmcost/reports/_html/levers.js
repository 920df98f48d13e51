"use strict";
/* What if: weighs the sums that the page carries. Money is whole numbers throughout; only its text has a point. */
(() => {
  const data = JSON.parse(document.getElementById("levers").textContent);
  if (!data) return;
  const at = (id) => document.getElementById(`w-${id}`);
  const slider = (key) => document.getElementById(`l-${key}`);

  const { apportioned, decimals, percent, scaled, signed, ten, tiny, total } = amounts;

  /* Amounts in units of ten to the minus `scale`, by state: the states of a row are few. */
  const lines = data.sums.flatMap((group) => group.lines);
  const stops = data.fleet ? data.fleet.stops : [];
  const quantities = decimals(lines.map((line) => line[1]));
  const prices = decimals([...lines.map((line) => line[2]), data.fixed, ...stops.flatMap((stop) => [stop.calls, stop.fleet, stop.fixed])]);
  const scale = quantities + prices;
  const groups = data.sums.map((group) => {
    const states = new Map();
    for (const [places, quantity, price] of group.lines) {
      states.set(places, (states.get(places) || 0n) + scaled(quantity, quantities) * scaled(price, prices));
    }
    return { name: group.name, states };
  });
  const fixed = scaled(data.fixed, scale);

  /* Weights are whole percents: four places, then traffic and what the discount leaves, make six times a hundred. */
  const shares = (now) => [now.route ?? 0, now.cache === undefined || now.cache === null ? 0 : 100, now.cache ?? 0, now.batch ?? 0].map(BigInt);
  const weight = (places, taken) => taken.reduce((product, share, place) => product * (places[place] === "0" ? 100n : places[place] === "1" ? share : 100n - share), 1n);
  const more = (now) => BigInt(now.traffic ?? 100) * BigInt(100 - (now.discount ?? 0));

  function costs(now) {
    const taken = shares(now);
    const found = groups.map(({ name, states }) => ({ name, cost: [...states].reduce((sum, [places, amount]) => sum + amount * weight(places, taken), 0n) * more(now) }));
    if (fixed !== 0n) found.push({ name: data.fixed_name, cost: fixed * ten(8) * more(now) });
    return found;
  }

  function fleetCosts(now) {
    const stop = stops[now.fleet - 1];
    const [calls, gpus, rest] = [stop.calls, stop.fleet, stop.fixed].map((text) => scaled(text, scale));
    const left = BigInt(100 - (now.discount ?? 0));
    return [
      { name: "own GPUs", cost: gpus * ten(12) },
      { name: "calls left to providers", cost: calls * left * ten(10) + rest * ten(12) },
    ];
  }

  /* A cost over `under` is an amount of the report, in units of its last shown decimal. */
  const lengths = data.days === null ? ["1", "1"] : [data.month_days, data.days];
  const [stretch, shrink] = lengths.map((length) => scaled(length, decimals(lengths)));
  const over = stretch * ten(data.places);
  const under = ten(scale + 12) * shrink;

  /* Where a lever is, in percent; null: off. Own GPUs: the number of the stop, 0 for none. */
  const keys = data.levers.map((lever) => lever.key);
  const positions = () => {
    const now = Object.fromEntries(data.levers.map((lever) => [lever.key, Number(slider(lever.key).value) < lever.least ? null : Number(slider(lever.key).value)]));
    now.fleet = data.fleet ? Number(slider("fleet").value) : 0;
    return now;
  };
  const resting = Object.fromEntries(data.levers.map((lever) => [lever.key, lever.start]));
  const text = (value) => (value === null ? "as logged" : `${value}%`);
  const fraction = (value) => {
    const whole = String(value).padStart(3, "0");
    return `${whole.slice(0, -2)}.${whole.slice(-2)}`.replace(/\.?0+$/, "");
  };

  /* The scenario that llmcost replays to the same figures: a step for each lever that is not at rest, in their order. */
  function scenario(now) {
    const put = (toml, value) => {
      const place = toml.lastIndexOf("{value}");
      return toml.slice(0, place) + value + toml.slice(place + 7);
    };
    const moved = data.levers.filter((lever) => now[lever.key] !== lever.start && (!now.fleet || lever.key === "discount"));
    const steps = moved.map((lever) => put(lever.toml, fraction(now[lever.key])));
    /* The fleet's scenario keeps its name: shares are drawn by it. */
    const first = now.fleet ? put(data.fleet.toml, stops[now.fleet - 1].value) : '[[scenario]]\nname = "what if"';
    return [first, ...steps].join("\n\n[[scenario.step]]\n");
  }

  /* Shares of requests are drawn in a replay. How far a draw may lie off is a statistic, not an amount. */
  function drawn(now) {
    const parts = data.levers.filter((lever) => lever.spread !== null && !now.fleet).map((lever) => Number(lever.spread) ** 2 * (now[lever.key] / 100) * (1 - now[lever.key] / 100));
    const spread = 2 * Math.sqrt(parts.reduce((sum, part) => sum + part, 0)) * (Number(more(now)) / 1e4) * (data.days === null ? 1 : Number(data.month_days) / Number(data.days));
    if (!spread) return "Exact: a replay of this position gives the same amounts.";
    return `A share is a weight here; a replay draws its requests, and comes within $${spread.toLocaleString("en-US", { maximumSignificantDigits: 2 })} of this in 19 of 20 draws.`;
  }

  const make = (tag, className, words) => Object.assign(document.createElement(tag), { className, textContent: words });
  /* An amount: exact, and as it is shown. What is shown of a row and of a column adds up. */
  const amount = (exact, shown) => ({ exact, shown, text: tiny(exact, shown, data.places) });
  function changed(before, after) {
    const { exact, shown } = amount(after.exact - before.exact, after.shown - before.shown);
    const side = shown || exact;
    const size = side < 0n ? tiny(-exact, -shown, data.places) : tiny(exact, shown, data.places);
    return { exact, size, text: side ? signed(exact, shown, data.places) : "", tone: side > 0n ? "loss" : side < 0n ? "saving" : "" };
  }
  function row(head, before, after) {
    const line = document.createElement("tr");
    const change = changed(before, after);
    const name = make("th", "", head);
    name.scope = "row";
    const cells = [["num", before.text, "Now"], ["num", after.text, "Then"], [`num ${change.tone || "muted"}`, change.text || "–", "Change"]];
    line.append(name, ...cells.map(([className, words, label]) => {
      const cell = make("td", className, words);
      cell.dataset.label = label;
      return cell;
    }));
    return line;
  }

  function table(before, after) {
    const names = [...new Set([...before, ...after].map((part) => part.name))];
    function of(parts) {
      const exact = names.map((name) => (parts.find((part) => part.name === name)?.cost ?? 0n) * over);
      const shown = apportioned(exact, under);
      return { each: exact.map((value, place) => amount(value, shown[place])), all: amount(total(exact), total(shown)) };
    }
    const [was, is] = [of(before), of(after)];
    at("models").tBodies[0].replaceChildren(...names.map((name, place) => row(name, was.each[place], is.each[place])));
    at("models").tFoot.replaceChildren(row("total", was.all, is.all));
    return [was.all, is.all];
  }

  let pause = 0;
  function show() {
    const now = positions();
    for (const key of keys) {
      const value = text(now[key]);
      document.getElementById(`o-${key}`).textContent = value;
      slider(key).setAttribute("aria-valuetext", value);
      slider(key).disabled = now.fleet > 0 && key !== "discount";
    }
    if (data.fleet) {
      const value = now.fleet ? stops[now.fleet - 1].text : "no own GPUs";
      document.getElementById("o-fleet").textContent = value;
      slider("fleet").setAttribute("aria-valuetext", value);
    }
    const [before, after] = table(costs(resting), now.fleet ? fleetCosts(now) : costs(now));
    const change = changed(before, after);
    at("now").textContent = before.text;
    at("then").textContent = after.text;
    at("change").textContent = change.text || "no change";
    at("change").className = `value ${change.tone}`.trim();
    const dearer = change.tone === "loss";
    at("change-more").textContent = change.exact && before.exact > 0n ? `${percent(dearer ? change.exact : -change.exact, before.exact)} ${dearer ? "more" : "less"}` : "";
    at("drawn").textContent = drawn(now);
    at("toml").textContent = scenario(now);
    at("copied").textContent = "";
    clearTimeout(pause);
    pause = setTimeout(() => {
      at("said").textContent = change.text ? `${before.text} now, ${after.text} then: ${dearer ? `costs ${change.size} more` : `saves ${change.size}`}` : `${before.text}, no change`;
    }, 400);
  }

  function reset() {
    document.querySelectorAll("#w-panel input").forEach((input) => { input.value = input.defaultValue; });
    show();
  }

  at("panel").hidden = false;
  at("panel").addEventListener("input", show);
  at("reset").addEventListener("click", reset);
  at("copy").addEventListener("click", async () => {
    getSelection().selectAllChildren(at("toml"));
    try {
      await navigator.clipboard.writeText(at("toml").textContent);
      at("copied").textContent = "Copied.";
    } catch {
      at("copied").textContent = "Selected: copy it with the keyboard.";
    }
  });
  show();
})();
