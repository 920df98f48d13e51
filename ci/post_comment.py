"""Posts a comment that llmcost wrote on a pull or merge request, or updates the one with the same hidden mark.

For CI jobs; llmcost itself never opens a socket. Only Python's standard library. Where to post comes from the environment:
LLMCOST_API, LLMCOST_REPOSITORY (GitLab: the project's id), LLMCOST_NUMBER and LLMCOST_TOKEN.

https://docs.github.com/rest/issues/comments and https://docs.gitlab.com/api/notes, recalled 2026-11-24.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PAGE = 100
_ATTEMPTS = 4
_BUSY = frozenset({429, 500, 502, 503, 504})


def main(arguments: list[str]) -> int:
    """``post_comment.py github|gitlab FILE``."""
    if len(arguments) != 2 or arguments[0] not in {"github", "gitlab"}:
        print("usage: post_comment.py github|gitlab FILE", file=sys.stderr)
        return 2
    body = Path(arguments[1]).read_text(encoding="utf-8")
    mark = body.partition("\n")[0]
    if not (mark.startswith("<!-- llmcost:") and mark.endswith("-->")):
        print(f"{arguments[1]} does not begin with llmcost's mark", file=sys.stderr)
        return 2
    forge = Forge(arguments[0])
    try:
        known = next((number for number, text in forge.comments() if text.startswith(mark)), None)
        if known is None:
            forge.call("POST", forge.list_url, {"body": body})
        else:
            forge.call(forge.update_verb, f"{forge.one_url}/{known}", {"body": body})
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        print(f"the comment was not posted: {error}", file=sys.stderr)
        return 1
    print("created" if known is None else f"updated {known}")
    return 0


class Forge:
    """The few calls of a forge's API that a sticky comment needs."""

    def __init__(self, kind: str) -> None:
        api, number = os.environ["LLMCOST_API"].rstrip("/"), urllib.parse.quote(os.environ["LLMCOST_NUMBER"], safe="")
        self.token = os.environ["LLMCOST_TOKEN"]
        if not api.startswith(("https://", "http://")):
            raise SystemExit("LLMCOST_API is no web address")
        if kind == "github":
            place = f"{api}/repos/{urllib.parse.quote(os.environ['LLMCOST_REPOSITORY'], safe='/')}/issues"
            self.list_url, self.one_url, self.update_verb = f"{place}/{number}/comments", f"{place}/comments", "PATCH"
            self.headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json"}
        else:
            project = urllib.parse.quote(os.environ["LLMCOST_REPOSITORY"], safe="")
            self.list_url = f"{api}/projects/{project}/merge_requests/{number}/notes"
            self.one_url, self.update_verb = self.list_url, "PUT"
            self.headers = {"PRIVATE-TOKEN": self.token}

    def comments(self) -> Iterator[tuple[int, str]]:
        """Number and text of every comment, page by page."""
        page = 1
        while True:
            found = self.call("GET", f"{self.list_url}?per_page={_PAGE}&page={page}")
            for comment in found:
                yield int(comment["id"]), str(comment.get("body") or "")
            if len(found) < _PAGE:
                return
            page += 1

    def call(self, verb: str, url: str, content: Any = None) -> Any:
        """One call; a busy server is asked again, a little later each time."""
        data = None if content is None else json.dumps(content).encode()
        headers = {**self.headers, "Content-Type": "application/json", "User-Agent": "llmcost"}
        for attempt in range(_ATTEMPTS):
            request = urllib.request.Request(url, data, headers, method=verb)  # noqa: S310 - the scheme was looked at
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                if error.code not in _BUSY or attempt + 1 == _ATTEMPTS:
                    raise
            time.sleep(float(os.environ.get("LLMCOST_WAIT", "1")) * 2**attempt)
        raise AssertionError("unreachable")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
