"use strict";
/* What if: weighs the sums that the page carries. Money is whole numbers throughout; only its text has a point. */
(() => {
  const data = JSON.parse(document.getElementById("levers").textContent);
  if (!data) return;
  const at = (id) => document.getElementById(`w-${id}`);
  const slider = (key) => document.getElementById(`l-${key}`);

  const decimals = (text) => (text.split(".")[1] || "").length;
  const most = (texts) => texts.reduce((largest, text) => Math.max(largest, decimals(text)), 0);
  const ten = (power) => 10n ** BigInt(power);
  const scaled = (text, scale) => {
    const [whole, part = ""] = text.split(".");
    return BigInt(whole + part.padEnd(scale, "0"));
  };
  /* Half up, away from nothing, as all amounts of the report are rounded. */
  const quotient = (over, under) => (over < 0n ? -((-over * 2n + under) / (under * 2n)) : (over * 2n + under) / (under * 2n));

  /* Amounts in units of ten to the minus `scale`, by state: the states of a row are few. */
  const lines = data.sums.flatMap((group) => group.lines);
  const stops = data.fleet ? data.fleet.stops : [];
  const quantities = most(lines.map((line) => line[1]));
  const prices = Math.max(most(lines.map((line) => line[2])), most([data.fixed, ...stops.flatMap((stop) => [stop.calls, stop.fleet, stop.fixed])]));
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

  const lengths = data.days === null ? ["1", "1"] : [data.month_days, data.days];
  const [stretch, shrink] = lengths.map((length) => scaled(length, most(lengths)));
  const rounded = (cost) => quotient(cost * stretch * ten(data.places), ten(scale + 12) * shrink);
  const digits = (amount) => {
    const text = (amount < 0n ? -amount : amount).toString().padStart(data.places + 1, "0");
    const cut = text.length - data.places;
    return `$${BigInt(text.slice(0, cut)).toLocaleString("en-US")}.${text.slice(cut)}`;
  };
  const dollars = (amount) => (amount < 0n ? "-" : "") + digits(amount);
  const signed = (amount) => (amount > 0n ? `+${digits(amount)}` : dollars(amount));
  /* Differences of rounded running totals: what is shown sums to the shown total. */
  const running = (amounts) => {
    let sum = 0n;
    let before = 0n;
    return amounts.map((amount) => {
      sum += amount;
      const after = rounded(sum);
      const shown = after - before;
      before = after;
      return shown;
    });
  };
  const percent = (part, whole) => `${Number(quotient((part < 0n ? -part : part) * 1000n, whole)) / 10}%`;

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
  function row(head, before, after) {
    const line = document.createElement("tr");
    const change = after - before;
    const tone = change > 0n ? "loss" : change < 0n ? "saving" : "muted";
    const name = make("th", "", head);
    name.scope = "row";
    const cells = [["num", dollars(before), "Now"], ["num", dollars(after), "Then"], [`num ${tone}`, change ? signed(change) : "–", "Change"]];
    line.append(name, ...cells.map(([className, words, label]) => {
      const cell = make("td", className, words);
      cell.dataset.label = label;
      return cell;
    }));
    return line;
  }

  function table(before, after) {
    const names = [...new Set([...before, ...after].map((part) => part.name))];
    const of = (parts) => running(names.map((name) => parts.find((part) => part.name === name)?.cost ?? 0n));
    const [was, is] = [of(before), of(after)];
    const total = (amounts) => amounts.reduce((sum, amount) => sum + amount, 0n);
    at("models").tBodies[0].replaceChildren(...names.map((name, place) => row(name, was[place], is[place])));
    at("models").tFoot.replaceChildren(row("total", total(was), total(is)));
    return [total(was), total(is)];
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
    const change = after - before;
    const share = before ? percent(change, before) : "";
    at("now").textContent = dollars(before);
    at("then").textContent = dollars(after);
    at("change").textContent = change ? signed(change) : "no change";
    at("change").className = `value ${change > 0n ? "loss" : change < 0n ? "saving" : ""}`.trim();
    at("change-more").textContent = change && share ? `${share} ${change > 0n ? "more" : "less"}` : "";
    at("drawn").textContent = drawn(now);
    at("toml").textContent = scenario(now);
    at("copied").textContent = "";
    clearTimeout(pause);
    pause = setTimeout(() => {
      at("said").textContent = change ? `${dollars(before)} now, ${dollars(after)} then: ${change > 0n ? "costs" : "saves"} ${digits(change)}${change > 0n ? " more" : ""}` : `${dollars(before)}, no change`;
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
