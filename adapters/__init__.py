"""The register of dialects: one line each. A dialect is loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import cast

from hub.contract import Adapter

_REGISTER = {
    "colposcopy_discharge": "adapters.colposcopy_discharge:ColposcopyDischarge",
    "fhir_discharge": "adapters.fhir_discharge:FhirDischarge",
    "fhir_report": "adapters.fhir_report:FhirReport",
    "delimited_results": "adapters.delimited_results:DelimitedResults",
    "edifact_results": "adapters.edifact_results:EdifactResults",
    "hl7v2_oru": "adapters.hl7v2_oru:Hl7v2Oru",
}


class _Adapters(Mapping[str, Adapter]):
    """The adapters by the name of their dialect."""

    def __init__(self, register: Mapping[str, str]) -> None:
        self._register = register
        self._loaded: dict[str, Adapter] = {}

    def __getitem__(self, dialect: str) -> Adapter:
        if dialect not in self._loaded:
            module, _, name = self._register[dialect].partition(":")
            self._loaded[dialect] = cast(Adapter, getattr(import_module(module), name)())
        return self._loaded[dialect]

    def __iter__(self) -> Iterator[str]:
        return iter(self._register)

    def __len__(self) -> int:
        return len(self._register)


ADAPTERS: Mapping[str, Adapter] = _Adapters(_REGISTER)
