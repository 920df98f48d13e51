"use strict";
/* Long tables: pages, search and order over the rows that the page carries; a text is only ever set as a text. */
(() => {
  const data = JSON.parse(document.getElementById("tables").textContent);
  const page = 100;
  const onPaper = 300;
  const count = (number) => number.toLocaleString("en-US");
  const make = (tag, more, ...inside) => {
    const node = Object.assign(document.createElement(tag), more);
    node.append(...inside);
    return node;
  };

  function cell(table, at, text, tone) {
    if (at === 0) return make("th", { scope: "row" }, text);
    const share = at === table.share && !tone && /^\d+(\.\d+)?%$/.test(text);
    const node = make("td", { className: [table.kinds[at], tone, share ? "share" : ""].filter(Boolean).join(" ") }, text);
    if (share) node.append(make("i"));
    if (share) node.lastChild.style.setProperty("--part", parseFloat(text) / 100);
    return node;
  }

  function enhance(key, table) {
    const place = document.getElementById(`t-${key}`);
    const name = place.caption.textContent;
    const body = place.tBodies[0];
    const every = table.rows.map((_, row) => row);
    let found = every;
    let sought = "";
    let texts = null;
    let column = -1;
    let down = false;
    let first = 0;

    const status = make("p", { className: "note rows" });
    status.setAttribute("role", "status");
    const search = make("input", { type: "search", autocomplete: "off", spellcheck: false, placeholder: "Search" });
    search.setAttribute("aria-label", `Search in ${name}`);
    search.setAttribute("aria-controls", place.id);
    const earlier = make("button", { type: "button" }, "Previous");
    const later = make("button", { type: "button" }, "Next");
    earlier.setAttribute("aria-label", `Previous rows of ${name}`);
    later.setAttribute("aria-label", `Next rows of ${name}`);

    const line = (row) => make("tr", {}, ...table.rows[row].map((text, at) => cell(table, at, text, table.tones[at]?.[row] || "")));

    function show(rows, from) {
      body.replaceChildren(...rows.map(line));
      const of = found.length === every.length ? count(every.length) : `${count(found.length)} found in ${count(every.length)}`;
      status.textContent = found.length ? `Rows ${count(from + 1)} to ${count(from + rows.length)} of ${of}` : `None of ${count(every.length)} rows has this text`;
      earlier.disabled = from === 0;
      later.disabled = from + page >= found.length;
      place.dispatchEvent(new Event("drawn"));
    }

    const draw = () => show(found.slice(first, first + page), first);

    function select() {
      texts ??= table.rows.map((row) => row.join("\n").toLowerCase());
      found = sought ? every.filter((row) => texts[row].includes(sought)) : every;
      if (column >= 0) {
        /* What is unknown has the rank -1 and comes last either way. */
        const ranks = table.ranks[column];
        const way = down ? -1 : 1;
        found = found.slice().sort((one, other) => (ranks[one] < 0 || ranks[other] < 0 ? (ranks[one] < 0) - (ranks[other] < 0) : way * (ranks[one] - ranks[other])));
      }
      first = 0;
      draw();
    }

    [...place.tHead.rows[0].cells].forEach((head, at) => {
      const button = make("button", { type: "button" }, head.textContent);
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        down = at === column ? !down : table.kinds[at] === "num";
        column = at;
        for (const one of place.tHead.rows[0].cells) one.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        select();
      });
    });
    search.addEventListener("input", () => {
      sought = search.value.trim().toLowerCase();
      select();
    });
    const turn = (by) => {
      first += by;
      draw();
    };
    earlier.addEventListener("click", () => turn(-page));
    later.addEventListener("click", () => turn(page));
    document.getElementById(`n-${key}`).replaceWith(make("div", { className: "tools" }, search, status, earlier, later));
    draw();
    place.addEventListener("restore", draw);
    addEventListener("beforeprint", () => found.length <= onPaper && show(found, 0));
    addEventListener("afterprint", draw);
  }

  for (const [key, table] of Object.entries(data)) enhance(key, table);
})();
