"""Builds the site with Sphinx: whole or not at all, and from the same results to the same bytes."""

import io
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from slowpoints.errors import SlowpointsError
from slowpoints.publish.site import facts, pages

STATIC = Path(__file__).parent / "static"
# of the building, of no use to a reader
TRACES = (".buildinfo", ".doctrees", "objects.inv", "_sources", "_static/webpack-macros.html")


class SiteError(SlowpointsError):
    """A page that cannot be built as written: which, and why."""


def build(scale: str, *, cells: Path, out: Path) -> None:
    """Write the site of one scale to the folder `out`."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent.resolve(), prefix=".site.") as work:
        source, files, made = Path(work, "source"), Path(work, "extra", "files"), Path(work, "made")
        found = facts.gather(scale, cells=cells)
        pages.write(found, source)
        pages.copy_files(found, files)
        _sphinx(source, made, extra=files.parent, doctrees=Path(work, "doctrees"), scale=scale)
        for name in TRACES:
            _remove(made / name)
        _remove(out)
        os.replace(made, out)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sphinx(source: Path, made: Path, *, extra: Path, doctrees: Path, scale: str) -> None:
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    warnings = io.StringIO()
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            source,
            None,
            made,
            doctrees,
            "html",
            confoverrides=_settings(extra, scale),
            status=None,
            warning=warnings,
            freshenv=True,
        )
        app.build()
    if found := warnings.getvalue().strip():
        raise SiteError(
            "the site was not written, for this on its "
            f"pages:\n{found.replace(str(source), 'site')}"
        )


def _settings(extra: Path, scale: str) -> dict[str, Any]:
    return {
        "project": "slowpoints",
        "html_title": f"slowpoints · {scale}",
        "language": "en",
        "smartquotes": False,
        "extensions": ["myst_parser", "slowpoints.publish.site.mathml"],
        "myst_enable_extensions": ["dollarmath", "deflist"],
        "myst_heading_anchors": 3,
        "suppress_warnings": ["myst.header", "misc.highlighting_failure", "config.cache"],
        "math_number_all": False,
        "html_theme": "pydata_sphinx_theme",
        "html_theme_options": {
            "navbar_end": ["theme-switcher"],
            "navbar_align": "left",
            "header_links_before_dropdown": 9,
            "show_prev_next": False,
            "secondary_sidebar_items": ["page-toc"],
            "footer_start": [],
            "footer_end": [],
            "navigation_depth": 2,
            "show_nav_level": 1,
            "collapse_navigation": True,
            "search_bar_text": "Search the site",
        },
        "html_context": {"default_mode": "auto"},
        "html_sidebars": {"index": [], "claims/**": [], "figures/index": []},
        "html_static_path": [str(STATIC)],
        "html_css_files": ["site.css"],
        "html_js_files": [("claims.js", {"defer": "defer"})],
        "html_extra_path": [str(extra)],
        "html_copy_source": False,
        "html_show_sourcelink": False,
        # it would fetch pages, which browsers refuse from the file system
        "html_show_search_summary": False,
        "html_show_copyright": False,
        "html_show_sphinx": False,
        "html_last_updated_fmt": None,
        "html_permalinks_icon": "#",
        "pygments_style": "a11y-high-contrast-light",
        "show_warning_types": True,
    }
