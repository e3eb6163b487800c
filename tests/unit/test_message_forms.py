"""The files that pass here are valid by the standard's own XSDs too (where those are), so that we test what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lxml import etree
from provider_files import FILES

EXAMPLES = FILES.parents[1] / "examples"
MESSAGES = [*sorted(FILES.glob("3*_pass*.xml")), *sorted(EXAMPLES.glob("*.xml"))]


@pytest.fixture(scope="session")
def schemas_of_the_standard(reference_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The XSDs as files that find each other: their own spelling of the shared one differs from its name."""
    folder = tmp_path_factory.mktemp("xsd")
    for law in ("wmo", "jw"):
        (folder / law).mkdir()
        for path in (reference_data / "istandaarden" / law / "xsd").glob("*.xsd"):
            text = path.read_text()
            name = "basisschema.xsd" if path.name == "Basisschema.xsd" else path.name
            (folder / law / name).write_text(text[text.index("<?xml") :])
    return folder


@pytest.mark.parametrize("path", MESSAGES, ids=lambda p: p.name)
def test_a_passing_file_is_valid_by_the_standard(path: Path, schemas_of_the_standard: Path) -> None:
    document = etree.parse(str(path))
    found = re.search(r"/((wmo|jw)\d{3})/schema", document.getroot().tag)
    assert found
    schema = schemas_of_the_standard / found[2] / f"{found[1].upper()}.xsd"
    if not schema.exists():
        pytest.skip(f"the reference data has no {schema.name}")
    rules = etree.XMLSchema(etree.parse(str(schema)))
    assert rules.validate(document), rules.error_log
