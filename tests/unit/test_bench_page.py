"""What the benchmark of the page looks at is a page as readers get it."""

from __future__ import annotations

from municipality_page_reading import opened, warnings

from deploy.bench_page import a_year_of_a_town


def test_the_year_it_measures_has_figures_for_every_area_and_nothing_missing(tmp_path) -> None:
    released, epochs = a_year_of_a_town(tmp_path, 2_000)
    assert released.epochs() == epochs
    assert len(epochs) == 12
    figures = released.figures(epochs[-1])
    for level in ("wijk", "buurt", "cluster"):
        areas = figures.of_level(level)
        assert areas
        assert all(figures.published(a["code"], "total", figures.years()[0]) is not None for a in areas)
    assert warnings(opened("/", released)) == []
