"use strict";
/* Amounts as whole numbers, and their texts as all of the report has them (llmcost/results/present.py): for the scripts below. */
const amounts = (() => {
  const ten = (power) => 10n ** BigInt(power);
  const total = (values) => values.reduce((sum, value) => sum + value, 0n);
  const size = (value) => (value < 0n ? -value : value);

  /* How many decimals the longest of some texts has; a text as a whole number of ten to the minus `scale`. */
  const decimals = (texts) => texts.reduce((most, text) => Math.max(most, (text.split(".")[1] || "").length), 0);
  function scaled(text, scale) {
    const [whole, part = ""] = text.split(".");
    return BigInt(whole + part.padEnd(scale, "0"));
  }

  /* Half up, away from nothing. */
  const quotient = (over, under) => (over < 0n ? -quotient(-over, under) : (over * 2n + under) / (under * 2n));

  /* Each over `under` and rounded by itself; the units that their rounded sum then lacks or has too many go where they distort
     least, so that what is shown sums to the shown total. */
  function apportioned(values, under) {
    const shown = values.map((value) => quotient(value, under));
    const missing = quotient(total(values), under) - total(shown);
    const sign = missing > 0n ? 1n : -1n;
    const off = shown.map((units, place) => sign * (units * under - values[place]));
    const nearest = [...values.keys()].sort((one, other) => (off[one] < off[other] ? -1 : Number(off[one] > off[other])));
    for (const place of nearest.slice(0, Number(size(missing)))) shown[place] += sign;
    return shown;
  }

  function dollars(shown, places) {
    const text = size(shown).toString().padStart(places + 1, "0");
    const cut = text.length - places;
    return `${shown < 0n ? "-" : ""}$${BigInt(text.slice(0, cut)).toLocaleString("en-US")}.${text.slice(cut)}`;
  }
  /* What was rounded away to nothing says what it stays under; `exact` in any unit. */
  function tiny(exact, shown, places) {
    if (shown !== 0n || exact === 0n) return dollars(shown, places);
    return exact > 0n ? `<${dollars(1n, places)}` : `>${dollars(-1n, places)}`;
  }
  const signed = (exact, shown, places) => `${shown > 0n || (shown === 0n && exact > 0n) ? "+" : ""}${tiny(exact, shown, places)}`;

  /* A share near but not at none or all never reads as 0 % or 100 %. */
  function percent(part, whole) {
    const tenths = quotient(quotient(part * ten(12), whole), ten(9));
    if (tenths === 0n && part !== 0n) return part > 0n ? "<0.1%" : ">-0.1%";
    if (tenths === 1000n && part < whole) return ">99.9%";
    return `${(Number(tenths) / 10).toFixed(1)}%`;
  }

  return { apportioned, decimals, dollars, percent, quotient, scaled, signed, ten, tiny, total };
})();
