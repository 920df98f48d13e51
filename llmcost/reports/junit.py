"""JUnit XML: every limit is a test case, so any CI server lists them (https://github.com/testmoapp/junitxml, recalled 2026-11-24).

What blocks is a failure, what could not be evaluated is skipped, a warning passes and says so in its output.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from llmcost.reports import Options, Report
from llmcost.results.outcome import Outcome, Remark
from llmcost.results.present import clean

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, escaped or not."""


def render(outcome: Outcome, options: Options) -> bytes:
    """``outcome`` as a suite of test cases."""
    doc = outcome.document(options.top_n, options.title)
    remarks = outcome.remarks() or (Remark(outcome.kind, doc.title, "notice", doc.sentence),)
    counts = {
        "tests": len(remarks), "failures": sum(remark.level == "error" for remark in remarks), "errors": 0,
        "skipped": sum(remark.level == "skipped" for remark in remarks),
    }  # fmt: skip
    numbers = {name: str(number) for name, number in counts.items()}
    root = Element("testsuites", {"name": text(doc.title), **numbers})
    suite = SubElement(root, "testsuite", {"name": text(doc.title), **numbers})
    for remark in remarks:
        _case(suite, remark)
    SubElement(suite, "system-out").text = text(doc.sentence)
    indent(root)
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _case(suite: Element, remark: Remark) -> None:
    where = {"file": text(remark.file)} if remark.file else {}
    case = SubElement(
        suite, "testcase", {"classname": f"llmcost.{text(remark.group)}", "name": text(remark.name), **where}
    )
    match remark.level:
        case "error":
            SubElement(case, "failure", {"type": "limit", "message": text(remark.message)}).text = text(remark.message)
        case "skipped":
            SubElement(case, "skipped", {"message": text(remark.message)})
        case "warning":
            SubElement(case, "system-out").text = text(f"warning: {remark.message}")


def text(value: str) -> str:
    """A text that XML can hold."""
    return _NO_XML.sub("\ufffd", clean(value))


REPORT = Report("JUnit XML", "application/xml", ".junit.xml", render)
