"""The import contract that import-linter does not have: a plug-in is imported by nobody but the loader."""

from __future__ import annotations

import grimp
from importlinter import Contract, ContractCheck, fields, output


class PluginContract(Contract):
    """No module imports a plug-in: not its siblings, not their private helpers, not another package.

    A plug-in is a module or package directly inside one of ``packages`` whose name does not start with an
    underscore; :mod:`llmcost.plugins` loads it by name. What two plug-ins need lives in a ``_helper`` or a layer below.
    """

    type_name = "plugins"
    packages = fields.SetField(subfield=fields.StringField())

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - import-linter's signature
        """Every import of a plug-in from outside of it is a violation."""
        packages: set[str] = self.packages  # type: ignore[assignment]  # a field reads as its value
        found = [
            f"{importer} imports the plug-in {imported}"
            for package in sorted(packages)
            for plugin in sorted(graph.find_children(package))
            if not plugin.rpartition(".")[2].startswith("_")
            for imported in sorted({plugin} | graph.find_descendants(plugin))
            for importer in sorted(graph.find_modules_that_directly_import(imported))
            if importer != plugin and not importer.startswith(f"{plugin}.")
        ]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the violations, one a line."""
        for line in check.metadata["found"]:
            output.print_error(line)
