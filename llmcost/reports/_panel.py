"""The markup of a page's what-if panel; its script (``_html/levers.js``) moves it and fills in what follows."""

from __future__ import annotations

from html import escape

from llmcost.results.panel import Fleet, Lever, Panel


def markup(panel: Panel) -> str:
    """The panel as it stands before anything is moved; without a script only what it costs now is shown."""
    a_month = ", a month" if panel.days is not None else ""
    levers = "".join(_lever(lever) for lever in panel.levers) + (_fleet(panel.fleet) if panel.fleet else "")
    remarks = "".join(f"<li>{escape(line)}</li>" for line in panel.remarks)
    figures = "".join(
        f'<div><dt>{label}</dt><dd class="value" id="w-{key}">{escape(value)}</dd><dd id="w-{key}-more"></dd></div>'
        for key, label, value in (
            ("now", f"Now{a_month}", panel.now), ("then", f"Then{a_month}", panel.now), ("change", "Change", "no change"),
        )
    )  # fmt: skip
    return f"""<section id="s-{panel.key}" aria-labelledby="h-{panel.key}"><h2 id="h-{panel.key}">{escape(panel.title)}</h2>
<p>{escape(panel.intro)}</p>
<div class="panel" id="w-panel" hidden>
<div class="levers" role="group" aria-label="Levers">{levers}</div>
<div class="tools"><p class="note rows" id="w-drawn"></p><button type="button" id="w-reset">Reset</button></div>
<dl class="figures" id="w-figures">{figures}</dl>
<p class="quiet" role="status" aria-live="polite" id="w-said"></p>
<div class="scroll" tabindex="0" role="region" aria-label="What if, by the model that was logged"><table id="w-models" class="cards">
<caption>What if, by the model that was logged</caption>
<thead><tr><th scope="col">Model, as logged</th><th scope="col" class="num">Now</th><th scope="col" class="num">Then</th>
<th scope="col" class="num">Change</th></tr></thead><tbody></tbody><tfoot></tfoot></table></div>
<details><summary>The same as a scenario, for llmcost simulate -s</summary>
<pre tabindex="0" role="region" aria-label="Scenario file"><code id="w-toml"></code></pre>
<button type="button" id="w-copy">Copy</button> <span class="note" role="status" id="w-copied"></span></details>
<ul class="notes">{remarks}</ul>
</div>
<noscript><p class="note">The levers need JavaScript.</p></noscript>
</section>"""


def _lever(lever: Lever) -> str:
    least = lever.least if lever.start is not None else lever.least - lever.step
    start = lever.start if lever.start is not None else least
    return _slider(lever.key, lever.label, lever.note, least, lever.most, lever.step, start)


def _fleet(fleet: Fleet) -> str:
    return _slider("fleet", fleet.label, fleet.note, 0, len(fleet.stops), 1, 0)


def _slider(key: str, label: str, note: str, least: int, most: int, step: int, start: int) -> str:
    return (
        f'<div class="lever"><label for="l-{key}">{escape(label)}</label><output for="l-{key}" id="o-{key}"></output>'
        f'<input type="range" id="l-{key}" min="{least}" max="{most}" step="{step}" value="{start}" autocomplete="off"'
        f' aria-describedby="d-{key}"><p class="note" id="d-{key}">{escape(note)}</p></div>'
    )
