"""The town's messages are valid by the standard's own XSDs. Needs the reference data; skips without."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lxml import etree

from producers.town.files import make_town

DATA = Path(os.environ.get("ZORGSTROOM_REFERENCE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "istandaarden"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the reference data (XSDs of iWmo and iJw 3.2) is not here")
KINDS = {"wmo323": "wmo/xsd/WMO323.xsd", "wmo301": "wmo/xsd/WMO301.xsd", "jw323": "jw/xsd/JW323.xsd", "jw301": "jw/xsd/JW301.xsd",
         "jw325": "jw/xsd/JW325.xsd"}  # fmt: skip
UNKNOWN_CATEGORY = "-met-fouten"
"""Files that hold, on purpose, a category no code list has."""


class _Beside(etree.Resolver):
    """Finds what a schema imports in its own folder, whatever the case of its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resolve(self, system_url, public_id, context):
        del public_id
        name = system_url.rsplit("/", 1)[-1].lower()
        found = next(p for p in self.folder.iterdir() if p.name.lower() == name)
        return self.resolve_string(_xml(found), context)


def _xml(path: Path) -> bytes:
    text = path.read_bytes()
    return text[text.index(b"<?xml") :]


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    make_town(folder, seed=5, months=4, addresses=800)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_of_the_town_is_valid_by_the_standard(town, kind) -> None:
    path = DATA / KINDS[kind]
    parser = etree.XMLParser()
    parser.resolvers.add(_Beside(path.parent))
    schema = etree.XMLSchema(etree.fromstring(_xml(path), parser))
    files = [f for f in sorted((town / "providers").rglob(f"*-{kind}-*.xml")) if UNKNOWN_CATEGORY not in f.name]
    assert files
    faults = {f.name: str(schema.error_log) for f in files if not schema.validate(etree.parse(f))}
    assert faults == {}


def test_the_schema_refuses_the_category_that_is_wrong_on_purpose(town) -> None:
    path = DATA / KINDS["wmo323"]
    parser = etree.XMLParser()
    parser.resolvers.add(_Beside(path.parent))
    schema = etree.XMLSchema(etree.fromstring(_xml(path), parser))
    wrong = [f for f in (town / "providers").rglob("*wmo323*.xml") if ">99<" in f.read_text("utf-8")]
    assert wrong
    assert not any(schema.validate(etree.parse(f)) for f in wrong)
